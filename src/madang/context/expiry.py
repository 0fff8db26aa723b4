"""Takes away what has expired: entities and attributes with an `expiresAt` (clause 4.22)."""

from __future__ import annotations

from typing import Any

import asyncpg

from madang.base.clock import Clock, SystemClock, from_iso
from madang.base.errors import MadangError
from madang.base.limits import WRITE_BATCH_MAX_OPS
from madang.context.writer import Writer
from madang.engine.database import explain
from madang.model.removals import Expire, next_expiry

_DUE = "SELECT entity_id, at FROM transient WHERE at <= $1 ORDER BY at LIMIT $2"
_DONE = "DELETE FROM transient USING unnest($1::text[], $2::timestamptz[]) AS d(id, old) WHERE entity_id = d.id AND at = d.old"
_LATER = """
UPDATE transient SET at = d.new FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS d(id, old, new)
WHERE entity_id = d.id AND at = d.old
"""


class Expiry:
    """The writer notes when entities expire; `sweep` looks at those that are due. What is due may stand up to the time between
    two sweeps longer. Several processes may sweep at once."""

    def __init__(self, pool: asyncpg.Pool, writer: Writer, clock: Clock | None = None) -> None:
        self._pool = pool
        self._writer = writer
        self._clock = clock or SystemClock()

    async def sweep(self) -> int:
        """How many entities were looked at. Raises Unavailable when the database is away."""
        try:
            due = await self._pool.fetch(_DUE, self._clock.now(), WRITE_BATCH_MAX_OPS)
            outcomes = await self._writer.submit_many([Expire(record["entity_id"]) for record in due])
            done: list[Any] = []
            later: list[Any] = []
            for record, outcome in zip(due, outcomes, strict=True):
                if isinstance(outcome, MadangError):
                    continue
                at = next_expiry(outcome.entity) if outcome.entity is not None else None
                # A row that a writer set anew meanwhile is left alone: it is told apart by its time.
                if at is None:
                    done.append((record["entity_id"], record["at"]))
                else:
                    later.append((record["entity_id"], record["at"], from_iso(at)))
            await self._pool.execute(_DONE, *_columns(done, 2))
            await self._pool.execute(_LATER, *_columns(later, 3))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise explain(error) from error
        return len(due)


def _columns(rows: list[Any], width: int) -> list[list[Any]]:
    return [[row[index] for row in rows] for index in range(width)]
