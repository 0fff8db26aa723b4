"""What the city itself does with data, as OpenLineage events once a day: which topics tell of a kind of thing, that its history is in the
lake, which apps read it and show it, and what they decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg

from madang.base.clock import Clock
from madang.base.limits import LINEAGE_TRACED_MAX
from madang.lake.catalogue.lineage import Lineage

EVERY = timedelta(days=1)
_ROLLED = """
SELECT DISTINCT type AS name FROM entity WHERE EXISTS (SELECT FROM lake_cursor WHERE lake_cursor.seq >= entity.seq) ORDER BY 1 LIMIT $1"""
_READ = """
SELECT id, array_agg(DISTINCT scope->>'type' ORDER BY scope->>'type') AS types FROM app, jsonb_array_elements(manifest->'scopes') AS scope
WHERE scope->>'action' = 'read' AND scope->>'type' IS NOT NULL GROUP BY id ORDER BY id LIMIT $1"""
_SHOWN = """
SELECT id, page->>'path' AS path FROM app, jsonb_array_elements(coalesce(manifest->'pages', '[]') || coalesce(manifest->'widgets', '[]'))
AS page ORDER BY 1, 2 LIMIT $1"""
_DECIDED = """
SELECT DISTINCT who, kind FROM command WHERE at > $2 AND status NOT IN ('refused', 'failed') AND who LIKE 'app:%' ORDER BY 1, 2 LIMIT $1"""


class Tracing:
    """`topics`: of which kind of thing each tells."""

    def __init__(self, pool: asyncpg.Pool, lineage: Lineage, topics: Sequence[tuple[str, str]], clock: Clock) -> None:
        self._pool, self._lineage, self._topics, self._clock = pool, lineage, topics, clock
        self._due: datetime | None = None

    async def once(self) -> bool:
        """Once a day, and after each start."""
        now = self._clock.now()
        if self._due is not None and now < self._due:
            return False
        self._due = now + EVERY
        for job, inputs, output in await self._found(now - EVERY):
            await self._lineage.tell(job, inputs, [output], now)
        return False

    async def _found(self, since: datetime) -> list[tuple[str, list[str], str]]:
        """`(job, inputs, output)`."""
        most = LINEAGE_TRACED_MAX
        found = [("ingest", [f"topic:{topic}"], f"device:{kind}") for topic, kind in self._topics]
        for row in await self._pool.fetch(_ROLLED, most):
            found.append(("roll", [f"device:{row['name']}"], f"observation:{row['name']}"))
        for row in await self._pool.fetch(_READ, most):
            found.append(("read", [f"device:{kind}" for kind in row["types"]], f"app:{row['id']}"))
        for row in await self._pool.fetch(_SHOWN, most):
            found.append(("show", [f"app:{row['id']}"], f"chart:{row['id']}{row['path']}"))
        for row in await self._pool.fetch(_DECIDED, most, since):
            found.append(("decide", [row["who"]], f"decision:{row['kind']}"))
        return found
