"""Two apps of one service: areas are drawn by lot, repeatably and fairly; one choice is in force."""

from __future__ import annotations

from collections import Counter

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import BadRequest
from madang.store.choice.choices import Choices
from madang.store.choice.split import shared_out
from tests.store.making import yard

APPS = ("org.a.signals", "org.b.signals")
AREAS = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.floats(0.01, 1_000), min_size=2, max_size=40)


@given(AREAS, st.integers(0, 2**62))
def test_every_area_has_one_app_and_none_has_more_than_the_largest_area_beyond(
    areas: dict[str, float], seed: int
) -> None:
    drawn = shared_out(areas, APPS, seed)
    held = {app: sum(areas[name] for name, to in drawn.items() if to == app) for app in APPS}
    assert drawn.keys() == areas.keys()
    assert abs(held[APPS[0]] - held[APPS[1]]) <= max(areas.values()) + 1e-6


@given(AREAS, st.integers(0, 2**62))
def test_a_seed_draws_the_same_whoever_is_named_first(areas: dict[str, float], seed: int) -> None:
    turned = dict(reversed(list(areas.items())))
    assert shared_out(areas, APPS, seed) == shared_out(turned, tuple(reversed(APPS)), seed)


def test_no_app_is_preferred() -> None:
    """Over a thousand seeds each area goes to each app about as often."""
    areas = {"harbour": 3.0, "centre": 2.0, "hill": 2.0, "park": 1.0}
    drawn = [shared_out(areas, APPS, seed) for seed in range(1_000)]
    for name in areas:
        assert 400 < Counter(one[name] for one in drawn)[APPS[0]] < 600


@pytest.mark.parametrize(
    ("areas", "apps"),
    [({"a": 1.0}, APPS), ({"a": 1.0, "b": 0.0}, APPS), ({"a": 1.0, "b": 1.0}, (APPS[0], APPS[0])), ({}, ())],
)
def test_what_cannot_be_shared_is_refused(areas: dict[str, float], apps: tuple[str, ...]) -> None:
    with pytest.raises(BadRequest):
        shared_out(areas, apps, 1)


@pytest.mark.engine
async def test_one_choice_is_in_force_and_the_past_is_kept(pool: asyncpg.Pool) -> None:
    choices = Choices(pool, yard(pool).clock)
    await choices.choose("signal-control", APPS[:1], APPS, {}, 1, "person:clerk")
    shared = await choices.choose("signal-control", APPS, APPS, {"harbour": 2.0, "hill": 1.0}, 7, "person:clerk")
    assert (await choices.in_force())["signal-control"] == shared
    assert {shared.serves("harbour"), shared.serves("hill")} == set(APPS)
    assert [one.ended_at is None for one in await choices.past("signal-control", 9)].count(True) == 1
    with pytest.raises(BadRequest):
        await choices.choose("signal-control", ["org.c.other"], APPS, {}, 1, "person:clerk")
