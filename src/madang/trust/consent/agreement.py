"""What an app asks a person for and what the person agreed to; agreeing and narrowing never give more than was asked. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from madang.base.errors import BadRequest
from madang.trust.consent.items import members_of

RETENTION_MAX_DAYS = 3_650


@dataclass(frozen=True)
class Ask:
    """Of one kind of item the members (None: all) that an app needs for a purpose, and for how many days it keeps what it makes
    of them. `purpose` is a word of the app's, its text stands in the manifest."""

    kind: str
    purpose: str
    members: frozenset[str] | None = None
    retention_days: int = 30


@dataclass(frozen=True)
class Consent:
    """An Ask that a person agreed to, perhaps to less of it. It holds until `withdrawn_at`."""

    id: str
    person: str
    app: str
    pseudonym: str
    ask: Ask
    granted_at: datetime
    withdrawn_at: datetime | None = None


def check_ask(ask: Ask) -> Ask:
    """Raises BadRequest for members that such an item has not, or a retention without end."""
    unknown = (ask.members or frozenset()) - members_of(ask.kind)
    if unknown or ask.members == frozenset():
        raise BadRequest(f"{ask.kind} has no members {', '.join(sorted(unknown))}" if unknown else "no members asked")
    if not 0 <= ask.retention_days <= RETENTION_MAX_DAYS:
        raise BadRequest(f"retention is 0 to {RETENTION_MAX_DAYS} days")
    return ask


def within(ask: Ask, members: Iterable[str] | None, retention_days: int | None) -> Ask:
    """The part of an ask that a person agrees to: None leaves as it was asked. Raises BadRequest for more than was asked."""
    chosen = ask.members if members is None else frozenset(members)
    days = ask.retention_days if retention_days is None else retention_days
    everything = members_of(ask.kind) if ask.members is None else ask.members
    if chosen is not None and not chosen <= everything:
        raise BadRequest(f"not asked for: {', '.join(sorted(chosen - everything))}")
    if days > ask.retention_days:
        raise BadRequest(f"the app asked for {ask.retention_days} days")
    return check_ask(replace(ask, members=chosen, retention_days=days))


def narrower(before: Ask, after: Ask) -> bool:
    """Whether something that was agreed to is not any more, so that an app has something to erase."""
    everything = members_of(before.kind)
    lost = (before.members or everything) - (after.members or everything)
    return bool(lost) or after.retention_days < before.retention_days


def shown(ask: Ask, item: dict[str, Any]) -> dict[str, Any]:
    """Of an item what was agreed to."""
    return {name: value for name, value in item.items() if ask.members is None or name in ask.members}
