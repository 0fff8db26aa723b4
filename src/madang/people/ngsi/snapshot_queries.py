"""What the queries of a snapshot find, put into it (clause 5.16.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import msgspec

from madang.base.clock import from_iso
from madang.base.errors import BadRequest, MadangError, TooManyResults
from madang.base.limits import HISTORY_MAX_CANDIDATES, QUERY_MAX_PAGE, SNAPSHOT_MAX_ENTITIES, SNAPSHOT_MAX_QUERIES
from madang.context.area import band_of
from madang.context.copies import QUERIES, Copies, Copy
from madang.context.copying import Details, copy_entities, copy_past, failure, success
from madang.context.entity_maps import LOCAL, EntityMap
from madang.context.row import Row
from madang.context.store import Store
from madang.engine.database import explain
from madang.model.context import Context
from madang.model.geometry import bounds
from madang.model.render import geometry_of
from madang.people.http import Request
from madang.people.ngsi.entity_maps import MapResources
from madang.people.ngsi.mapped_queries import EntityQuestion
from madang.people.ngsi.temporal_reads import AskedPast, TemporalReads

_MEMBERS = frozenset({"id", "type", "scope", "createdAt", "modifiedAt"})
_ASSEMBLED = """
INSERT INTO "{schema}".entity AS here (id, type, types, body, place, band, west, seq, created_at, modified_at)
VALUES ($1, $2, $3, $4, CASE WHEN $5::float8 IS NULL THEN NULL ELSE box(point($5, $6), point($7, $8)) END, $9, $5, 0, $10, $11)
ON CONFLICT (id) DO UPDATE SET body = here.body || excluded.body, place = coalesce(here.place, excluded.place),
  band = coalesce(here.band, excluded.band), west = coalesce(here.west, excluded.west)
"""


@dataclass(frozen=True)
class Plan:
    """The queries of a new snapshot, understood."""

    now: list[EntityQuestion]
    past: list[AskedPast]


class Filling:
    """Runs plans. What is here is copied as it is at one moment; what other brokers hold, as they answer then."""

    def __init__(self, pool: asyncpg.Pool, copies: Copies, mapped: MapResources, past: TemporalReads) -> None:
        self._pool, self._copies, self._mapped, self._past = pool, copies, mapped, past

    def plan(self, request: Request, data: dict[str, Any], context: Context) -> Plan:
        """Raises BadRequest for what is no query, or none of its kind."""
        found: dict[str, list[Any]] = {}
        for member in QUERIES:
            queries = data.get(member, [])
            if not isinstance(queries, list) or (member in data and not queries) or len(queries) > SNAPSHOT_MAX_QUERIES:
                raise BadRequest(f"{member} is a list of 1 to {SNAPSHOT_MAX_QUERIES} queries")
            temporal = member == "snapshotTemporalQueries"
            if not all(isinstance(one, dict) and ("temporalQ" in one) == temporal for one in queries):
                raise BadRequest(f"{member}: queries {'with' if temporal else 'without'} temporalQ")
            found[member] = queries
        if not any(found.values()):
            raise BadRequest("a snapshot has snapshotQueries or snapshotTemporalQueries")
        silent = request.silent()
        return Plan(
            [self._mapped.question_of(silent, one, context) for one in found["snapshotQueries"]],
            [self._past.asked_of(silent, one, context) for one in found["snapshotTemporalQueries"]],
        )

    async def fill(self, copy: Copy, plan: Plan) -> Details:
        """How each query went. Raises MadangError for what concerns them all."""
        out: Details = {}
        try:
            if plan.now:
                async with (
                    self._pool.acquire() as connection,
                    connection.transaction(isolation="repeatable_read"),
                ):
                    out[QUERIES["snapshotQueries"]] = [await self._entities(connection, copy, one) for one in plan.now]
            if plan.past:
                out[QUERIES["snapshotTemporalQueries"]] = [await self._evolutions(copy, one) for one in plan.past]
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise explain(error) from error
        return out

    async def _entities(self, connection: asyncpg.Connection, copy: Copy, question: EntityQuestion) -> dict[str, Any]:
        form = question.asked.form
        picked = form.pick.names if form.pick is not None and not set(form.pick.names) <= _MEMBERS else None
        kept = form.attrs if form.attrs is not None else None if picked is None else frozenset(picked)
        gone = [one for one in form.omit.names if form.omit.below(one) is None] if form.omit is not None else []
        try:
            if not question.shared:
                # What fails leaves the transaction as it was, for the other queries.
                async with connection.transaction():
                    ids = await Store(connection).ids(question.asked.query, SNAPSHOT_MAX_ENTITIES)
                    await copy_entities(connection, copy.schema, ids, kept, frozenset(gone))
                return success(len(ids))
            async with connection.transaction():
                return await self._shared(connection, copy, question, kept, frozenset(gone))
        except MadangError as error:
            return failure(error)

    async def _shared(
        self,
        connection: asyncpg.Connection,
        copy: Copy,
        question: EntityQuestion,
        kept: frozenset[str] | None,
        gone: frozenset[str],
    ) -> dict[str, Any]:
        """Entities that other brokers have a part in are put together first (clause 5.7.2.4)."""
        found = await question.candidates()
        made = EntityMap(False, question.text, self._copies.clock.now(), found.linked)
        here = [one for one in found.entries if one.sources == (LOCAL,)]
        apart = [one for one in found.entries if one.sources != (LOCAL,)]
        count = 0
        for some, copied in ((here, True), (apart, False)):
            for begin in range(0, len(some), QUERY_MAX_PAGE):
                rows = await question.fitting(made, some[begin : begin + QUERY_MAX_PAGE])
                count += len(rows)
                if copied:
                    await copy_entities(connection, copy.schema, list(rows), kept, gone)
                else:
                    await connection.executemany(
                        _ASSEMBLED.format(schema=copy.schema), [_values(row, kept, gone) for row in rows.values()]
                    )
        warnings = [*found.warnings, *question.warnings]
        if warnings and not count:
            raise MadangError("; ".join(f"{one.id}: {why}" for one, why in warnings))
        return success(count)

    async def _evolutions(self, copy: Copy, asked: AskedPast) -> dict[str, Any]:
        try:
            wanted = replace(asked.search, limit=HISTORY_MAX_CANDIDATES, offset=0, count=True)
            found = await self._past.find(wanted)
            if len(found) > SNAPSHOT_MAX_ENTITIES:
                raise TooManyResults(f"more than {SNAPSHOT_MAX_ENTITIES} entities")
        except MadangError as error:
            return failure(error)
        rows = [
            (one.id, one.known.types, {name: [event[3] for event in events] for name, events in one.evolution.items()})
            for one in found
        ]
        async with self._pool.acquire() as connection:
            await copy_past(connection, copy.schema, self._copies.clock.now(), rows)
        return success(len(rows))


def _values(row: Row, kept: frozenset[str] | None, gone: frozenset[str]) -> tuple[Any, ...]:
    entity = row.entity
    body = {name: one for name, one in entity.body.items() if (kept is None or name in kept) and name not in gone}
    box = bounds(geometry_of(entity)) if "location" in body else None
    band = band_of(box) if box is not None else None
    made, changed = from_iso(row.stamps.created), from_iso(row.stamps.modified)
    return (
        entity.id,
        entity.types[0],
        entity.types,
        msgspec.json.encode(body),
        *(box or [None] * 4),
        band,
        made,
        changed,
    )
