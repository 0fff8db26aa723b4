"""Entities by type, counted and taken away: what an app leaves behind when it goes."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from madang.base.errors import MadangError
from madang.base.limits import WRITE_BATCH_MAX_OPS
from madang.context.writer import Writer
from madang.engine.database import fetch
from madang.model.removals import Delete

_COUNT = "SELECT type, count(*) AS number FROM entity WHERE type = ANY($1) GROUP BY type"
_SOME = "SELECT id FROM entity WHERE type = ANY($1) LIMIT $2"


class Produce:
    """Of the default tenant, where apps write."""

    def __init__(self, pool: asyncpg.Pool, writer: Writer) -> None:
        self._pool, self._writer = pool, writer

    async def count(self, types: Sequence[str]) -> dict[str, int]:
        """How many entities there are whose first type it is. Raises Unavailable."""
        found = {row["type"]: row["number"] for row in await fetch(self._pool, _COUNT, [list(types)])}
        return {name: found.get(name, 0) for name in types}

    async def clear(self, types: Sequence[str]) -> dict[str, int]:
        """Deletes them, a batch at a time; each is a change like any other, and their past stays. Gives how many. Raises
        Unavailable, StorageFull: what was deleted by then is gone."""
        before = await self.count(types)
        while found := await fetch(self._pool, _SOME, [list(types), WRITE_BATCH_MAX_OPS]):
            for outcome in await self._writer.submit_many([Delete(row["id"], missing_ok=True) for row in found]):
                if isinstance(outcome, MadangError):
                    raise outcome
        return before
