"""Who is told of a step of an incident. Pure: the hour is an argument."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Any

from madang.base.limits import NOTICE_ATTEMPTS, NOTICE_BACKOFF_S, NOTICES_PER_HOUR
from madang.operations.incidents.incident import SEVERITIES, Entry, Incident
from madang.operations.notifying.nouns import ROLES, Hours, Reach, Recipient, State, Step, StepName, Telling, Wish

MACHINE = "madang"


def step_of(entry: Entry, incident: Incident) -> Step | None:
    """What a line of the log is to those who are told; None for what nobody is told of: of what is merged the other tells, and what is
    over needs nobody."""
    name = _name(entry.what, entry.who, entry.details)
    if name is None or incident.merged_into is not None or incident.state == "resolved":
        return None
    return Step(entry.id, incident.id, name, incident.kind, incident.severity, entry.who)


def _name(what: str, who: str, details: Mapping[str, Any]) -> StepName | None:
    if what == "escalated":
        return "overdue" if who == MACHINE else "escalated"
    if what == "graded":
        return "raised" if _rank(details["to"]) > _rank(details["from"]) else None
    return "opened" if what == "opened" else None


def told(step: Step, wishes: Iterable[Wish], people: Iterable[Recipient], local: time) -> list[Telling]:
    """Each person once on each channel, whatever the number of wishes that ask for it, and not of what they did themselves. `local`: the
    hour in the city."""
    asked = [wish for wish in wishes if wants(wish, step, local)]
    known = {one.who: one for one in people if one.who != step.by and one.roles & frozenset(ROLES)}
    reachable = [one for one in known.values() if not is_quiet(one.reach, step, local)]
    return [
        Telling(one.who, channel)
        for one in reachable
        for channel in sorted({name for wish in asked if concerns(wish, one) for name in wish.channels})
        if channel in one.reach.addresses
    ]


def wants(wish: Wish, step: Step, local: time) -> bool:
    """Whether a step is one of those that the wish names."""
    fits = step.name in wish.steps and (not wish.kinds or step.kind in wish.kinds)
    return fits and _rank(step.severity) >= _rank(wish.severity) and (wish.hours is None or within(wish.hours, local))


def concerns(wish: Wish, one: Recipient) -> bool:
    return wish.who in {one.who, *(f"role:{role}" for role in one.roles)}


def is_quiet(reach: Reach, step: Step, local: time) -> bool:
    """Whether the person wants to hear nothing of this now."""
    if reach.quiet is None or not within(reach.quiet, local):
        return False
    return reach.breaks is None or _rank(step.severity) < _rank(reach.breaks)


def within(hours: Hours, local: time) -> bool:
    if hours.since <= hours.until:
        return hours.since <= local < hours.until
    return local >= hours.since or local < hours.until


def first_state(telling: Telling, sent_in_hour: Mapping[tuple[str, str], int]) -> State:
    """`bounded` when so many went to this person by this channel within the hour that one more would be noise."""
    count = sent_in_hour.get((telling.who, telling.channel), 0)
    return "bounded" if count >= NOTICES_PER_HOUR else "waiting"


def next_at(attempt: int, now: datetime) -> datetime:
    """When an attempt (from 1) that came to nothing is made again: twice as late each time."""
    return now + timedelta(seconds=NOTICE_BACKOFF_S * 2 ** (attempt - 1))


def after_failure(attempts: int, is_final: bool) -> State:
    return "failed" if is_final or attempts >= NOTICE_ATTEMPTS else "waiting"


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity)
