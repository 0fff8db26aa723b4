"""What no longer holds: told by rows that every gateway follows, so that no memory of one outlives an end by a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import structlog

from madang.base.clock import monotonic_s
from madang.base.limits import IDENTITY_LOOK_S, IDENTITY_STALE_S
from madang.engine.database import LOST

log = structlog.get_logger()
_LOCK = 0x4D41_4404
_KEPT = "1 day"


async def tell_ended(connection: Any, *tags: str) -> None:
    """Within the transaction that ends them. One at a time, so that `seq` is the order of the commits and no reader passes one
    that is still on its way."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    await connection.execute("INSERT INTO identity_ended (tag) SELECT unnest($1::text[])", list(tags))


class Endings:
    """One process's view. `forget` is called with each tag that ended."""

    def __init__(
        self, pool: asyncpg.Pool, forget: Callable[[str], None], now_s: Callable[[], float] = monotonic_s
    ) -> None:
        self._pool, self._forget, self._now_s = pool, forget, now_s
        self._seq: int | None = None
        self._looked_s = float("-inf")

    @property
    def fresh(self) -> bool:
        """Whether an end of a second ago would be known here."""
        return self._now_s() - self._looked_s < IDENTITY_STALE_S

    async def look(self) -> None:
        """Once. What ended before the first look is in no memory of this process."""
        began = self._now_s()
        if self._seq is None:
            self._seq = await self._pool.fetchval("SELECT coalesce(max(seq), 0) FROM identity_ended")
        for row in await self._pool.fetch("SELECT seq, tag FROM identity_ended WHERE seq > $1 ORDER BY seq", self._seq):
            self._seq = row["seq"]
            self._forget(row["tag"])
        self._looked_s = began

    async def follow(self) -> None:
        """For ever. While the database is away nothing is fresh."""
        while True:
            try:
                await self.look()
            except LOST as error:
                log.warning("who was signed out is not known", error=repr(error))
            await asyncio.sleep(IDENTITY_LOOK_S)


async def sweep_endings(pool: asyncpg.Pool) -> None:
    """What every process has heard of long ago, and what has expired."""
    await pool.execute(f"DELETE FROM identity_ended WHERE at < now() - interval '{_KEPT}'")
