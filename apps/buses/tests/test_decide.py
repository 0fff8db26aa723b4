from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buses.decide import Rules, Standing, hold_s

RULES = Rules(ahead=0.5, pull=5.0, end=0.2, per_rider_s=0.1, least_s=10.0, most_s=60.0)
headways = st.floats(0, 3600)


@pytest.mark.parametrize(
    ("standing", "seconds"),
    [
        (Standing(300, 300, 300), 0.0),
        (Standing(None, 300, 300), 0.0),
        (Standing(100, None, 300), 0.0),
        (Standing(290, 310, 300), 0.0),
        (Standing(240, 360, 300), 60.0),
        (Standing(240, 360, 300, done=0.5), 54.0),
        (Standing(240, 360, 300, riders=200), 40.0),
        (Standing(100, 500, 300), 60.0),
        (Standing(500, 100, 300), 0.0),
    ],
)
def test_who_is_early_waits(standing: Standing, seconds: float) -> None:
    assert hold_s(standing, replace(RULES, least_s=10.5)) == pytest.approx(seconds)


@given(headways, headways, st.floats(60, 1800), st.floats(0, 1), st.integers(0, 300))
def test_bounded(ahead_s: float, behind_s: float, headway_s: float, done: float, riders: int) -> None:
    wait_s = hold_s(Standing(ahead_s, behind_s, headway_s, done, riders), RULES)
    assert wait_s == 0 or RULES.least_s <= wait_s <= RULES.most_s


@given(st.floats(60, 1800), st.floats(0, 1))
def test_an_even_line_is_left_alone(headway_s: float, done: float) -> None:
    assert hold_s(Standing(headway_s, headway_s, headway_s, done), RULES) == 0


@given(headways, headways, headways)
def test_who_is_further_back_lets_wait_longer(ahead_s: float, behind_s: float, later_s: float) -> None:
    near = hold_s(Standing(ahead_s, behind_s, 300), RULES)
    assert hold_s(Standing(ahead_s, behind_s + later_s, 300), RULES) >= near
