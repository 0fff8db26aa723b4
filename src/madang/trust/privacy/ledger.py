"""The budget of each data set and period: spent before a figure is computed, never beyond what there is, whoever asks at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import asyncpg

from madang.base.city import PrivacyBudget
from madang.base.errors import Forbidden, NotFound

_MICRO = 1_000_000
_SPEND = """
INSERT INTO privacy_spent VALUES ($1, $2, $3)
ON CONFLICT (dataset, period) DO UPDATE SET spent_micro = privacy_spent.spent_micro + excluded.spent_micro
WHERE privacy_spent.spent_micro + excluded.spent_micro <= $4
RETURNING spent_micro
"""
_SPENT = "SELECT spent_micro FROM privacy_spent WHERE dataset = $1 AND period = $2"


class Ledger:
    """`budgets` by data set: what the city has allowed; without one nothing is released."""

    def __init__(self, pool: asyncpg.Pool, budgets: Mapping[str, PrivacyBudget]) -> None:
        self._pool, self._budgets = pool, budgets

    async def spend(self, dataset: str, epsilon: float, now: datetime) -> float:
        """What is left after it. Raises NotFound without a budget, Forbidden (with what is `left`) when it does not reach."""
        budget = self._budget(dataset)
        wanted, most, period = _up(epsilon), _down(budget.epsilon), period_of(budget, now)
        spent = await self._pool.fetchval(_SPEND, dataset, period, wanted, most) if wanted <= most else None
        if spent is None:
            left = await self.left(dataset, now)
            raise Forbidden(f"of the privacy budget of {dataset} epsilon {left:g} is left in this period", left=left)
        return (most - int(spent)) / _MICRO

    async def left(self, dataset: str, now: datetime) -> float:
        """Raises NotFound without a budget."""
        budget = self._budget(dataset)
        spent = await self._pool.fetchval(_SPENT, dataset, period_of(budget, now))
        return (_down(budget.epsilon) - int(spent or 0)) / _MICRO

    def _budget(self, dataset: str) -> PrivacyBudget:
        if dataset not in self._budgets:
            raise NotFound(f"no privacy budget for {dataset[:200]}: the city's configuration names none")
        return self._budgets[dataset]


def period_of(budget: PrivacyBudget, now: datetime) -> int:
    """Which period of so many days since the epoch it is."""
    return int(now.timestamp() // (budget.days * 86_400))


def _up(epsilon: float) -> int:
    """Never less than was asked for."""
    return -int(-epsilon * _MICRO // 1)


def _down(epsilon: float) -> int:
    return round(epsilon * _MICRO)
