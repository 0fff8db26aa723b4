"""Apps side by side: each against its own areas, and chance as the draw of the areas makes it."""

from __future__ import annotations

import pytest

from madang.store.choice.comparison import Comparison, Half, Reading, compare
from madang.store.choice.split import shared_out

APPS = ("org.a.signals", "org.b.signals")
SIZES = {f"area{number}": 1.0 for number in range(8)}
SERVED = shared_out(SIZES, APPS, 3)


def changed(effects: dict[str, float]) -> list[Reading]:
    """One sensor an area, which changes by what its app does, and by 1 everywhere."""
    return [Reading(area, at, at + 1 + effects[app]) for at, (area, app) in enumerate(sorted(SERVED.items()))]


def test_what_only_one_app_does_is_found_and_is_as_rare_as_it_can_be() -> None:
    found = compare(changed({APPS[0]: -5.0, APPS[1]: 0.0}), SIZES, APPS, SERVED, 1)
    assert [one.change for one in found.halves] == pytest.approx([-4.0, 1.0])
    assert (found.spread, found.chance) == (pytest.approx(5.0), found.least)
    assert found.least < 0.05  # of the 70 ways to give out eight areas by four, two look like this


def test_what_both_do_is_no_difference() -> None:
    found = compare(changed({APPS[0]: 2.0, APPS[1]: 2.0}), SIZES, APPS, SERVED, 1)
    assert (found.spread, found.chance) == (pytest.approx(0.0), pytest.approx(1.0))


def test_an_area_counts_once_however_many_sensors_it_has() -> None:
    served = {"a": APPS[0], "b": APPS[0], "c": APPS[1]}
    many = [Reading("a", 0.0, 10.0)] * 9 + [Reading("b", 0.0, 0.0), Reading("c", 0.0, 0.0), Reading("", 0.0, 99.0)]
    found = compare(many, dict.fromkeys("abc", 1.0), APPS, served, 1)
    assert found.halves == [Half(APPS[0], 2, 10, 0.0, 5.0, 5.0), Half(APPS[1], 1, 1, 0.0, 0.0, 0.0)]


def test_without_sensors_nothing_is_said() -> None:
    nothing = [Half(app, list(SERVED.values()).count(app), 0, None, None, None) for app in APPS]
    assert compare([], SIZES, APPS, SERVED, 1) == Comparison(nothing, None, None, 1.0)


def test_of_apps_that_do_nothing_about_one_draw_in_twenty_looks_like_something() -> None:
    readings = [Reading(area, 0.0, change) for area, change in zip(SIZES, (3, 1, 4, 1, 5, 9, 2, 6), strict=True)]
    drawn = [compare(readings, SIZES, APPS, shared_out(SIZES, APPS, seed), 1).chance or 1.0 for seed in range(40)]
    assert sum(chance <= 0.05 for chance in drawn) <= 4
    assert sum(chance <= 0.5 for chance in drawn) in range(12, 29)
