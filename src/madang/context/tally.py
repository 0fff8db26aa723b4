"""Counters of subscriptions and the notices that wait, written down many at a time."""

from __future__ import annotations

import asyncio

import asyncpg
import msgspec
import structlog

from madang.base.limits import NOTIFY_QUEUE_MAX
from madang.context.mailbox import FROM_SOURCES, Notice, Settled
from madang.engine.database import LOST

log = structlog.get_logger()
_ENCODE = msgspec.json.Encoder().encode
_KEEP = """
INSERT INTO notification (subscription_id, seq, entity_id, data)
SELECT t.* FROM unnest($1::text[], $2::bigint[], $3::text[], $4::json[]) AS t(subscription_id, seq, entity_id, data)
JOIN subscription ON subscription.id = t.subscription_id ON CONFLICT DO NOTHING
"""
# The number stands in the text, so that the index of these rows alone is taken.
_FROM_SOURCES = f"""
SELECT subscription_id, seq, entity_id, data FROM notification
WHERE seq >= {FROM_SOURCES} AND seq > $1 ORDER BY seq LIMIT {NOTIFY_QUEUE_MAX}
"""  # noqa: S608
_COUNT = """
UPDATE {table} SET times_sent = times_sent + t.sent, times_failed = times_failed + t.failed,
  last_notification = now(),
  last_success = CASE WHEN t.sent > t.failed THEN now() ELSE last_success END,
  last_failure = CASE WHEN t.failed > 0 THEN now() ELSE last_failure END
FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS t(id, sent, failed) WHERE {table}.id = t.id
"""
_DROP = """
DELETE FROM notification USING unnest($1::text[], $2::bigint[]) AS t(id, seq)
WHERE notification.subscription_id = t.id AND notification.seq = t.seq
"""


class Tally:
    """What became of notifications, soon in the database. What it could not write yet it keeps. `table` holds the counters."""

    def __init__(self, pool: asyncpg.Pool, table: str = "subscription") -> None:
        self._pool, self._count = pool, _COUNT.format(table=table)
        self._counts: dict[str, tuple[int, int]] = {}
        self._done: list[tuple[str, int]] = []
        self._wake = asyncio.Event()

    async def keep(self, notices: list[tuple[str, Notice]]) -> None:
        """On disk when it returns: they outlive this process. Raises one of LOST."""
        if notices:
            ids, rows = [identifier for identifier, _ in notices], [notice for _, notice in notices]
            await self._pool.execute(
                _KEEP,
                ids,
                [row.seq for row in rows],
                [row.entity_id for row in rows],
                [_ENCODE(row.data) for row in rows],
            )

    async def waiting(self) -> list[tuple[str, Notice]]:
        """What waited when the process before this one ended, in order."""
        records = await self._pool.fetch("SELECT subscription_id, seq, entity_id, data FROM notification ORDER BY seq")
        return [(record["subscription_id"], Notice(*list(record.values())[1:])) for record in records]

    async def from_sources(self, behind: int) -> list[tuple[str, Notice]]:
        """What other brokers told behind that number, in order."""
        records = await self._pool.fetch(_FROM_SOURCES, behind)
        return [(record["subscription_id"], Notice(*list(record.values())[1:])) for record in records]

    def settle(self, settled: Settled) -> None:
        """Counts an attempt, and lets go what waits no more."""
        if settled.ok is not None:
            sent, failed = self._counts.get(settled.subscription_id, (0, 0))
            self._counts[settled.subscription_id] = (sent + 1, failed + (not settled.ok))
        self._done += [(settled.subscription_id, seq) for seq in settled.seqs if seq]
        self._wake.set()

    async def write_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            counts, self._counts = self._counts, {}
            done, self._done = self._done, []
            try:
                await self._write(counts, done)
            except LOST as error:
                log.warning("the tally waits for the database", error=repr(error))
                self._counts = {
                    name: (sent + self._counts.get(name, (0, 0))[0], failed + self._counts.get(name, (0, 0))[1])
                    for name, (sent, failed) in counts.items()
                } | {name: value for name, value in self._counts.items() if name not in counts}
                self._done = done + self._done
                self._wake.set()
                await asyncio.sleep(0.5)

    async def _write(self, counts: dict[str, tuple[int, int]], done: list[tuple[str, int]]) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            if counts:
                sent, failed = zip(*counts.values(), strict=True)
                await connection.execute(self._count, list(counts), list(sent), list(failed))
            if done:
                await connection.execute(_DROP, [name for name, _ in done], [seq for _, seq in done])
