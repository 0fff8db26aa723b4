"""The nouns of telling people: what they want to know, how they are reached, what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Literal, get_args
from uuid import UUID

import msgspec

from madang.base.errors import BadRequest
from madang.operations.incidents.incident import Severity

ChannelName = Literal["email", "sms", "kakao"]
StepName = Literal["opened", "raised", "escalated", "overdue"]
State = Literal["waiting", "sent", "failed", "bounded"]
CHANNELS: tuple[ChannelName, ...] = get_args(ChannelName)
STEPS: tuple[StepName, ...] = get_args(StepName)
ROLES = ("duty-officer", "operator", "administrator", "auditor")
"""Those that read incidents by the house's policies: nobody else is told of one."""


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of the day, in the city's time: from `since` up to `until`, past midnight where that is the earlier."""

    since: time
    until: time


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`who` (`role:ROLE` or `person:ID`) is told of these `steps` of incidents from `severity` on. No `kinds`: of every kind; no
    `hours`: at any."""

    who: str
    channels: tuple[ChannelName, ...]
    steps: tuple[StepName, ...]
    severity: Severity = "low"
    kinds: tuple[str, ...] = ()
    hours: Hours | None = None


class Reach(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a person is reached: an address by channel (RFC 5321, or E.164). In the hours of `quiet` only what is of severity `breaks` or
    higher comes through; None: nothing."""

    language: Literal["ko", "en"] = "ko"
    addresses: dict[ChannelName, str] = {}
    quiet: Hours | None = None
    breaks: Severity | None = None


@dataclass(frozen=True)
class Recipient:
    """`who`: as the audit log has it (`person:ID`)."""

    who: str
    roles: frozenset[str]
    reach: Reach


@dataclass(frozen=True)
class Step:
    """Something about an incident that people may want to know. `entry`: its line of the log; `by`: who did it."""

    entry: int
    incident: int
    name: StepName
    kind: str
    severity: Severity
    by: str


@dataclass(frozen=True)
class Telling:
    """One message that is to go out."""

    who: str
    channel: ChannelName


@dataclass(frozen=True)
class Notice:
    """A message on record. `key` is the same at each attempt; `simulated`: a play took it, nobody was reached."""

    id: int
    key: UUID
    entry: int
    incident: int
    step: StepName
    severity: Severity
    who: str
    channel: ChannelName
    state: State
    attempts: int
    made_at: datetime
    next_at: datetime
    done_at: datetime | None = None
    error: str = ""
    simulated: bool = False


def read_wish(told: Mapping[str, Any]) -> Wish:
    """Raises BadRequest."""
    wish: Wish = _read(told, Wish)
    return wish


def read_reach(told: Mapping[str, Any]) -> Reach:
    """Raises BadRequest."""
    reach: Reach = _read(told, Reach)
    return reach


def _read(told: Mapping[str, Any], kind: Any) -> Any:
    try:
        return msgspec.convert(dict(told), kind)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error), reason="notify_form") from error
