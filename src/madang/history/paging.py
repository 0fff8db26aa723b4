"""How much of an evolution goes into one answer: 206 and its Content-Range (clause 6.3.10), pure.

The page is cut by time over all attributes of all entities alike, so that what lies within the range told is complete;
instances of the very last moment all stay. What is left out starts at the end of the range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from madang.history.evolution import Event, Evolution
from madang.history.window import Window


@dataclass(frozen=True)
class Range:
    """`start` is later than `end` when the latest instances were asked for: the page then grows into the past."""

    start: str
    end: str
    size: int | None

    def header(self) -> str:
        return f"date-time {self.start}-{self.end}/{'*' if self.size is None else self.size}"


def cut(evolutions: Sequence[Evolution], window: Window, limit: int) -> tuple[list[Evolution], Range | None]:
    """The evolutions with about `limit` instances in all, and the range they cover; None when nothing was cut.

    An attribute that loses everything stays, empty.
    """
    times = [event[0] for evolution in evolutions for events in evolution.values() for event in events]
    if len(times) <= limit:
        return list(evolutions), None
    times.sort(reverse=window.last is not None)
    edge = times[limit - 1]
    kept = [
        {name: [event for event in events if _within(event, edge, window)] for name, events in evolution.items()}
        for evolution in evolutions
    ]
    return kept, _range(times[0], edge, window)


def _within(event: Event, edge: str, window: Window) -> bool:
    return event[0] <= edge if window.last is None else event[0] >= edge


def _range(first: str, edge: str, window: Window) -> Range:
    """It starts where the query does, if the query says where."""
    asked = window.low if window.last is None else window.high
    return Range(asked or first, edge, window.last)
