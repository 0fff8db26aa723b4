"""Feeds in the city's database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from madang.base.clock import Clock
from madang.base.errors import NotFound
from madang.lake.feeds.feed import Feed, Outcome, Wanted, next_due
from madang.lake.files.report import Hints

_COLUMNS = "dataset, kind, address, every_s, hints, etag, modified, sha256, due_at, pulled_at, outcome, detail, failures, made_by"


class Feeds:
    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self.clock = pool, clock

    async def put(self, dataset: str, wanted: Wanted, by: str) -> None:
        """Pulled at once. Raises BadRequest, NotFound without the data set."""
        wanted.check()
        try:
            await self._pool.execute(
                "INSERT INTO dataset_feed (dataset, kind, address, every_s, hints, due_at, made_by) VALUES ($1, $2, $3, $4, $5, $6, $7)"
                " ON CONFLICT (dataset) DO UPDATE SET kind = excluded.kind, address = excluded.address, every_s = excluded.every_s,"
                " hints = excluded.hints, due_at = excluded.due_at, made_by = excluded.made_by, etag = '', modified = '', sha256 = '',"
                " outcome = '', detail = '', failures = 0",
                dataset, wanted.kind, wanted.address, wanted.every_s, msgspec.json.encode(wanted.hints), self.clock.now(), by,
            )  # fmt: skip
        except asyncpg.ForeignKeyViolationError:
            raise NotFound(f"there is no data set {dataset[:80]}", reason="dataset_none") from None

    async def find(self, dataset: str) -> Feed | None:
        row = await self._pool.fetchrow(f"SELECT {_COLUMNS} FROM dataset_feed WHERE dataset = $1", dataset)
        return _feed(row) if row is not None else None

    async def drop(self, dataset: str) -> None:
        """Raises NotFound."""
        if await self._pool.fetchval("DELETE FROM dataset_feed WHERE dataset = $1 RETURNING dataset", dataset) is None:
            raise NotFound("nothing is pulled for this data set", reason="feed_none")

    async def due(self, now: datetime) -> Feed | None:
        """The one that is due for longest."""
        sql = f"SELECT {_COLUMNS} FROM dataset_feed WHERE due_at <= $1 ORDER BY due_at LIMIT 1"
        row = await self._pool.fetchrow(sql, now)
        return _feed(row) if row is not None else None

    async def pulled(self, feed: Feed, etag: str, modified: str, sha256: str, outcome: Outcome) -> None:
        now = self.clock.now()
        await self._pool.execute(
            "UPDATE dataset_feed SET etag = $2, modified = $3, sha256 = $4, outcome = $5, detail = '', failures = 0, pulled_at = $6,"
            " due_at = $7 WHERE dataset = $1",
            feed.dataset, etag, modified, sha256, outcome, now, next_due(feed.wanted.every_s, 0, now),
        )  # fmt: skip

    async def failed(self, feed: Feed, detail: str) -> None:
        failures, now = feed.failures + 1, self.clock.now()
        await self._pool.execute(
            "UPDATE dataset_feed SET outcome = 'failed', detail = $2, failures = $3, due_at = $4 WHERE dataset = $1",
            feed.dataset, detail[:500], failures, next_due(feed.wanted.every_s, failures, now),
        )  # fmt: skip


def _feed(row: Mapping[str, Any]) -> Feed:
    wanted = Wanted(row["address"], row["kind"], row["every_s"], msgspec.convert(row["hints"], Hints))
    rest = {name: row[name] for name in Feed.__struct_fields__ if name != "wanted"}
    return Feed(wanted=wanted, **rest)
