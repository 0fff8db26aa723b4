"""Tables for the pure parts of the field."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from madang.ingest.sumo.budget import Budget
from madang.ingest.sumo.injection import Refused, read_injection
from madang.ingest.sumo.kpi import Kpi, Totals
from madang.ingest.sumo.loops import EMPTY, Period, Reporter
from madang.ingest.sumo.pace import GIVE_UP_LAG_S, Pace
from madang.ingest.sumo.plan import build_plan, find_stages
from madang.ingest.sumo.run import hear
from madang.ingest.sumo.stations import Stations
from madang.ingest.sumo.vehicles import delay_s
from madang.ingest.sumo.walkers import Walkers, walker_payload
from madang.ingest.sumo.weather import weather_at


def test_loops_report_by_exception() -> None:
    reporter, busy, stood = Reporter(), Period(1, 0.1, 30.0), Period(0, 1.0, None)
    worth = [reporter.worth("a", p, t) for t, p in enumerate([EMPTY, EMPTY, busy, busy, EMPTY, EMPTY, stood, stood])]
    assert worth == [True, False, True, True, True, False, True, False]
    assert reporter.worth("a", stood, 99.0), "the heartbeat"


def test_budget_never_overflows_and_loops_come_first() -> None:
    budget = Budget(100.0, speed=10.0)
    for _ in range(1000):
        budget.refill()
    assert budget.spare() == 200
    budget.spend(1000)
    for _ in range(40):
        budget.position()
    assert budget.spare() == 0 and budget.left == -200
    budget.refill(10)
    assert budget.spare() == 20, "a fifth is kept for positions"


def test_pace_catches_up_and_gives_up() -> None:
    pace = Pace(100.0, 1000.0, 10.0)
    assert pace.wait_s(110, 1000.5) == pytest.approx(0.5)
    assert pace.wait_s(110, 1002.0) == 0 and pace.lag_s(110, 1002.0) == pytest.approx(1.0)
    assert not pace.slip(110, 1002.0)
    assert pace.slip(110, 1002.0 + GIVE_UP_LAG_S) and pace.lag_s(110, 1002.0 + GIVE_UP_LAG_S) == 0


def test_stages_leave_out_clearance() -> None:
    states = ["GGGr", "yyGr", "rrGr", "rrGG", "rryy", "rrrr"]
    assert find_stages(states) == ("GGGr", "rrGG")
    plan = build_plan("x", [(s, 5.0) for s in states], 0.0, [(0, 3), (2, 3)], frozenset())
    assert plan.conflicts == {(0, 3)} and plan.all_red_s == 5.0
    assert plan.phase_at(0) == (0, 0.0) and plan.phase_at(31) == (0, 1.0)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"kind": "volcano", "commandId": "1"}, "unknown_kind"),
        ({"kind": "rain"}, "no_command_id"),
        ({"kind": "rain", "commandId": "1", "intensity_mm_h": 900}, "out_of_bounds:intensity_mm_h"),
        ({"kind": "rain", "commandId": "1", "duration_s": "x"}, "out_of_bounds:duration_s"),
        ({"kind": "accident", "commandId": "1", "edge": "nowhere"}, "unknown_edge"),
    ],
)
def test_injections_are_bounded(payload: dict[str, object], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        read_injection(payload, 0.0, ["a", "b"], 1)


def test_injection_repeats_with_seed() -> None:
    body = {"kind": "event", "commandId": "1", "trips": 5}
    assert read_injection(body, 0.0, ["a", "b"], 1) == read_injection(body, 0.0, ["a", "b"], 1)


def test_rain_shows_in_the_weather() -> None:
    dry, wet = weather_at(1, 30_000.0), weather_at(1, 30_000.0, 10.0)
    assert dry.precipitation == 0 < wet.precipitation and wet.temperature < dry.temperature
    assert weather_at(1, 30_000.0) == dry != weather_at(2, 30_000.0)


def test_delay_against_timetable() -> None:
    assert delay_s(300.0, 100.0, 20.0, 500.0) == 120


def test_stations_tell_at_once_what_nobody_heard_and_then_each_at_its_period() -> None:
    stations = Stations(1, {})
    told = [stations.due(now) for now in (7, 8, 10, 60)]
    stations.told.clear()
    assert [*told, stations.due(61)] == [
        ["air", "noise", "weather"], [], ["noise"], ["air", "noise", "weather"], ["air", "noise", "weather"],
    ]  # fmt: skip


def test_walkers_speak_by_turns_seldom_and_within_their_share() -> None:
    walkers = Walkers()
    for name in "abc":
        walkers.join(name)
    walkers.here.discard("c")
    told = [walkers.next(now, spare) for now, spare in ((0, 3), (1, 4), (2, 40), (3, 40), (5, 40), (6, 40))]
    assert told == [[], ["a"], ["b"], [], ["a"], ["b"]]


def test_who_is_nowhere_says_nothing() -> None:
    nowhere = SimpleNamespace(person=SimpleNamespace(getPosition=lambda _: (-1073741824.0, -1073741824.0)))
    assert walker_payload(nowhere, "a", "2026-06-01T00:00:00Z") is None


def test_an_interrogated_field_tells_its_state_anew() -> None:
    asked: list[str] = []
    field: Any = SimpleNamespace(tell_anew=lambda: asked.append("anew"))
    link: Any = SimpleNamespace(take=lambda: [("city/toy/interrogation", {})])
    hear(field, link)
    assert asked == ["anew"]


def test_trips_of_the_warm_up_are_not_counted() -> None:
    kpi = Kpi()
    kpi.payload("t", 290, Totals(20, 1500.0, 100, 1))
    kpi.begin(Totals(22, 1700.0, 100, 1))
    kpi.payload("t", 300, Totals(22, 1700.0, 100, 1))
    told = kpi.payload("t", 360, Totals(26, 1900.0, 90, 2, 5))
    assert told == {
        "time": "t",
        "delay_s": 50.0,
        "delay_recent_s": 50.0,
        "vehicles": 4,
        "running": 90,
        "teleports": 1,
        "pedestrians": 5,
    }
