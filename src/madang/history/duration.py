"""ISO 8601 durations, months and years among them, as steps on the calendar of UTC."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta

from madang.base.errors import BadRequest

_SHAPE = re.compile(
    r"P(?=[\dT])(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:[.,]\d{1,3})?)S)?)?"
)


@dataclass(frozen=True)
class Duration:
    """Whole calendar months, and an exact rest. Never both nothing."""

    months: int
    rest: timedelta

    def after(self, start: datetime, times: int) -> datetime:
        """`start` plus the duration `times` over; a day the month does not have becomes its last. Raises BadRequest
        beyond the year 9999."""
        try:
            month = start.month - 1 + self.months * times
            year = start.year + month // 12
            day = min(start.day, monthrange(year, month % 12 + 1)[1])
            return start.replace(year=year, month=month % 12 + 1, day=day) + self.rest * times
        except (ValueError, OverflowError):
            raise BadRequest("aggrPeriodDuration leads beyond the calendar") from None

    def count(self, start: datetime, moment: datetime) -> int:
        """How many whole durations lie between `start` and a later `moment`."""
        if not self.months:
            return (moment - start) // self.rest
        # Every duration has at least 28 days a month: the guess is never too low by more than a few.
        guess = (moment - start) // (timedelta(days=31 * self.months) + self.rest)
        while self.after(start, guess + 1) <= moment:
            guess += 1
        return guess


def parse_duration(text: str) -> Duration | None:
    """None for a duration of nothing (`PT0S`), which clause 4.5.19.1 reads as the whole time. Raises BadRequest."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise BadRequest(f"not an ISO 8601 duration: {text[:40]!r}")
    years, months, weeks, days, hours, minutes, seconds = (part or "0" for part in found.groups())
    rest = timedelta(
        weeks=int(weeks),
        days=int(days),
        hours=int(hours),
        minutes=int(minutes),
        milliseconds=round(float(seconds.replace(",", ".")) * 1000),
    )
    duration = Duration(int(years) * 12 + int(months), rest)
    return duration if duration.months or duration.rest else None
