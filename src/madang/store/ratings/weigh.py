"""How much each review counts, and the stars that are shown. Pure.

A review counts by the days on which its install was used, nothing before the second and fully from the thirtieth. Installs that
began in the same week count together for little more than a few: their weight beyond COHORT_FULL enters by its logarithm, so a crowd
that comes at once is one voice, not a thousand. PRIOR_WEIGHT reviews of PRIOR_STARS stand beside them all, so that the first few do
not decide alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import log1p

FULL_DAYS, FIRST_DAYS = 30, 2
COHORT_FULL = 3.0
PRIOR_STARS, PRIOR_WEIGHT = 3.0, 4.0


@dataclass(frozen=True)
class Vote:
    """`days_used`: different days; `installed_at` decides with which others it counts together."""

    stars: int
    days_used: int
    installed_at: datetime


@dataclass(frozen=True)
class Shown:
    """`stars`: 1 to 5, None when nothing counts yet; `weight`: how many full reviews that is; `count`: how many were written."""

    stars: float | None
    weight: float
    count: int


def weight_of(vote: Vote) -> float:
    """0 to 1."""
    return 0.0 if vote.days_used < FIRST_DAYS else min(vote.days_used, FULL_DAYS) / FULL_DAYS


def damped(total: float) -> float:
    """The weight that installs of one week have together."""
    return total if total <= COHORT_FULL else COHORT_FULL + log1p(total - COHORT_FULL)


def shown(votes: Iterable[Vote]) -> Shown:
    """What stands beside the app's name."""
    cohorts: dict[tuple[int, int], list[Vote]] = {}
    for vote in votes:
        year, week, _ = vote.installed_at.isocalendar()
        cohorts.setdefault((year, week), []).append(vote)
    weight, stars = 0.0, 0.0
    for members in cohorts.values():
        total = sum(map(weight_of, members))
        if total:
            factor = damped(total)
            weight += factor
            stars += factor * sum(weight_of(one) * one.stars for one in members) / total
    count = sum(map(len, cohorts.values()))
    if not weight:
        return Shown(None, 0.0, count)
    return Shown((PRIOR_STARS * PRIOR_WEIGHT + stars) / (PRIOR_WEIGHT + weight), weight, count)


def reach(before: Shown, crowd: float) -> float:
    """The most by which installs of one week with `crowd` full reviews together can move what is shown before them."""
    stars, held = before.stars or PRIOR_STARS, before.weight + PRIOR_WEIGHT
    added = damped(crowd)
    return max(stars - 1, 5 - stars) * added / (held + added)
