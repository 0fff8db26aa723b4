"""What is done when loops die: gaps in the place of queues, then the fixed program."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2]))

from madang.sdk import App, value_of
from madang.sdk.testing import FakeCity, Viewer
from signals.app import levels_page, make_app
from signals.city import City
from signals.estimate import DEAD_AFTER_S
from signals.ladder import ACTUATED, ADAPTIVE, BLIND_S, FIXED, LEVELS, LONGEST_S, actuate, level_of, live_loops
from signals.model import LaneMemory, Memory, Reading, Shown
from signals.tests.test_decide import ENTITY, NAME, junction

HERE = Path(__file__).parents[1]
LOOPS = ["a_0_stop", "a_0_upstream", "b_0_stop", "b_0_upstream"]
ALL = set(LOOPS)
NOW_S = 1000.0


@pytest.mark.parametrize(
    ("live", "level"),
    [
        (ALL, ADAPTIVE),
        (ALL - {"a_0_upstream"}, ADAPTIVE),
        ({"a_0_stop", "b_0_stop"}, ACTUATED),
        ({"a_0_stop"}, ACTUATED),
        ({"a_0_upstream", "b_0_upstream"}, FIXED),
        (set(), FIXED),
    ],
)
def test_the_level_is_told_by_the_loops_that_live(live: set[str], level: str) -> None:
    assert level_of(junction(), live) == level


@given(st.sets(st.sampled_from(LOOPS)), st.sampled_from(LOOPS))
def test_one_more_loop_never_makes_it_worse(live: set[str], more: str) -> None:
    before, after = (LEVELS.index(level_of(junction(), some)) for some in (live, live | {more}))
    assert after <= before


def test_a_loop_lives_while_it_speaks_and_is_waited_for_at_first() -> None:
    heard = {"a_0_stop": Reading(0, 0, NOW_S - 10), "b_0_stop": Reading(0, 0, NOW_S - DEAD_AFTER_S)}
    assert live_loops(junction(), heard, NOW_S, NOW_S - 20) == ALL - {"b_0_stop"}
    assert live_loops(junction(), heard, NOW_S, NOW_S - DEAD_AFTER_S) == {"a_0_stop"}


def memory(a: float, b: float) -> Memory:
    """Stop line loops covered for a share of their last period."""
    told = {"a_0": Reading(1, a, NOW_S - 1), "b_0": Reading(1, b, NOW_S - 1)}
    return Memory({lane: LaneMemory(stop=one) for lane, one in told.items()}, red_since_s=[NOW_S, 0.0])


@pytest.mark.parametrize(
    ("live", "a", "b", "green_s", "stage"),
    [
        (ALL, 0.3, 1.0, LONGEST_S - 1, 0),
        (ALL, 0.3, 1.0, LONGEST_S, 1),
        (ALL, 0.0, 1.0, 9.0, 1),
        (ALL, 0.0, 0.0, 900.0, 0),
        ({"a_0_stop"}, 0.0, 0.0, 9.0, 1),
        ({"b_0_stop"}, 0.0, 1.0, BLIND_S - 1, 0),
        ({"b_0_stop"}, 0.0, 1.0, BLIND_S, 1),
    ],
)
def test_green_lasts_while_somebody_passes_and_who_is_not_seen_has_a_turn(
    live: set[str], a: float, b: float, green_s: float, stage: int
) -> None:
    shown = Shown(0, "Gr", NOW_S - green_s)
    assert actuate(junction(), memory(a, b), live, shown, {0, 1}, NOW_S) == stage


def test_a_city_steps_down_as_its_loops_fall_silent_and_tells_each_level_once() -> None:
    city = City()
    city.learn([ENTITY])
    city.shown[NAME] = Shown(0, "Gr", 0.0)
    for loop in LOOPS:
        city.read(loop, Reading(0.0, 0.0, 10.0))
    assert city.wishes(20.0) and city.new_levels() == {NAME: ADAPTIVE}
    for loop in ("a_0_stop", "b_0_stop"):
        city.read(loop, Reading(0.0, 0.0, 200.0))
    assert city.wishes(210.0) and (city.new_levels(), city.new_levels()) == ({NAME: ACTUATED}, {})
    assert city.wishes(400.0) == [] and city.new_levels() == {NAME: FIXED}


@pytest.mark.parametrize(("language", "level"), [("ko", "적응형"), ("en", "adaptive")])
async def test_the_level_stands_on_the_entity_and_on_the_page(language: str, level: str) -> None:
    signal = {"signalState": {"value": "Gr", "observedAt": "2026-06-01T07:00:00Z"}, "stage": {"value": 0}}
    async with FakeCity(make_app(App(), City()), HERE, [ENTITY | signal]) as city:
        await city.advance(seconds=3)
        reply = await city.page("/", Viewer(roles=frozenset({"operator"}), language=language))
        told = value_of(city.entities[NAME]["controlLevel"])
    assert (told, f"<td>{level}</td>" in reply.body.decode()) == ("adaptive", True)


def test_nobody_looked_after_is_said() -> None:
    assert "No signal is looked after yet." in str(levels_page(City(), "en"))
