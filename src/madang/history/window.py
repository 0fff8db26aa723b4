"""What part of the past is asked for: the temporal query of clause 4.11, and what is done with what it finds."""

from __future__ import annotations

from dataclasses import dataclass

from madang.history.duration import Duration

TIME_PROPERTIES = ("observedAt", "createdAt", "modifiedAt", "deletedAt")


@dataclass(frozen=True)
class Window:
    """Instances whose `property` lies strictly between `low` and `high` (ISO texts; None: open). `relation` is the
    `timerel` that made it, or None for the whole past. `strict`: instances without the property do not count."""

    property: str = "observedAt"
    relation: str | None = None
    low: str | None = None
    high: str | None = None
    strict: bool = True
    last: int | None = None

    def holds(self, moment: str) -> bool:
        return (self.low is None or moment > self.low) and (self.high is None or moment < self.high)


@dataclass(frozen=True)
class Aggregation:
    """`duration` None: one period over the whole time."""

    methods: tuple[str, ...]
    duration: Duration | None
