from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from madang.ingest.sumo.riders import ALIGHT_SHARE, CAPACITY, DOORS_S, Riders, Stay

TIMES = st.lists(st.integers(1, 4000), min_size=1, max_size=12, unique=True).map(sorted)


def test_who_comes_late_meets_more() -> None:
    soon, late = Riders(1), Riders(1)
    for riders in (soon, late):
        riders.stay("7", "first", "bus", 0, 1000)
    short, long = soon.stay("7", "first", "bus", 0, 1060), late.stay("7", "first", "bus", 0, 1900)
    assert short.boarded < long.boarded and short.dwell_s < long.dwell_s


def test_nobody_waits_where_a_vehicle_just_was() -> None:
    riders = Riders(1)
    riders.stay("7", "first", "bus", 0, 1000)
    assert riders.stay("7", "first", "bus", 0, 1000) == Stay(0, 0, DOORS_S["bus"], 0.0)


def test_a_full_bus_leaves_people_who_take_the_next() -> None:
    riders = Riders(1, left={("7", "first"): [900.0, 910.0]}, since_s={("7", "first"): 1000.0})
    full = riders.stay("7", "first", "bus", CAPACITY["bus"] + 20, 1000)
    assert (full.boarded, riders.left["7", "first"]) == (0, [900.0, 910.0])
    assert riders.stay("7", "first", "bus", 0, 1000).waited_s == 190.0


@given(TIMES, st.integers(0, 9))
def test_everybody_who_came_boards_once(times: list[int], seed: int) -> None:
    often, once = Riders(seed, since_s={("t", "s"): 0.0}), Riders(seed, since_s={("t", "s"): 0.0})
    boarded = sum(often.stay("t", "s", "tram", 0, now_s).boarded for now_s in times)
    assert boarded == once.stay("t", "s", "tram", -1_000, times[-1]).boarded == often.boarded


@given(st.integers(0, 180))
def test_a_share_alights(aboard: int) -> None:
    assert Riders(1).stay("t", "s", "tram", aboard, 5.0).alighted == round(aboard * ALIGHT_SHARE)


def test_what_is_kept_goes_on_alike() -> None:
    riders = Riders(3)
    riders.stay("7", "first", "bus", 10, 1000)
    again = Riders(3)
    again.restore(riders.snapshot())
    assert again == riders and again.stay("7", "first", "bus", 0, 1500) == riders.stay("7", "first", "bus", 0, 1500)
