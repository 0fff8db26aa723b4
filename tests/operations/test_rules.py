"""When a condition holds, when it becomes an alarm, and when it ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import BadRequest
from madang.operations.rules.decide import Alarm, Heard, play
from madang.operations.rules.hearing import heard_of
from madang.operations.rules.rule import Rule, attributes_of, read_rule, window_of
from tests.operations.incidents import HERE, NOON

PM = {"condition": "threshold", "attribute": "pm25", "side": "above", "limit": 75, "clear": 60}
END = NOON + timedelta(hours=2)


def rule(condition: dict[str, Any], for_s: float = 0) -> Rule:
    told = {"name": "먼지", "type": "AirQualityObserved", "kind": "air", "severity": "high"}
    return read_rule(told | {"condition": condition, "for_s": for_s})


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def heard(minute: float, **values: float) -> Heard:
    return Heard(at(minute), values, HERE)


def alarms(one: Rule, *told: Heard, end: float = 120) -> list[tuple[float, float | None]]:
    """Minutes at which alarms began and ended."""
    found = play(one, {"a": told}, at(end))
    minutes = [(one.began_at, one.ended_at) for one in found]
    return [
        ((b - NOON).total_seconds() / 60, None if e is None else (e - NOON).total_seconds() / 60) for b, e in minutes
    ]


def test_a_value_that_lasts_is_an_alarm_until_it_is_well_below() -> None:
    told = [heard(m, pm25=v) for m, v in ((0, 70), (5, 80), (10, 90), (20, 70), (25, 61), (30, 59), (40, 80), (44, 50))]
    assert alarms(rule(PM, for_s=600), *told) == [(15, 30)]
    assert alarms(rule(PM), *told) == [(5, 30), (40, 44)]


def test_what_dips_below_for_a_moment_begins_to_count_anew() -> None:
    told = [heard(m, pm25=v) for m, v in ((0, 80), (9, 50), (10, 80))]
    assert alarms(rule(PM, for_s=600), *told, end=15) == []
    assert alarms(rule(PM, for_s=600), *told, end=20) == [(20, None)]


def test_a_rise_within_a_while_is_a_rate() -> None:
    rising = {"condition": "rate", "attribute": "level", "side": "above", "by": 0.5, "over_s": 600}
    assert alarms(rule(rising), *(heard(m, level=v) for m, v in ((0, 1.0), (5, 1.2), (9, 1.5), (30, 1.6)))) == [(9, 30)]
    assert alarms(rule(rising), *(heard(m, level=v) for m, v in ((0, 1.0), (11, 1.4), (22, 1.8)))) == []
    falling = rising | {"side": "below"}
    assert alarms(rule(falling), heard(0, level=2), heard(5, level=1.5), end=6) == [(5, None)]


def test_what_is_silent_is_absent_though_nothing_is_heard() -> None:
    silent = rule({"condition": "absence", "after_s": 900})
    assert alarms(silent, heard(0), heard(10), heard(40), end=50) == [(25, 40)]
    assert alarms(silent, heard(0), Heard(at(5), gone=True), end=120) == []


def test_a_fence_is_entered_and_left() -> None:
    inside = {"condition": "geofence", "side": "inside", "longitude": HERE[0], "latitude": HERE[1], "radius_m": 100}
    told = [Heard(at(m), {}, (HERE[0] + east, HERE[1])) for m, east in ((0, 0.01), (1, 0.0005), (2, 0.01))]
    assert alarms(rule(inside), *told) == [(1, 2)]
    assert alarms(rule(inside | {"side": "outside"}), *told, end=3) == [(0, 1), (2, None)]


def test_a_trend_tells_ahead() -> None:
    trend = {
        "condition": "forecast", "attribute": "level", "side": "above", "limit": 2.95, "window_s": 1800, "horizon_s": 1800,
    }  # fmt: skip
    told = [heard(m, level=1 + m * 0.04) for m in range(0, 31, 5)]
    assert alarms(rule(trend), *told, end=30) == [(20, None)]


def test_conditions_are_joined() -> None:
    both = {
        "condition": "combination", "joined": "all",
        "parts": [PM, {"condition": "threshold", "attribute": "wind", "side": "below", "limit": 1}],
    }  # fmt: skip
    told = [heard(0, pm25=80), heard(5, wind=0.5), heard(10, pm25=50)]
    assert alarms(rule(both), *told) == [(5, 10)]
    assert alarms(rule(both | {"joined": "any"}), *told) == [(0, None)]


@given(st.lists(st.tuples(st.integers(1, 600), st.floats(0, 150)), max_size=40), st.sampled_from([0, 60, 600]))
def test_alarms_of_an_entity_never_overlap_and_only_the_last_may_go_on(
    steps: list[tuple[int, float]], for_s: float
) -> None:
    moment, told = NOON, []
    for later_s, value in steps:
        moment += timedelta(seconds=later_s)
        told.append(Heard(moment, {"pm25": value}))
    found = play(rule(PM, for_s), {"a": told}, moment + timedelta(hours=1))
    edges = [edge for one in found for edge in (one.began_at, one.ended_at or moment + timedelta(hours=2))]
    assert edges == sorted(edges)
    assert [one.ended_at for one in found[:-1] if one.ended_at is None] == []


@given(st.lists(st.floats(0, 150), min_size=1, max_size=30), st.floats(1, 200))
def test_a_higher_limit_never_raises_more(values: list[float], more: float) -> None:
    told = [Heard(at(n), {"pm25": value}) for n, value in enumerate(values)]
    low, high = ({**PM, "limit": limit, "clear": None} for limit in (75, 75 + more))
    times = [set(_seconds(play(rule(one), {"a": told}, END))) for one in (low, high)]
    assert times[1] <= times[0]


def _seconds(found: list[Alarm]) -> list[datetime]:
    """Every minute that is in alarm."""
    minutes = [NOON + timedelta(minutes=n) for n in range(120)]
    return [m for m in minutes for one in found if one.began_at <= m < (one.ended_at or END)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"pm25": {"type": "Property", "value": 5}}, {"pm25": 5.0}),
        ({"pm25": [{"type": "Property", "value": 5}, {"value": 6, "datasetId": "urn:x"}]}, {"pm25": 5.0}),
        ({"pm25": {"type": "Property", "value": True}}, {}),
        ({"pm25": {"type": "Property", "value": "5"}}, {}),
        ({"pm25": None}, {}),
        ({"no2": {"type": "Property", "value": 5}}, {}),
    ],
)
def test_only_numbers_of_its_attributes_count(change: dict[str, Any], told: dict[str, float]) -> None:
    assert heard_of(rule(PM), "u", change, NOON) == Heard(NOON, told)


def test_what_a_rule_looks_at() -> None:
    one = rule(
        {"condition": "combination", "joined": "any", "parts": [PM, {"condition": "absence", "after_s": 900}]}, 60
    )
    assert (attributes_of(one), window_of(one)) == ({"pm25"}, 60)


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"condition": "magic"},
        PM | {"clear": 80},
        PM | {"limit": "high"},
        PM | {"attribute": ""},
        PM | {"attribute": "a\x00"},
        {"condition": "absence", "after_s": 0},
        {"condition": "combination", "joined": "all", "parts": [PM]},
        {"condition": "geofence", "side": "inside", "longitude": 200, "latitude": 0, "radius_m": 1},
    ],
)
def test_what_is_no_rule_is_refused(condition: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        rule(condition)
