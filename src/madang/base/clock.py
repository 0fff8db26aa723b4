"""Time is an argument: everything that needs "now" takes a Clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Gives the present as an aware UTC datetime."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def set(self, moment: datetime) -> None:
        self._now = moment


def to_iso(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`, as NGSI-LD clause 4.6.3 asks: strings of it sort as the times do."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def short_iso(text: str) -> str:
    """A time of `to_iso` as people write it: without milliseconds when there are none."""
    return text[:-5] + "Z" if text.endswith(".000Z") else text


def from_iso(text: str) -> datetime:
    """Aware UTC datetime of an ISO 8601 text; a time without a zone is UTC. Raises ValueError, also for a time that in UTC lies
    outside of the years 1 to 9999."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"not a time of this calendar: {text[:40]!r}") from None


def monotonic_s() -> float:
    """Seconds that only grow, for measuring durations."""
    return time.perf_counter()
