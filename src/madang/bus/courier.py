"""The courier: reads the outbox (history, in commit order) and puts every change on the bus; nothing is left out.

Its cursor moves after the bus took the messages, so a death in between sends some twice, never loses one.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import msgspec
import structlog
from nats.aio.client import Client

from madang.base.clock import to_iso
from madang.base.errors import Unavailable
from madang.bus.changes import BATCH_MAX_BYTES, batch_subject, batches, encode, subject
from madang.engine.database import LOST
from madang.model.change import Change, Recorded

log = structlog.get_logger()
BATCH = 2_000
IDLE_S = 1.0
# Where much is written, a moment's waiting carries several commits at once, which costs the database a third less.
MANY = 32
GATHER_S = 0.01
CHANNEL = "madang_changes"
Consumer = Callable[[list[Recorded]], Awaitable[None]]
# What is told of the past ('t') is no news of the present: it is passed over, and not even fetched.
_NEXT = """
SELECT seq, op, entity_id, types, at, CASE WHEN op = 't' THEN NULL ELSE change END AS change, before
FROM history WHERE seq > $1 ORDER BY seq LIMIT $2
"""


class Courier:
    """Carries changes from PostgreSQL to the bus and to `consumers` in the same process (notifications)."""

    def __init__(
        self, pool: asyncpg.Pool, client: Client, city: str, consumers: list[Consumer] | None = None, name: str = "bus"
    ) -> None:
        self._pool, self._client, self._city, self._name = pool, client, city, name
        self._consumers = consumers or []
        self._wake = asyncio.Event()
        self.cursor = 0
        self.carried = 0
        self.listening = False
        self.lag_ms = 0.0

    async def run(self) -> None:
        """For ever; a lost database is waited for."""
        while True:
            try:
                async with self._pool.acquire() as connection:
                    await self._serve(connection)
            except (Unavailable, *LOST) as error:
                log.warning("courier waits for the database", error=repr(error))
                await asyncio.sleep(0.3)

    async def _serve(self, connection: asyncpg.Connection) -> None:
        listener = self._heard
        # A cursor that is lost with the last moment before a crash is older than it was: some changes go twice, as always.
        await connection.execute("SET synchronous_commit = off")
        await connection.add_listener(CHANNEL, listener)
        self.cursor = await self._load(connection)
        self.listening = True
        try:
            while True:
                self._wake.clear()
                carried = await self.carry(connection)
                while carried == BATCH:
                    carried = await self.carry(connection)
                if carried >= MANY:
                    await asyncio.sleep(GATHER_S)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), IDLE_S)
        finally:
            with contextlib.suppress(*LOST):
                await connection.remove_listener(CHANNEL, listener)

    def _heard(self, *_: object) -> None:
        self._wake.set()

    async def _load(self, connection: asyncpg.Connection) -> int:
        """A new bus starts at the present: what was before is in the state."""
        found = await connection.fetchval("SELECT seq FROM bus_cursor WHERE name = $1", self._name)
        if found is None:
            found = await connection.fetchval("SELECT coalesce(max(seq), 0) FROM history")
            await self._save(connection, found)
        return int(found)

    async def _save(self, connection: asyncpg.Connection, seq: int) -> None:
        await connection.execute(
            "INSERT INTO bus_cursor VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq",
            self._name,
            seq,
        )

    async def carry(self, connection: asyncpg.Connection) -> int:
        """One batch; how many rows of history it had. As many as BATCH: there may be more."""
        records = await connection.fetch(_NEXT, self.cursor, BATCH)
        if not records:
            self.lag_ms = 0.0
            return 0
        recorded = [recorded_of(record) for record in records if record["change"] is not None]
        changes = [one.change for one in recorded]
        await self._publish(changes)
        for consumer in self._consumers:
            await consumer(recorded)
        self.cursor = records[-1]["seq"]
        await self._save(connection, self.cursor)
        self.carried += len(changes)
        self.lag_ms = (time.time() - records[-1]["at"].timestamp()) * 1000
        return len(records)

    async def _publish(self, changes: list[Change]) -> None:
        """Returns when the bus has them all: what was sent over a connection that broke may be lost, so it goes again."""
        encoded = [self._encoded(change) for change in changes]
        while True:
            await self._connected()
            connection = self._client.stats["reconnects"]
            try:
                for change, message in zip(changes, encoded, strict=True):
                    await self._client.publish(subject(self._city, change), message)
                for batch in batches(encoded):
                    await self._client.publish(batch_subject(self._city), batch)
                await self._client.flush(timeout=2)
                if self._client.is_connected and self._client.stats["reconnects"] == connection:
                    return
            except Exception as error:  # any failure of the bus means: not taken yet, so wait, and never skip
                log.warning("courier waits for the bus", error=repr(error))
            await asyncio.sleep(0.1)

    def _encoded(self, change: Change) -> bytes:
        """The message; of a change that is too large for the bus only that it was."""
        message = encode(change)
        if len(message) + 2 <= (self._client.max_payload or BATCH_MAX_BYTES):
            return message
        return encode(msgspec.structs.replace(change, change={}))

    async def _connected(self) -> None:
        while not self._client.is_connected:
            await asyncio.sleep(0.05)


def recorded_of(record: asyncpg.Record) -> Recorded:
    """A row of `history`."""
    op: Any = record["op"]
    change = Change(
        record["seq"],
        op.decode() if isinstance(op, bytes) else op,
        record["entity_id"],
        record["types"].split("\x1f"),
        to_iso(record["at"]),
        record["change"],
    )
    return Recorded(change, record["before"] or {})
