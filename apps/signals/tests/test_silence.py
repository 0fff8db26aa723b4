"""What the app makes of silence, of refusals and of links that nobody looks after."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2]))

from madang.sdk.city_time import epoch_s
from signals.city import RED_FACTOR, RENEW_S, RESEND_S, City
from signals.estimate import DEAD_AFTER_S, silences
from signals.model import Reading
from signals.tests.test_decide import ENTITY, NAME

TIME = "2026-06-01T07:{:02d}:{:02d}Z"
START_S = epoch_s(TIME.format(0, 0))
LOOP_OF_ANOTHER_STREET = {
    "id": "urn:ngsi-ld:TrafficFlowObserved:helsinki:c_0_stop",
    "intensity": {"value": 1, "observedAt": TIME.format(0, 22)},
}
PERIODS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0.0, 0.3, 1.0])), min_size=1, max_size=12)


def tell(city: City, loop: str, count: int, occupancy: float, at_s: int) -> None:
    stamp = {"observedAt": TIME.format(*divmod(at_s, 60))}
    values = {"intensity": {"value": count} | stamp, "occupancy": {"value": occupancy} | stamp}
    city.hear_loop({"id": f"urn:ngsi-ld:TrafficFlowObserved:helsinki:{loop}"} | values)


def show(city: City, state: str, stage: int, at_s: int) -> None:
    signal = {"value": state, "observedAt": TIME.format(*divmod(at_s, 60))}
    city.hear_signal({"id": NAME, "signalState": signal, "stage": {"value": stage}})


def begin(stage: int = 0) -> City:
    city = City()
    city.learn([ENTITY])
    show(city, ("Gr", "rG")[stage], stage, 0)
    return city


def test_silence_is_a_period_without_vehicles() -> None:
    latest = {
        "talks": Reading(1.0, 0.2, 1000.0),
        "stands": Reading(0.0, 1.0, 990.0),
        "dead": Reading(0.0, 0.0, 1000.0 - DEAD_AFTER_S),
    }
    assert silences(latest) == {"stands": Reading(0.0, 1.0, 1000.0)}
    assert silences({}) == {}


@settings(deadline=None, max_examples=30)
@given(PERIODS)
def test_reports_by_exception_say_as_much_as_all_reports(periods: list[tuple[int, float]]) -> None:
    every, rare = begin(), begin()
    before: tuple[int, float] | None = None
    for number, period in enumerate(periods, start=1):
        at_s = 2 * number
        tell(every, "b_0_stop", *period, at_s)
        for one in [period] if period[0] or period != before else []:
            tell(rare, "b_0_stop", *one, at_s)
        before = period
        # Somebody else's report tells how far the city has been heard.
        for city in (every, rare):
            tell(city, "a_0_stop", 1, 0.3, at_s)
        assert every.wishes(START_S + at_s) == rare.wishes(START_S + at_s)
    assert every.memories == rare.memories


def test_a_green_that_nobody_uses_is_not_kept_for_an_old_reading() -> None:
    city = begin()
    tell(city, "a_0_upstream", 1, 0.1, 6)
    tell(city, "a_0_stop", 1, 0.0, 6)
    tell(city, "b_0_upstream", 4, 0.2, 8)
    tell(city, "b_0_stop", 0, 1.0, 8)
    city.hear_loop(LOOP_OF_ANOTHER_STREET)
    assert city.wishes(START_S + 24) == [(NAME, 1)]


def test_a_link_is_opened_before_the_command_room_refuses_all_else() -> None:
    city, late_s = begin(), RED_FACTOR * 120.0
    for loop in ("a_0_stop", "a_0_upstream", "b_0_stop", "b_0_upstream"):
        tell(city, loop, 0, 0.0, 170)
    assert [city.wishes(START_S + at_s) for at_s in (1, late_s + 2)] == [[(NAME, 0)], [(NAME, 1)]]


def test_a_stage_is_kept_from_its_first_second() -> None:
    # A program that ends each stage at its minimum green left no second in which the app would have asked.
    assert begin(stage=1).wishes(START_S + 1) == [(NAME, 1)]


def test_a_refused_stay_is_asked_again_before_the_last_command_ends() -> None:
    taken, refused = begin(), begin()
    assert taken.wishes(START_S + 1) == refused.wishes(START_S + 1) == [(NAME, 0)]
    refused.hear_refusal({"target": NAME, "reason": "maximum_red"})
    again = [next(s for s in range(2, 40) if city.wishes(START_S + s)) for city in (taken, refused)]
    assert again == [1 + RENEW_S, 1 + RESEND_S]


def test_what_came_a_moment_too_early_is_asked_at_the_next_beat() -> None:
    city = begin()
    assert city.wishes(START_S + 1) == [(NAME, 0)]
    city.hear_refusal({"target": NAME, "reason": "minimum_green"})
    assert city.wishes(START_S + 2) == [(NAME, 0)]


def test_a_stage_refused_for_what_it_is_is_never_asked_again() -> None:
    city = begin()
    assert city.wishes(START_S + 1) == [(NAME, 0)]
    city.hear_refusal({"target": NAME, "reason": "conflicting_greens"})
    later = [wish for second in range(2, 100) for wish in city.wishes(START_S + second)]
    assert (NAME, 0) not in later


def test_a_change_on_its_way_is_not_overruled() -> None:
    city = begin()
    tell(city, "b_0_upstream", 4, 0.2, 20)
    tell(city, "b_0_stop", 0, 1.0, 20)
    assert city.wishes(START_S + 20) == [(NAME, 1)]
    tell(city, "a_0_upstream", 8, 0.4, 21)
    tell(city, "a_0_stop", 2, 0.4, 21)
    tell(city, "b_0_stop", 0, 0.0, 22)
    answers: list[Any] = [city.wishes(START_S + second) for second in (21, 22, 23)]
    assert answers == [[], [], []]
