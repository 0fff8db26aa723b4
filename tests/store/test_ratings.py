"""Ratings: whoever uses an app is heard, whoever only floods the store is not."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.city import CityConfig
from madang.base.clock import ManualClock
from madang.base.errors import BadRequest, Forbidden
from madang.store.house import open_store
from madang.store.ratings.reviews import Reviews
from madang.store.ratings.weigh import COHORT_FULL, Vote, damped, reach, shown
from tests.store.making import START, yard
from tests.store.market import Runtime

FRESH_BOUND = 0.0
PATIENT_BOUND = 0.6
"""Stars by which a thousand installs move an app that a hundred people use: when they are fresh, and when their makers keep all of them in
use for thirty days."""
APP = "org.example.dust"
VOTES = st.builds(
    Vote, st.integers(1, 5), st.integers(0, 400), st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31))
)


def honest(count: int = 100) -> list[Vote]:
    """People who came over two years, use it, and like it."""
    chance = random.Random(3)
    days = [START - timedelta(days=chance.randrange(30, 730)) for _ in range(count)]
    return [Vote(chance.choice([4, 5, 5]), 40, day) for day in days]


def test_a_thousand_fresh_installs_move_nothing() -> None:
    before = shown(honest())
    after = shown([*honest(), *(Vote(1, 1, START) for _ in range(1_000))])
    assert abs((after.stars or 0) - (before.stars or 0)) <= FRESH_BOUND
    assert after.count == 1_100


def test_a_thousand_patient_installs_move_little() -> None:
    before = shown(honest())
    after = shown([*honest(), *(Vote(1, 30, START) for _ in range(1_000))])
    assert 0 < (before.stars or 0) - (after.stars or 0) < PATIENT_BOUND


@given(st.lists(VOTES, max_size=30), st.integers(0, 500), st.integers(1, 5), st.integers(0, 60))
def test_no_crowd_reaches_further_than_is_said(votes: list[Vote], crowd: int, stars: int, days: int) -> None:
    before = shown(votes)
    attack = [Vote(stars, days, datetime(2027, 6, 1)) for _ in range(crowd)]
    after = shown([*votes, *attack])
    moved = abs((after.stars or 3.0) - (before.stars or 3.0))
    assert moved <= reach(before, crowd) + 1e-9


@given(st.lists(VOTES, max_size=30))
def test_stars_stay_within_one_and_five_and_no_more_counts_than_was_written(votes: list[Vote]) -> None:
    found = shown(votes)
    assert found.stars is None or 1 <= found.stars <= 5
    assert 0 <= found.weight <= found.count == len(votes)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_larger_crowd_never_counts_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert damped(low) <= damped(high) <= max(high, COHORT_FULL)


@pytest.mark.engine
async def test_a_flood_of_fresh_accounts_is_written_and_not_heard(pool: asyncpg.Pool) -> None:
    """Against the real tables: a hundred accounts install, write and leave."""
    store, reviews = yard(pool), Reviews(pool, yard(pool).clock)
    for number in range(20):
        await installed(pool, f"person:true{number}", START - timedelta(days=40 + 10 * number), 35)
        await reviews.write(APP, f"person:true{number}", 5, "it helps")
    before = (await reviews.shown([APP]))[APP]
    for number in range(100):
        await installed(pool, f"person:false{number}", START, 1)
        await reviews.write(APP, f"person:false{number}", 1, "bad")
    after = (await reviews.shown([APP]))[APP]
    assert (after.stars, after.weight, after.count) == (before.stars, before.weight, 120)
    assert store.clock.now() == START


async def installed(pool: asyncpg.Pool, customer: str, at: Any, days: int) -> str:
    identifier = f"i-{customer}"
    await pool.execute(
        "INSERT INTO store_install (id, app, version, customer, placed_by, installed_at) VALUES ($1, $2, '1.0.0', $3, $3, $4)",
        identifier, APP, customer, at,
    )  # fmt: skip
    await pool.execute(
        "INSERT INTO store_use SELECT $1, $2::date + n FROM generate_series(1, $3::int) n", identifier, at.date(), days
    )
    return identifier


@pytest.mark.engine
async def test_a_day_counts_once_however_often_an_app_is_opened(pool: asyncpg.Pool, tmp_path: Path) -> None:
    config = CityConfig("yard", {"ko": "마당", "en": "Yard"}, "Asia/Seoul", "")
    clock = ManualClock(START)
    store = await open_store(pool, tmp_path, config, "", Runtime(tmp_path), clock)
    await installed(pool, "person:kim", START, 0)
    for hours in (1, 2, 5, 8):  # 18, 19, 22 and 1 o'clock in Seoul
        clock.set(START + timedelta(hours=hours))
        await store.used(APP, "person:kim")
        await store.used(APP, "person:lee")
    await store.reviews.write(APP, "person:kim", 5, "")
    assert [one.days_used for one in await store.reviews.of_app(APP)] == [2]


@pytest.mark.engine
async def test_days_come_from_the_meter_and_from_looks(pool: asyncpg.Pool, tmp_path: Path) -> None:
    config = CityConfig("yard", {"ko": "마당", "en": "Yard"}, "Asia/Seoul", "")
    store = await open_store(pool, tmp_path, config, "", Runtime(tmp_path), ManualClock(START + timedelta(hours=9)))
    for customer in ("city:yard", "person:kim"):
        await installed(pool, customer, START, 0)
    hours = [START + timedelta(hours=n) for n in (0, 1, 6)]
    await pool.executemany("INSERT INTO app_usage VALUES ($1, '', $2, 'reads', 3)", [(APP, hour) for hour in hours])
    await pool.execute(
        "INSERT INTO personal_read (at, consent, person, app, kind, purpose, items) VALUES ($1, 'c', 'kim', $2, 'place', 'p', '{a}')",
        hours[1], APP,
    )  # fmt: skip
    for _ in range(2):
        await store._count_days()
    rows = await pool.fetch("SELECT install, count(*) AS days FROM store_use GROUP BY install ORDER BY install")
    assert [tuple(row) for row in rows] == [("i-city:yard", 2), ("i-person:kim", 1)]


@pytest.mark.engine
async def test_only_who_has_an_app_writes_and_once(pool: asyncpg.Pool) -> None:
    reviews = Reviews(pool, yard(pool).clock)
    with pytest.raises(Forbidden):
        await reviews.write(APP, "person:kim", 5, "I never had it")
    identifier = await installed(pool, "person:kim", START, 10)
    await reviews.write(APP, "person:kim", 2, "slow")
    await reviews.write(APP, "person:kim", 4, "better now")
    (only,) = await reviews.of_app(APP)
    assert (only.stars, only.text, only.days_used) == (4, "better now", 10)
    with pytest.raises(BadRequest):
        await reviews.write(APP, "person:kim", 6, "wow")
    await pool.execute("UPDATE store_install SET removed_at = now() WHERE id = $1", identifier)
    assert (await reviews.of_app(APP), (await reviews.shown([APP]))[APP].count) == ([], 0)


@pytest.mark.engine
async def test_a_review_is_answered_reported_and_hidden(pool: asyncpg.Pool) -> None:
    reviews = Reviews(pool, yard(pool).clock)
    identifier = await installed(pool, "person:kim", START, 30)
    await reviews.write(APP, "person:kim", 1, "call me at 010-1234-5678")
    await reviews.reply(identifier, "please do not give your number")
    for reporter in ("person:lee", "person:lee", "person:park"):
        await reviews.report(identifier, reporter, "a number")
    (reported,) = await reviews.reported()
    assert (reported.reports, await reviews.reasons(identifier)) == (2, ["a number", "a number"])
    await reviews.moderate(identifier, "person:clerk", True, "personal data")
    assert (await reviews.reported(), (await reviews.shown([APP]))[APP].count) == ([], 0)
    await reviews.write(APP, "person:kim", 1, "and again")
    assert (await reviews.get(identifier)).text == "call me at 010-1234-5678"
