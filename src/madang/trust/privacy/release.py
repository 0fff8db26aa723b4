"""Figures about people that may be published: differential privacy by OpenDP, over a bounded contribution of each person.

Neighbours are tables that differ in all rows of one person. Pure but for the noise, which is OpenDP's own (no seed: noise that can be
replayed protects nobody).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from madang.base.errors import BadRequest

Measure = Literal["count", "sum", "mean", "histogram"]
EPSILON_MIN, EPSILON_MAX = 0.001, 10.0


@dataclass(frozen=True)
class Question:
    """`lower` and `upper` bound each value of a sum or mean, `categories` are all that a histogram tells of; both are chosen without
    looking at the data. Of each person `rows_per_person` rows count, the first."""

    measure: Measure
    epsilon: float
    rows_per_person: int = 1
    lower: float = 0.0
    upper: float = 0.0
    categories: tuple[str, ...] = ()

    def check(self) -> None:
        """Raises BadRequest."""
        if not EPSILON_MIN <= self.epsilon <= EPSILON_MAX:
            raise BadRequest(f"epsilon: {EPSILON_MIN} to {EPSILON_MAX}")
        if not 1 <= self.rows_per_person <= 1_000:
            raise BadRequest("rows_per_person: 1 to 1000")
        if self.measure in ("sum", "mean") and not (math.isfinite(self.lower + self.upper) and self.lower < self.upper):
            raise BadRequest("lower is below upper")
        if self.measure == "histogram" and (not self.categories or len(set(self.categories)) < len(self.categories)):
            raise BadRequest("categories: at least one, none twice")


@dataclass(frozen=True)
class Answer:
    """`value`, of a histogram by category. With 95 % probability each figure is off by at most `error_95` through noise (None for a
    mean, whose error hangs on the data)."""

    value: float | dict[str, int]
    error_95: float | None


def check(question: Question, persons: Sequence[Hashable], values: Sequence[Any]) -> None:
    """What can be said before anything is spent. Raises BadRequest."""
    question.check()
    if len(persons) != len(values):
        raise BadRequest("columns have the same number of rows")
    is_number = question.measure in ("sum", "mean")
    if is_number and not all(isinstance(one, int | float) and math.isfinite(one) for one in values):
        raise BadRequest("values of a sum or mean are numbers")


def answer(question: Question, persons: Sequence[Hashable], values: Sequence[Any]) -> Answer:
    """`values` are those of the rows of `persons`; a count takes no notice of them. Raises BadRequest."""
    check(question, persons, values)
    kept = list(bounded(persons, values, question.rows_per_person))
    if question.measure == "count":
        return _count(len(kept), question)
    if question.measure == "histogram":
        return _histogram(kept, question)
    return _sum(kept, question) if question.measure == "sum" else _mean(kept, question)


def bounded(persons: Sequence[Hashable], values: Sequence[Any], rows_per_person: int) -> Iterator[Any]:
    """The values of the first rows of each person."""
    seen: Counter[Hashable] = Counter()
    for person, value in zip(persons, values, strict=True):
        seen[person] += 1
        if seen[person] <= rows_per_person:
            yield value


def by_category(
    question: Question, persons: Sequence[Hashable], places: Sequence[Any], values: Sequence[Any]
) -> dict[str, tuple[float, float]]:
    """A count or sum of each category, with its error. The rows of a person that count are chosen over all categories, so what a person
    changes in all figures together is what `rows_per_person` rows change: epsilon is spent once. Raises BadRequest."""
    rows = list(zip(persons, map(str, places), values, strict=True))
    kept = list(bounded(persons, rows, question.rows_per_person))
    if question.measure == "count":
        found = _histogram([place for _, place, _ in kept], question)
        assert isinstance(found.value, dict) and found.error_95 is not None
        return {name: (float(figure), found.error_95) for name, figure in found.value.items()}
    noisy, scale = _noise_of_sum(question.epsilon, question.rows_per_person, question.lower, question.upper)
    by_place = {name: [float(value) for _, place, value in kept if place == name] for name in question.categories}
    return {
        name: (noisy(_clamped(told, question.lower, question.upper)), _error_95(scale))
        for name, told in by_place.items()
    }


def _count(rows: int, question: Question) -> Answer:
    noisy, scale = _noise("int", question.epsilon, question.rows_per_person)
    return Answer(max(0, noisy(rows)), _error_95(scale))


def _histogram(kept: list[Any], question: Question) -> Answer:
    counts = Counter(map(str, kept))
    noisy, scale = _noise("ints", question.epsilon, question.rows_per_person)
    figures = noisy([counts[name] for name in question.categories])
    found = zip(question.categories, (max(0, one) for one in figures), strict=True)
    return Answer(dict(found), _error_95(scale))


def _sum(kept: list[float], question: Question) -> Answer:
    noisy, scale = _noise_of_sum(question.epsilon, question.rows_per_person, question.lower, question.upper)
    return Answer(noisy(_clamped(kept, question.lower, question.upper)), _error_95(scale))


def _mean(kept: list[float], question: Question) -> Answer:
    """Half of epsilon for the sum of the distances from the middle, half for how many there are."""
    middle, reach = (question.lower + question.upper) / 2, (question.upper - question.lower) / 2
    half, rows = question.epsilon / 2, question.rows_per_person
    noisy_sum, _ = _noise_of_sum(half, rows, -reach, reach)
    noisy_count, _ = _noise("int", half, rows)
    total = noisy_sum(_clamped([float(one) - middle for one in kept], -reach, reach))
    found = middle + total / max(1, noisy_count(len(kept)))
    return Answer(min(max(found, question.lower), question.upper), None)


def _clamped(values: list[float], lower: float, upper: float) -> list[float]:
    return [min(max(float(one), lower), upper) for one in values]


def _error_95(scale: float) -> float:
    return round(scale * math.log(20), 3)


def _noise(form: Literal["int", "ints"], epsilon: float, rows: int) -> tuple[Any, float]:
    """The discrete Laplace mechanism over one whole number, or several that one person changes by `rows` together."""
    dp = _opendp()
    number = dp.atom_domain(T=int)
    space = (
        (number, dp.absolute_distance(T=int)) if form == "int" else (dp.vector_domain(number), dp.l1_distance(T=int))
    )
    scale = dp.binary_search(lambda one: dp.m.make_laplace(*space, scale=one).map(rows) <= epsilon, bounds=(1e-6, 1e9))
    return dp.m.make_laplace(*space, scale=scale), scale


def _noise_of_sum(epsilon: float, rows: int, lower: float, upper: float) -> tuple[Any, float]:
    dp = _opendp()
    summed = (
        dp.vector_domain(dp.atom_domain(bounds=(float(lower), float(upper)))),
        dp.symmetric_distance(),
    ) >> dp.t.then_sum()
    scale = dp.binary_search(
        lambda one: (summed >> dp.m.then_laplace(scale=one)).map(rows) <= epsilon, bounds=(1e-9, 1e15)
    )
    return summed >> dp.m.then_laplace(scale=scale), scale


@cache
def _opendp() -> Any:
    """Forty megabytes that only who releases pays."""
    import opendp.prelude as dp

    dp.enable_features(
        "contrib"
    )  # what is beyond the proofs that were vetted twice; Laplace over sums and counts is in it
    return dp
