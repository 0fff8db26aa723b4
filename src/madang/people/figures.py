"""Published figures as questions of differential privacy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from madang.base.errors import BadRequest
from madang.lake.publishing.spec import Figures
from madang.trust.privacy.release import Question, by_category


def question_of(figures: Figures) -> Question:
    """Raises BadRequest for a sum of no column, and categories that come twice."""
    if (figures.measure == "sum") != bool(figures.value) or len(set(figures.categories)) < len(figures.categories):
        raise BadRequest("a sum has a value, a count none; no category comes twice")
    bounds = (figures.rows_per_person, figures.lower, figures.upper, tuple(figures.categories))
    return Question(figures.measure, figures.epsilon, *bounds)


def noisy(
    figures: Figures, persons: Sequence[Any], places: Sequence[Any], values: Sequence[Any]
) -> dict[str, tuple[float, float]]:
    """The figure of each category and its error. Rows without a number do not count in a sum. Raises BadRequest."""
    told = [one if isinstance(one, int | float) else 0.0 for one in values] if figures.measure == "sum" else values
    return by_category(question_of(figures), persons, places, told)
