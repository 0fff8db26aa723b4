"""Figures with noise: near the truth, bounded by person, and never beyond the budget, however many ask at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madang.base.city import PrivacyBudget
from madang.base.errors import BadRequest, Forbidden, NotFound
from madang.trust.privacy.ledger import Ledger, period_of
from madang.trust.privacy.release import Answer, Question, answer, bounded

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
PERSONS = [f"p{number}" for number in range(1_000) for _ in range(2)]
VALUES = [float(number % 10) for number in range(1_000) for _ in range(2)]
GRADES = ["가" if number % 4 else "나" for number in range(1_000) for _ in range(2)]
# Noise beyond these happens once in e^40 times.
FAR = 40.0


@pytest.mark.parametrize(
    ("question", "values", "truth", "reach"),
    [
        (Question("count", 1.0), PERSONS, 1_000, FAR),
        (Question("count", 1.0, 2), PERSONS, 2_000, 2 * FAR),
        (Question("sum", 1.0, 1, 0, 9), VALUES, 4_500, 9 * FAR),
        (Question("mean", 1.0, 1, 0, 9), VALUES, 4.5, 1.0),
    ],
)
def test_figures_are_near_the_truth(question: Question, values: list[Any], truth: float, reach: float) -> None:
    assert answer(question, PERSONS, values).value == pytest.approx(truth, abs=reach)


def test_a_histogram_tells_of_all_categories_and_no_other() -> None:
    found = answer(Question("histogram", 1.0, categories=("가", "다")), PERSONS, GRADES).value
    assert isinstance(found, dict)
    assert (list(found), found["가"]) == (["가", "다"], pytest.approx(750, abs=FAR))
    assert 0 <= found["다"] <= FAR


def test_the_error_is_that_of_the_laplace_mechanism() -> None:
    assert answer(Question("count", 0.5, 2), PERSONS, PERSONS).error_95 == pytest.approx(2 / 0.5 * 2.9957, rel=0.01)
    assert answer(Question("sum", 1.0, 1, 0, 9), PERSONS, VALUES).error_95 == pytest.approx(9 * 2.9957, rel=0.01)


def test_noise_is_there() -> None:
    assert len({answer(Question("count", 0.1), PERSONS, PERSONS).value for _ in range(20)}) > 1


@given(st.lists(st.tuples(st.integers(0, 4), st.integers()), max_size=40), st.integers(1, 5))
def test_nobody_counts_more_often_than_said(rows: list[tuple[int, int]], most: int) -> None:
    persons = [person for person, _ in rows]
    kept = list(bounded(persons, persons, most))
    assert Counter(kept) == {person: min(most, count) for person, count in Counter(persons).items()}


@pytest.mark.parametrize(
    "question",
    [
        Question("count", 0.0),
        Question("count", 11.0),
        Question("count", 1.0, 0),
        Question("sum", 1.0, 1, 5, 5),
        Question("mean", 1.0, 1, 0, float("inf")),
        Question("histogram", 1.0),
        Question("histogram", 1.0, categories=("a", "a")),
        Question("sum", 1.0, 1, 0, 9),
    ],
)
def test_what_cannot_be_answered_is_refused(question: Question) -> None:
    with pytest.raises(BadRequest):
        answer(question, ["p"], ["text"])


def test_figures_of_nobody_are_told_like_any_other() -> None:
    assert isinstance(answer(Question("mean", 1.0, 1, 0, 9), [], []), Answer)


@pytest.mark.engine
async def test_what_is_spent_is_left_no_more_and_comes_back_in_the_next_period(pool: asyncpg.Pool) -> None:
    ledger = Ledger(pool, {"trips": PrivacyBudget(1.0, 30)})
    assert [await ledger.spend("trips", 0.4, NOW) for _ in range(2)] == pytest.approx([0.6, 0.2])
    with pytest.raises(Forbidden) as refused:
        await ledger.spend("trips", 0.3, NOW)
    assert refused.value.extra == {"left": pytest.approx(0.2)}
    assert await ledger.spend("trips", 0.2, NOW) == 0
    assert await ledger.left("trips", NOW + timedelta(days=30)) == 1.0
    with pytest.raises(NotFound):
        await ledger.spend("other", 0.1, NOW)
    with pytest.raises(Forbidden):
        await Ledger(pool, {"small": PrivacyBudget(0.1)}).spend("small", 0.2, NOW)


@pytest.mark.engine
@settings(max_examples=25)
@given(budget=st.integers(1, 3_000), asked=st.lists(st.integers(1, 1_500), min_size=1, max_size=12))
def test_spending_at_once_never_goes_beyond_the_budget(session_dsn: str, budget: int, asked: list[int]) -> None:
    spent, left = asyncio.run(spend_at_once(session_dsn, str(uuid4()), budget / 1_000, [one / 1_000 for one in asked]))
    assert sum(spent) <= budget / 1_000 + 1e-9
    assert left == pytest.approx(budget / 1_000 - sum(spent), abs=1e-6)


async def spend_at_once(dsn: str, name: str, budget: float, asked: list[float]) -> tuple[list[float], float]:
    """What was granted, and what is left."""
    async with asyncpg.create_pool(dsn, min_size=4, max_size=4) as pool:
        ledger = Ledger(pool, {name: PrivacyBudget(budget)})
        ends = await asyncio.gather(*(ledger.spend(name, one, NOW) for one in asked), return_exceptions=True)
        granted = [one for one, end in zip(asked, ends, strict=True) if not isinstance(end, BaseException)]
        return granted, await ledger.left(name, NOW)


@given(st.integers(1, 400), st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1)))
def test_a_period_has_its_days(days: int, at: datetime) -> None:
    at, budget = at.replace(tzinfo=UTC), PrivacyBudget(1.0, days)
    assert period_of(budget, at + timedelta(days=days)) == period_of(budget, at) + 1
