"""A writer's connection and its turn to write: one writer of the city at a time, by an advisory lock of PostgreSQL."""

from __future__ import annotations

import contextlib
import time
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from madang.base.clock import to_iso
from madang.engine.database import LOST

WRITE_LOCK = 0x4D41_4402
TURN_S = 0.02
# A tenant has a history of its own, and so an order of its own to keep.
_KEY = f"{WRITE_LOCK}, hashtext(current_schema()::text)"
_LOCK = f"SELECT pg_advisory_lock({_KEY})"
_UNLOCK = f"SELECT pg_advisory_unlock({_KEY})"


class Turn:
    """Holds one connection of the pool from batch to batch: giving it back costs a round trip each. One that died meanwhile
    fails the next batch, which lets it go."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._connection: Any = None
        self._locked_at: float | None = None
        self._partition_day = ""

    async def take(self, moment: datetime) -> Any:
        """The connection, with the turn, and with partitions of history for `moment`. The turn is kept while there is more
        to write, but not for longer than others can wait."""
        if self._connection is None:
            self._connection = await self._pool.acquire()
            # One plan for every batch: none of the statements is better off with another.
            await self._connection.execute("SET plan_cache_mode = force_generic_plan")
        await self._ensure_partitions(moment)
        if self._locked_at is not None and time.monotonic() - self._locked_at > TURN_S:
            await self.end()
        if self._locked_at is None:
            await self._connection.fetchval(_LOCK)
            self._locked_at = time.monotonic()
        return self._connection

    async def end(self) -> None:
        """Gives up the turn, not the connection."""
        if self._connection is not None and self._locked_at is not None:
            try:
                await self._connection.fetchval(_UNLOCK)
            except BaseException:
                await self.let_go()
                raise
            self._locked_at = None

    async def let_go(self) -> None:
        """The connection goes back to the pool, which gives up the turn."""
        connection, self._connection, self._locked_at = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(*LOST):
                await self._pool.release(connection, timeout=5)

    async def _ensure_partitions(self, moment: datetime) -> None:
        day = moment.strftime("%Y%m%d")
        if day == self._partition_day:
            return
        await ensure_partitions(self._connection, moment)
        self._partition_day = day


async def ensure_partitions(connection: asyncpg.Connection, moment: datetime) -> None:
    """Those of history for the day of `moment` and the next, in the connection's schema: a day whose rows lie elsewhere
    already can have none."""
    for offset in (0, 1):
        start = (moment + timedelta(days=offset)).replace(hour=0, minute=0, second=0, microsecond=0)
        await _make_partition(connection, start)


async def _make_partition(connection: asyncpg.Connection, start: datetime) -> None:
    name = f"history_{start:%Y%m%d}"
    sql = (
        f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF history "
        f"FOR VALUES FROM ('{to_iso(start)}') TO ('{to_iso(start + timedelta(days=1))}')"
    )
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({_KEY})")
        await connection.execute(sql)
