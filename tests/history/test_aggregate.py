"""Aggregation (clause 4.5.19) against a plain oracle."""

from __future__ import annotations

import math
import statistics
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.clock import to_iso
from madang.base.errors import BadRequest
from madang.history.aggregate import aggregate, periods
from madang.history.duration import Duration, parse_duration

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
NUMBERS = st.lists(st.integers(-1000, 1000) | st.floats(-1e6, 1e6), min_size=1, max_size=40)
OFFSETS = st.lists(st.integers(0, 400 * 86_400), max_size=40).map(sorted)
DURATIONS = st.builds(
    Duration, st.integers(0, 14), st.integers(0, 40 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
).filter(lambda duration: duration.months > 0 or duration.rest > timedelta(0))


@given(NUMBERS)
def test_numbers(values: list[float]) -> None:
    expected = {
        "totalCount": len(values),
        "distinctCount": len({float(value) for value in values}),
        "sum": math.fsum(values),
        "avg": math.fsum(values) / len(values),
        "min": sorted(values)[0],
        "max": sorted(values)[-1],
        "stddev": statistics.pstdev(map(float, values)),
        "sumsq": math.fsum(value**2 for value in values),
    }
    found = {method: aggregate(method, values) for method in expected}
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["b", "a", "b"], {"totalCount": 3, "distinctCount": 2, "min": "a", "max": "b", "sum": None}),
        ([True, False, True], {"totalCount": 3, "distinctCount": 2, "min": 0, "max": 1, "sum": 2}),
        ([[1, 2], [], [3]], {"totalCount": 3, "distinctCount": 3, "min": 0, "max": 2, "sum": 3}),
        ([{"a": 1}, {"a": 1}, {"b": 1}], {"totalCount": 3, "distinctCount": 2, "min": None, "max": None, "sum": None}),
        ([2**62, 2**62], {"totalCount": 2, "distinctCount": 1, "min": 2**62, "max": 2**62, "sum": float(2**63)}),
        ([1, True, "1", 1.0], {"totalCount": 4, "distinctCount": 3, "min": 1, "max": 1, "sum": 3.0}),
    ],
)
def test_values_of_other_kinds(values: list[Any], expected: dict[str, Any]) -> None:
    assert {method: aggregate(method, values) for method in expected} == expected


def slow(offsets: list[int], duration: Duration) -> list[tuple[str, str, list[int]]]:
    """Walks from period to period."""
    out, number = [], 0
    moments = [(START + timedelta(seconds=offset), offset) for offset in offsets]
    while moments:
        lower, upper = duration.after(START, number), duration.after(START, number + 1)
        inside = [offset for moment, offset in moments if moment < upper]
        out.append((to_iso(lower), to_iso(upper), inside))
        moments, number = moments[len(inside) :], number + 1
    return [period for period in out if period[2]]


@given(OFFSETS, DURATIONS.filter(lambda one: one.months > 0 or one.rest > timedelta(hours=12)))
def test_periods_lie_one_after_another(offsets: list[int], duration: Duration) -> None:
    times = [to_iso(START + timedelta(seconds=offset)) for offset in offsets]
    assert periods(times, offsets, duration, to_iso(START), "") == slow(offsets, duration)


@given(DURATIONS, st.integers(0, 3 * 366 * 86_400))
def test_a_moment_lies_in_its_period(duration: Duration, seconds: int) -> None:
    moment = START + timedelta(seconds=seconds)
    number = duration.count(START, moment)
    assert duration.after(START, number) <= moment < duration.after(START, number + 1)


def test_without_a_duration_there_is_one_period() -> None:
    assert periods(["b", "c"], [1, 2], None, "a", "d") == [("a", "d", [1, 2])]
    assert periods([], [], None, "a", "d") == []


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT1H", Duration(0, timedelta(hours=1))),
        ("P1Y2M3W4DT5H6M7.5S", Duration(14, timedelta(weeks=3, days=4, hours=5, minutes=6, seconds=7.5))),
        ("P1M", Duration(1, timedelta(0))),
        ("PT0S", None),
    ],
)
def test_durations(text: str, duration: Duration | None) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "P", "PT", "1H", "PT1", "P1H", "P-1D", "P1.5D", "PT1H ", "P9999999D"])
def test_no_durations(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_duration(text)


def test_the_end_of_the_calendar() -> None:
    with pytest.raises(BadRequest):
        Duration(12 * 9_000, timedelta(0)).after(START, 1)
    assert Duration(1, timedelta(0)).after(START, 1) == datetime(2026, 2, 28, 12, tzinfo=UTC)
