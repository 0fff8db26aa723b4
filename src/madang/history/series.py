"""The short way to a plain series: an attribute that is in every row one Property with `observedAt`, in the default data set.

Most of what a city aggregates is that. It is read into columns without a dictionary for each instance, which takes half of
the time; whatever is more than that goes the long way of `evolution`, and the meaning is that of the long way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from operator import lt
from typing import Any, Literal

import msgspec

from madang.history.store import History
from madang.history.window import Window


@dataclass(slots=True)
class Series:
    """`times` grow strictly; `values` belong to them."""

    times: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)


class _Point(msgspec.Struct, gc=False):
    """The decoder refuses what is not plain: another kind, or a data set."""

    type: Literal["Property"]
    value: Any
    observedAt: str
    datasetId: None = None


@lru_cache(maxsize=256)
def _decoder(name: str) -> Any:
    """Decodes a list of changes into those with the attribute `one`. Raises ValidationError for what is not plain."""
    fields: Any = [("one", _Point | msgspec.UnsetType, msgspec.UNSET)]
    return msgspec.json.Decoder(list[msgspec.defstruct("Change", fields, rename={"one": name}, gc=False)]).decode  # type: ignore[misc]


async def plain_series(history: History, identifier: str, name: str, window: Window) -> Series | None:
    """The series of one attribute within the window, or None when it is not plain or nothing is there."""
    if window.property != "observedAt" or window.last is not None or name == "scope":
        return None
    series, there = Series(), False
    low, high = window.low or "", window.high or "\uffff"
    async for _, rows in history.rows([identifier], window, frozenset({name})):
        try:
            points = [change.one for change in _decoder(name)(rows.changes) if change.one is not msgspec.UNSET]
        except msgspec.ValidationError:
            return None
        inside = [point for point in points if low < point.observedAt < high]
        series.times += [point.observedAt for point in inside]
        series.values += [point.value for point in inside]
        there = there or bool(points)
    grows = all(map(lt, series.times, series.times[1:]))
    return series if there and grows else None
