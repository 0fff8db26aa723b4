"""The city's time as an app knows it: from the kernel's status each second, carried on by the wall clock between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import ClassVar

from madang.base.clock import from_iso, monotonic_s


@dataclass
class CityTime:
    """`known` is False until the first status came."""

    EPOCH: ClassVar[datetime] = datetime(1970, 1, 1, tzinfo=UTC)
    at: datetime | None = None
    wall_s: float = 0.0
    speed: float = 1.0
    zone: tzinfo = UTC

    @property
    def known(self) -> bool:
        return self.at is not None

    def note(self, city_time: str, speed: float, wall_s: float | None = None) -> None:
        """Fold a status frame. Raises ValueError on a text that is no time."""
        self.at, self.speed = from_iso(city_time), max(speed, 1e-6)
        self.wall_s = monotonic_s() if wall_s is None else wall_s

    def now(self, wall_s: float | None = None) -> datetime:
        """Raises RuntimeError before the first status."""
        if self.at is None:
            raise RuntimeError("the city's time is not known yet")
        passed = (monotonic_s() if wall_s is None else wall_s) - self.wall_s
        return self.at + timedelta(seconds=passed * self.speed)

    def local(self) -> datetime:
        """The same in the city's time zone."""
        return self.now().astimezone(self.zone)


def epoch_s(text: str) -> float:
    """An ISO 8601 time as seconds since 1970. Raises ValueError."""
    return from_iso(text).timestamp()
