"""Two signals with a few metres of street between them, as Ingolstadt has them: what one feeds the other drains."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2]))

from signals.city import City
from signals.join import STAGES_MAX, join, stage_of, stages_now
from signals.model import Junction, Lane, Part, Shown

# West: its first link leads onto the street to the east, its second comes from there and gives way to the first.
WEST = Junction(
    "west",
    stages=("Ggr", "rGr", "rrG"),
    lanes=(
        Lane("in_0", "in", (0,), length_m=200.0, outs=((0, "east", "go_0"),)),
        Lane("back_0", "back", (1,), length_m=12.0),
        Lane("side_0", "side", (2,), length_m=200.0),
    ),
    min_green_s=(5.0, 5.0, 5.0),
    yields=frozenset({(1, 0)}),
)
# East mirrors it.
EAST = Junction(
    "east",
    stages=("Ggr", "rGr", "rrG"),
    lanes=(
        Lane("home_0", "home", (0,), length_m=200.0, outs=((0, "west", "back_0"),)),
        Lane("go_0", "go", (1,), length_m=12.0),
        Lane("lane_0", "lane", (2,), length_m=200.0, stop="lane_stop"),
    ),
    min_green_s=(5.0, 5.0, 5.0),
    yields=frozenset({(1, 0)}),
)
FAR = Junction("far", stages=("G", "r"), lanes=(Lane("f_0", "f", (0,), length_m=300.0),), min_green_s=(5.0, 5.0))


def shown(west: int | None, east: int | None, since_s: tuple[float, float] = (0.0, 0.0)) -> dict[str, Shown]:
    stages = zip((WEST, EAST), (west, east), since_s, strict=True)
    return {one.id: Shown(stage, one.stages[stage or 0], since) for one, stage, since in stages}


def test_what_feeds_a_short_street_drains_it_and_two_never_fill_each_other() -> None:
    joint, far = join([WEST, FAR, EAST])
    assert far == FAR
    assert joint.parts == (Part("west", 0, 3), Part("east", 3, 3))
    assert joint.yields == {(1, 0), (4, 3)}
    fit = {joint.stages_of(number) for number in range(len(joint.stages)) if number not in joint.unfit}
    # (0, 0) feeds both streets, and each is left only by giving way to who feeds the other.
    assert fit == {(0, 1), (1, 0), (1, 1), (1, 2), (2, 1), (2, 2)}


def test_lanes_know_their_neighbours_by_the_joint_name() -> None:
    joint = join([WEST, EAST])[0]
    assert joint.id == "west+east"
    assert {lane.id: (lane.links, lane.outs) for lane in joint.lanes} == {
        "in_0": ((0,), ((0, "west+east", "go_0"),)),
        "back_0": ((1,), ()),
        "side_0": ((2,), ()),
        "home_0": ((3,), ((3, "west+east", "back_0"),)),
        "go_0": ((4,), ()),
        "lane_0": ((5,), ()),
    }


def test_those_with_too_many_stages_or_with_a_link_that_would_never_open_stay_apart() -> None:
    many = Junction("west", WEST.stages * STAGES_MAX, WEST.lanes, (5.0,) * 3 * STAGES_MAX)
    assert join([many, EAST]) == [many, EAST]
    shut = Junction("east", ("Grr", "rrG"), EAST.lanes, (5.0, 5.0))
    assert join([WEST, shut]) == [WEST, shut]


def test_a_joint_junction_shows_what_its_controllers_show() -> None:
    joint = join([WEST, EAST])[0]
    both = stage_of(joint, shown(1, 2, (4.0, 9.0)))
    assert both is not None and (joint.stages_of(both.stage or 0), both.state, both.since_s) == ((1, 2), "rGrrrG", 9.0)
    assert stage_of(joint, shown(None, 2)) == Shown(None, "GgrrrG", 0.0)
    assert stage_of(joint, {"west": Shown(0, "Ggr", 0.0)}) is None
    assert stage_of(WEST, shown(2, 0)) == Shown(2, "rrG", 0.0)


@given(st.integers(0, 2), st.integers(0, 2), st.floats(0, 9), st.floats(0, 9))
def test_a_controller_within_its_minimum_green_is_kept(west: int, east: int, west_s: float, east_s: float) -> None:
    joint = join([WEST, EAST])[0]
    may = stages_now(joint, shown(west, east, (-west_s, -east_s)), 0.0)
    allowed = {joint.stages_of(stage) for stage, on in enumerate(may) if on}
    wests, easts = ({west} if west_s < 5.0 else {0, 1, 2}), ({east} if east_s < 5.0 else {0, 1, 2})
    assert allowed == {(a, b) for a in wests for b in easts}


def test_the_app_asks_both_controllers_and_never_for_a_trap() -> None:
    city = City()
    city.steer([WEST, EAST])
    city.shown = shown(0, 0)
    asked = dict(city.wishes(20.0))
    assert set(asked) == {"west", "east"} and asked != {"west": 0, "east": 0}
    city.asked, city.shown = {}, shown(0, 0, (18.0, 18.0))
    assert city.wishes(20.0) == [("west", 0), ("east", 0)]
    city.shown = {"west": city.shown["west"]}
    assert city.wishes(40.0) == []
