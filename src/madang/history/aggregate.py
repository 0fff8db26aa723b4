"""Aggregation over periods (clause 4.5.19), pure.

What a method makes of a value: numbers count as they are, booleans as 0 and 1, arrays by their size; texts have only a
least and a greatest; everything has counts. A method that has nothing to work on in a period says nothing about it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from madang.base.clock import from_iso, to_iso
from madang.history.duration import Duration

Period = tuple[str, str, Sequence[Any]]
_NUMBER_TYPES = frozenset({int, float})
_BIGGEST = 2**63
_encode = msgspec.json.Encoder(order="sorted").encode


def periods(
    times: Sequence[str], values: Sequence[Any], duration: Duration | None, start: str, end: str
) -> list[Period]:
    """`(start, end, values)` of each period that holds something, in order.

    `times` are sorted ISO texts, none before `start`; without a duration there is one period from `start` to `end`.
    """
    if not times:
        return []
    if duration is None:
        return [(start, end, values)]
    origin, out, at = from_iso(start), [], 0
    while at < len(times):
        number = duration.count(origin, from_iso(times[at]))
        upper = to_iso(duration.after(origin, number + 1))
        to = bisect_left(times, upper, at)
        out.append((to_iso(duration.after(origin, number)), upper, values[at:to]))
        at = to
    return out


def aggregate(method: str, values: Sequence[Any]) -> Any:
    """One method over the values of one period; None where it has nothing to say."""
    if method == "totalCount":
        return len(values)
    if method == "distinctCount":
        return len(set(map(_key, values)))
    numbers = values if set(map(type, values)) <= _NUMBER_TYPES else _numbers(values)
    if numbers:
        return _bounded(_NUMERIC[method](numbers))
    texts = [value for value in values if isinstance(value, str)]
    if texts and method in ("min", "max"):
        return min(texts) if method == "min" else max(texts)
    return None


def _key(value: Any) -> Any:
    return value if type(value) in _NUMBER_TYPES else _encode(value)


def _numbers(values: Sequence[Any]) -> list[int | float]:
    return [
        len(value) if isinstance(value, list) else int(value) if isinstance(value, bool) else value
        for value in values
        if isinstance(value, bool | int | float | list)
    ]


def _bounded(number: int | float) -> int | float:
    """JSON integers beyond 64 bits are nobody's."""
    return float(number) if isinstance(number, int) and not -_BIGGEST <= number < _BIGGEST else number


def _sum(numbers: Sequence[int | float]) -> int | float:
    return sum(numbers)


def _mean(numbers: Sequence[int | float]) -> float:
    return sum(numbers) / len(numbers)


def _squares(numbers: Sequence[int | float]) -> int | float:
    return sum(number * number for number in numbers)


def _deviation(numbers: Sequence[int | float]) -> float:
    """Of the population: the values are all there were, not a sample."""
    mean = _mean(numbers)
    return math.sqrt(sum((number - mean) ** 2 for number in numbers) / len(numbers))


_NUMERIC: dict[str, Callable[[Sequence[int | float]], int | float]] = {
    "sum": _sum,
    "avg": _mean,
    "min": min,
    "max": max,
    "stddev": _deviation,
    "sumsq": _squares,
}
METHODS = frozenset({"totalCount", "distinctCount", *_NUMERIC})
