"""Who uses a data set, counted by the day; of whom nobody knows only how often."""

from __future__ import annotations

from collections import Counter
from datetime import date

import asyncpg

from madang.base.clock import Clock
from madang.base.limits import CATALOGUE_USES_MAX

SOMEBODY = "anonymous"
_PUT = (
    "INSERT INTO dataset_use (dataset, day, who, way, times) SELECT u.* FROM unnest($1::text[], $2::date[], $3::text[], $4::text[],"
    " $5::bigint[]) AS u (dataset, day, who, way, times) WHERE EXISTS (SELECT FROM dataset WHERE id = u.dataset)"
    " ON CONFLICT (dataset, day, who, way) DO UPDATE SET times = dataset_use.times + excluded.times"
)


class Uses:
    """Kept in memory until `settle`; a page that is looked at writes nothing."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock
        self._counted: Counter[tuple[str, date, str, str]] = Counter()

    def saw(self, dataset: str, who: str, way: str) -> None:
        """`who`: a principal's name; of a person only that it is one."""
        kind = who.partition(":")[0]
        shown = who if kind in ("app", "department", "peer") else SOMEBODY
        if len(self._counted) < CATALOGUE_USES_MAX:
            self._counted[dataset, self._clock.now().date(), shown, way] += 1

    async def settle(self) -> None:
        counted, self._counted = self._counted, Counter()
        if counted:
            columns = list(zip(*counted, strict=True))
            await self._pool.execute(_PUT, *map(list, columns), list(counted.values()))

    async def of(self, dataset: str, days: int = 90) -> list[tuple[str, str, int]]:
        """`(who, way, times)` of the last days, the most first."""
        rows = await self._pool.fetch(
            "SELECT who, way, sum(times)::bigint AS n FROM dataset_use WHERE dataset = $1 AND day > $2::date - $3::int"
            " GROUP BY 1, 2 ORDER BY n DESC, 1, 2 LIMIT 50",
            dataset, self._clock.now().date(), days,
        )  # fmt: skip
        return [(row["who"], row["way"], row["n"]) for row in rows]
