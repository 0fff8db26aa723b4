"""The audit log in PostgreSQL: appended by group commit, one writer at a time, read with proofs (RFC 6962)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from madang.base.errors import BadRequest, NotFound, Unavailable
from madang.base.limits import AUDIT_BATCH_MAX, AUDIT_QUEUE_MAX
from madang.engine.database import explain
from madang.trust.audit.entry import Event, encode_leaf
from madang.trust.audit.merkle import Span, consistency_spans, cover, fold, grow, inclusion_spans, leaf_hash

AUDIT_LOCK = 0x4D41_4403
_NODES = """
SELECT n.level, n.place, coalesce(e.hash, a.hash) AS hash FROM unnest($1::int[], $2::bigint[]) AS n(level, place)
LEFT JOIN audit_entry e ON n.level = 0 AND e.seq = n.place
LEFT JOIN audit_node a ON n.level > 0 AND a.level = n.level AND a.place = n.place
"""
_SIZE = "SELECT coalesce(max(seq) + 1, 0) FROM audit_entry"
_PAGE = """
SELECT seq, leaf, hash FROM audit_entry WHERE ($1::bigint IS NULL OR seq < $1)
  AND ($3::text IS NULL OR leaf::jsonb->>'who' = $3) AND ($4::text IS NULL OR leaf::jsonb->>'what' = $4)
  AND ($5::text IS NULL OR leaf::jsonb->>'whom' = $5) ORDER BY seq DESC LIMIT $2
"""


class AuditLog:
    """One log. Appends that wait together are committed together, in the order they were asked for."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._waiting: list[tuple[Event, asyncio.Future[int]]] = []
        self._task: asyncio.Task[None] | None = None

    async def append(self, event: Event) -> int:
        """Its place in the log, after the commit. Raises Unavailable when it is not known to be on record: whoever was about
        to act must not."""
        if len(self._waiting) >= AUDIT_QUEUE_MAX:
            raise Unavailable("too much waits to be put on record")
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((event, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return await done

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:AUDIT_BATCH_MAX], self._waiting[AUDIT_BATCH_MAX:]
            try:
                first = await self._commit([event for event, _ in batch])
            except Exception as error:
                for _, done in batch:
                    _settle(done, explain(error))
            else:
                for place, (_, done) in enumerate(batch, first):
                    _settle(done, place)

    async def _commit(self, events: Sequence[Event]) -> int:
        """The place of the first of them."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1, hashtext(current_schema()::text))", AUDIT_LOCK)
            size = await connection.fetchval(_SIZE)
            leaves = [encode_leaf(place, event) for place, event in enumerate(events, size)]
            hashes = [leaf_hash(leaf.encode()) for leaf in leaves]
            made, _ = grow(size, await read_nodes(connection, [(0, size)]), hashes)
            await connection.execute(
                "INSERT INTO audit_entry SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[])",
                list(range(size, size + len(leaves))), leaves, hashes,
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO audit_node SELECT * FROM unnest($1::int[], $2::bigint[], $3::bytea[])",
                [node[0] for node, _ in made], [node[1] for node, _ in made], [one for _, one in made],
            )  # fmt: skip
            return int(size)

    async def size(self) -> int:
        return int(await self._pool.fetchval(_SIZE))

    async def root(self, size: int) -> bytes:
        """Of the tree of the first `size` entries. Raises NotFound beyond the log's end."""
        return fold(await read_nodes(self._pool, [(0, size)]))

    async def page(
        self, limit: int, before: int | None, who: str | None, what: str | None, whom: str | None
    ) -> list[dict[str, Any]]:
        """Newest first: `{"seq","hash","leaf"}`, the leaf as it was hashed."""
        records = await self._pool.fetch(_PAGE, before, limit, who, what, whom)
        return [{"seq": one["seq"], "hash": one["hash"].hex(), "leaf": one["leaf"]} for one in records]

    async def inclusion(self, index: int, size: int) -> list[bytes]:
        """Raises BadRequest, NotFound beyond the log's end."""
        if not 0 <= index < size:
            raise BadRequest("index: below size")
        return await self._path(inclusion_spans(index, size))

    async def consistency(self, old: int, new: int) -> list[bytes]:
        """Raises BadRequest, NotFound beyond the log's end."""
        if not 0 < old <= new:
            raise BadRequest("old: at least 1 and at most new")
        return await self._path(consistency_spans(old, new))

    async def _path(self, spans: Sequence[Span]) -> list[bytes]:
        hashes = iter(await read_nodes(self._pool, spans))
        return [fold([next(hashes) for _ in cover(span)]) for span in spans]


def _settle(done: asyncio.Future[int], result: int | BaseException) -> None:
    """Who asked may have gone away meanwhile."""
    if done.done():
        return
    if isinstance(result, BaseException):
        done.set_exception(result)
    else:
        done.set_result(result)


async def read_nodes(source: Any, spans: Sequence[Span]) -> list[bytes]:
    """The hashes that cover the spans, one after the other, in one statement."""
    nodes = [node for span in spans for node in cover(span)]
    records = await source.fetch(_NODES, [node[0] for node in nodes], [node[1] for node in nodes])
    found = {(record["level"], record["place"]): record["hash"] for record in records}
    missing = [node for node in nodes if found.get(node) is None]
    if missing:
        raise NotFound(f"the audit log has no hash of level {missing[0][0]} at {missing[0][1]}")
    return [found[node] for node in nodes]


def decode_leaf(leaf: str) -> dict[str, Any]:
    """A leaf as a reader sees it. Raises msgspec.DecodeError for one that somebody bent."""
    value: dict[str, Any] = msgspec.json.decode(leaf, type=dict[str, Any])
    return value
