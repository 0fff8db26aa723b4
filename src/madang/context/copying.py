"""Makes snapshots in the background: one after the other, each from what its queries find (clauses 5.16.1, 5.16.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import structlog

from madang.base.errors import MadangError, trace_of
from madang.context.copies import QUERIES, Copies, Copy
from madang.engine.database import explain

log = structlog.get_logger()
_ENTITIES = """
INSERT INTO "{schema}".entity AS here (id, type, types, body, place, band, west, seq, created_at, modified_at)
SELECT id, type, types, {body}, {place}, {band}, {west}, seq, created_at, modified_at FROM entity WHERE id = ANY($1)
ON CONFLICT (id) DO UPDATE SET body = here.body || excluded.body, place = coalesce(here.place, excluded.place),
  band = coalesce(here.band, excluded.band), west = coalesce(here.west, excluded.west)
"""
_PART = "(SELECT coalesce(jsonb_object_agg(key, value), '{{}}') FROM jsonb_each(body) WHERE {chosen})"
_CLONE = (
    'INSERT INTO "{to}".entity (id, type, types, body, place, band, west, seq, created_at, modified_at)'
    ' SELECT id, type, types, body, place, band, west, seq, created_at, modified_at FROM "{of}".entity',
    'INSERT INTO "{to}".history (at, entity_id, types, op, change, before)'
    ' SELECT at, entity_id, types, op, change, before FROM "{of}".history ORDER BY seq',
)
_PAST = "INSERT INTO \"{schema}\".history (at, entity_id, types, op, change) VALUES ($1, $2, $3, 't', $4)"
Details = dict[str, Any]
Fill = Callable[[Copy], Awaitable[Details]]
Told = Callable[[Copy], Awaitable[None]]


class Maker:
    """`prepare(schema)` makes the tables of a snapshot, `told` hears of each that is ready. What waits is as bounded as snapshots are."""

    def __init__(
        self, pool: asyncpg.Pool, copies: Copies, prepare: Callable[[str], Awaitable[object]], told: Told
    ) -> None:
        self._pool, self._copies, self._prepare, self._told = pool, copies, prepare, told
        self._waiting: list[tuple[Copy, Fill]] = []
        self._connection: Any = None
        self._begin = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def begin(self, identifier: str, body: dict[str, Any], expires: datetime, fill: Fill) -> Copy:
        """A new snapshot that is prepared from now on. `fill` answers how its queries went. Raises Conflict."""
        async with self._begin:
            if self._connection is None:
                self._connection = await self._pool.acquire()
            copy = None
            try:
                number = await self._copies.reserve(self._connection)
                copy = await self._copies.create(identifier, number, body, expires)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                raise explain(error) from error
            finally:
                if copy is None:
                    await self._rest()
            self._waiting.append((copy, fill))
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._work(), name="snapshots")
            return copy

    async def stop(self) -> None:
        """What is not ready stays as it is: whoever looks at it sees that nobody makes it any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._waiting.clear()
        await self._rest()

    async def _rest(self) -> None:
        """Gives the locks back with the connection when nothing waits."""
        if not self._waiting and self._connection is not None:
            connection, self._connection = self._connection, None
            await self._pool.release(connection)

    async def _work(self) -> None:
        while self._waiting:
            copy, fill = self._waiting[0]
            try:
                await self._make(copy, fill)
            except (MadangError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                log.warning("a snapshot could not be finished", id=copy.id, error=str(explain(error)))
            async with self._begin:
                self._waiting.pop(0)
                await self._rest()

    async def _make(self, copy: Copy, fill: Fill) -> None:
        try:
            await self._prepare(copy.schema)
            details = await fill(copy)
        except Exception as error:
            known = isinstance(error, MadangError | asyncpg.PostgresError | asyncpg.InterfaceError | OSError)
            if not known:
                log.error("a snapshot failed", id=copy.id, trace=trace_of(error))
            failed = failure(explain(error) if known else MadangError())
            details = {told: [failed] * len(copy.body[said]) for said, told in QUERIES.items() if said in copy.body}
        done = await self._copies.finish(copy, status_of(details), details)
        await self._copies.release(self._connection, copy)
        if done is None:
            await self._copies.drop(copy)
        else:
            await self._told(done)


def failure(error: MadangError) -> Details:
    """ExecutionResultDetails of clause 5.2.42."""
    return {"resultStatus": "failure", "problemDetails": error.problem()}


def success(count: int) -> Details:
    return {"resultStatus": "success" if count else "empty"}


def status_of(details: Details) -> str:
    """What the results of all queries come to (table 5.2.41-2)."""
    told = {one["resultStatus"] for some in details.values() for one in some}
    if told == {"success"}:
        return "success"
    return next((word for one, word in (("success", "partial"), ("empty", "empty")) if one in told), "failure")


async def copy_entities(
    connection: asyncpg.Connection,
    schema: str,
    ids: Sequence[str],
    kept: frozenset[str] | None,
    omitted: frozenset[str],
) -> None:
    """Entities as they are in the connection's transaction; of their attributes `kept` (None: all) without `omitted`."""
    values: list[Any] = [list(ids)]
    body, where = "body", {name: name for name in ("place", "band", "west")}
    if kept is not None or omitted:
        values += [list(kept) if kept is not None else None, list(omitted)]
        chosen = "($2::text[] IS NULL OR {0} = ANY($2)) AND {0} <> ALL($3::text[])"
        body = _PART.format(chosen=chosen.format("key"))
        where = {name: "CASE WHEN " + chosen.format("'location'") + f" THEN {name} END" for name in where}
    await connection.execute(_ENTITIES.format(schema=schema, body=body, **where), *values)


async def copy_past(
    connection: asyncpg.Connection,
    schema: str,
    moment: datetime,
    found: Sequence[tuple[str, list[str], dict[str, Any]]],
) -> None:
    """`(id, types, instances by attribute)` as what was told of the past."""
    rows = [(moment, identifier, "\x1f".join(types), told) for identifier, types, told in found]
    await connection.executemany(_PAST.format(schema=schema), rows)


async def clone(connection: asyncpg.Connection, source: Copy, target: Copy) -> None:
    """Everything in one snapshot, as it is at one moment."""
    async with connection.transaction(isolation="repeatable_read"):
        for statement in _CLONE:
            await connection.execute(statement.format(of=source.schema, to=target.schema))
