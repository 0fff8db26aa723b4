"""How long the past is kept: whole days go as partitions, types that are kept shorter go row by row, a portion at a time.

A day goes when no type is kept longer; what the courier and the lake have not carried yet stays in any case. Whatever goes is told
before, and how much it was after, so that a city can prove what it no longer has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import structlog

from madang.base.city import HistorySettings
from madang.base.clock import Clock
from madang.base.errors import Unavailable
from madang.base.limits import HISTORY_DELETE_ROWS
from madang.engine.database import LOST

log = structlog.get_logger()
SWEEP_EVERY_S = 600.0
_DAYS = """
SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'history'::regclass AND c.relname ~ '^history_[0-9]{8}$' ORDER BY 1
"""
_CARRIED = """
SELECT coalesce(least((SELECT min(seq) FROM bus_cursor), (SELECT seq FROM lake_cursor)), 9223372036854775807)
"""
# The leading type decides. With no type named, those that have a time of their own are left out.
_OVER = """
history WHERE at < $1 AND seq <= $2 AND CASE WHEN $3::text IS NULL
  THEN split_part(types, E'\\x1f', 1) <> ALL($4::text[]) ELSE split_part(types, E'\\x1f', 1) = $3 END
"""
_IS_OLD = f"SELECT EXISTS (SELECT FROM {_OVER})"  # noqa: S608 - ours
_OLD = f"DELETE FROM history WHERE (tableoid, ctid) IN (SELECT tableoid, ctid FROM {_OVER} LIMIT $5)"  # noqa: S608 - ours


@dataclass(frozen=True)
class Gone:
    """`what`: a partition, or the rows of an entity type (`*`: of all types without a time of their own), older than `before`.
    `rows` is None while it is about to go."""

    what: str
    before: datetime
    rows: int | None = None


Record = Callable[[Gone], Awaitable[None]]


def whole_days(settings: HistorySettings, names: list[str], now: datetime) -> list[str]:
    """The partitions of which nothing is to be kept: all of the day is older than what is kept longest."""
    if settings.keep_days is None:
        return []
    longest = timedelta(days=max([settings.keep_days, *settings.keep_days_of.values()]))
    return [name for name in names if _day(name, now) + timedelta(days=1) <= now - longest]


def _day(name: str, now: datetime) -> datetime:
    return datetime.strptime(name.removeprefix("history_"), "%Y%m%d").replace(tzinfo=now.tzinfo)


class Retention:
    """Sweeps through a pool. `record` is told of all that goes; what it cannot put on record (Unavailable) does not go."""

    def __init__(self, pool: asyncpg.Pool, settings: HistorySettings, clock: Clock, record: Record) -> None:
        self._pool, self._settings, self._clock, self._record = pool, settings, clock, record

    async def run(self) -> None:
        """For ever; a lost database, and a table that somebody holds, are tried again at the next sweep."""
        while True:
            try:
                await self.sweep()
            except (asyncpg.LockNotAvailableError, Unavailable, *LOST) as error:
                log.warning("history is swept later", error=repr(error))
            await asyncio.sleep(SWEEP_EVERY_S)

    async def sweep(self) -> None:
        """Drops the days and deletes the rows whose time is over now."""
        settings, now = self._settings, self._clock.now()
        carried = await self._pool.fetchval(_CARRIED)
        names = [record["relname"] for record in await self._pool.fetch(_DAYS)]
        for name in whole_days(settings, names, now):
            await self._drop(name, _day(name, now) + timedelta(days=1), carried)
        times: list[tuple[str | None, float]] = [*settings.keep_days_of.items()]
        if settings.keep_days is not None:
            times.append((None, settings.keep_days))
        for type_name, days in times:
            await self._delete(type_name, now - timedelta(days=days), carried)

    async def _drop(self, name: str, before: datetime, carried: int) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            # Writers wait behind whoever waits for the table, so nobody may wait long.
            await connection.execute("SET LOCAL lock_timeout = '1s'")
            found = f"SELECT coalesce(max(seq), 0) AS latest, count(*) AS rows FROM {name}"  # noqa: S608 - by pattern
            day = await connection.fetchrow(found)
            if day["latest"] > carried:
                return
            await self._record(Gone(name, before))
            await connection.execute(f"DROP TABLE {name}")
        await self._record(Gone(name, before, day["rows"]))
        log.info("a day of history is over", partition=name)

    async def _delete(self, type_name: str | None, before: datetime, carried: int) -> None:
        over = (before, carried, type_name, list(self._settings.keep_days_of))
        if not await self._pool.fetchval(_IS_OLD, *over):
            return
        what, rows, last = type_name or "*", 0, HISTORY_DELETE_ROWS
        await self._record(Gone(what, before))
        while last == HISTORY_DELETE_ROWS:
            last = int((await self._pool.execute(_OLD, *over, HISTORY_DELETE_ROWS)).rpartition(" ")[2])
            rows += last
        await self._record(Gone(what, before, rows))
