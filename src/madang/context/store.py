"""Reads of what is true now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from madang.base.errors import NotFound, TooManyResults
from madang.base.limits import SNAPSHOT_MAX_MEMBERS
from madang.context.nearby import Nearby, is_near
from madang.context.nearby import statement as near_statement
from madang.context.query import Page, Query, where
from madang.context.row import COLUMNS, Row, row_of
from madang.context.snapshot import Snapshot, type_key
from madang.context.sql import Parameters, order_by, types_condition
from madang.engine.database import fetch

COUNT_MAX_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Explanation:
    """`source` memory or database; `plan` is PostgreSQL's plan of the statement that the database would run."""

    source: str
    sql: str
    plan: dict[str, Any]


class Store:
    """Reads from PostgreSQL through a pool, or from the snapshot what is known to be true still; of areas through `planned`,
    a pool whose statements are planned once for all values, if there is one."""

    def __init__(
        self, pool: asyncpg.Pool, snapshot: Snapshot | None = None, planned: asyncpg.Pool | None = None
    ) -> None:
        self._pool = pool
        self._snapshot = snapshot
        self._nearby = Nearby(pool, planned or pool, self.list_by_id)

    async def get(self, entity_id: str) -> Row:
        """Raises NotFound."""
        held = self._snapshot.row(entity_id) if self._snapshot is not None else None
        if held is not None:
            return held
        found = await self.list_by_id([entity_id])
        if not found:
            raise NotFound(f"no entity {entity_id}")
        return found[0]

    async def list_by_id(self, ids: Sequence[str]) -> list[Row]:
        """Those of `ids` that exist, by id."""
        if self._snapshot is None:
            return await self._read(ids)
        held = {entity_id: self._snapshot.row(entity_id) for entity_id in ids}
        missing = {entity_id: self._snapshot.versions.of(entity_id) for entity_id, row in held.items() if row is None}
        if missing:
            for row in await self._read(list(missing)):
                held[row.entity.id] = row
                self._snapshot.keep(missing[row.entity.id], row)
        return [row for _, row in sorted(held.items()) if row is not None]

    async def _read(self, ids: Sequence[str]) -> list[Row]:
        sql = f"SELECT {COLUMNS} FROM entity WHERE id = ANY($1) ORDER BY id"  # noqa: S608 - constant text
        return [row_of(record) for record in await self._fetch(sql, [list(ids)])]

    async def find(self, query: Query) -> Page:
        """One page. Raises TooManyResults when a geo-query or an order by distance has too many candidates."""
        if is_near(query):
            return await self._nearby.find(query)
        members = await self._members(query)
        if members is not None and query.sight is not None:
            return await self._let_through(members, query)
        if members is not None:
            chosen = members[query.offset : query.offset + query.limit]
            total = len(members) if query.count else None
            rows = await self.list_by_id(chosen)
            return Page(rows, total, len(members) > query.offset + query.limit, chosen[-1] if chosen else None)
        records = await self._fetch(*_statement(query)) if query.limit else []
        total = None
        if query.count:
            parameters = Parameters()
            sql = f"SELECT count(*) AS n FROM entity WHERE {where(query, parameters)}"  # noqa: S608
            total = (await self._fetch(sql, parameters.values))[0]["n"]
        rows = [row_of(record) for record in records[: query.limit]]
        return Page(rows, total, len(records) > query.limit, rows[-1].entity.id if rows else None)

    async def _let_through(self, members: list[str], query: Query) -> Page:
        """The page of those members that may be found by who asks: no more of them are looked at than it needs."""
        end, sight, rows = query.offset + query.limit, query.sight, list[Row]()
        held = self._snapshot.row if self._snapshot is not None else _none_held
        read, known = dict[str, Row](), 0
        for at, entity_id in enumerate(members):
            row = held(entity_id)
            if row is None and at >= known:
                known = at + query.limit + 1
                read = {one.entity.id: one for one in await self.list_by_id(members[at:known])}
            row = row or read.get(entity_id)
            if row is not None and row.passes(sight):
                rows.append(row)
                if len(rows) > end and not query.count:
                    break
        chosen = rows[query.offset : end]
        total = len(rows) if query.count else None
        return Page(chosen, total, len(rows) > end, chosen[-1].entity.id if chosen else None)

    async def _members(self, query: Query) -> list[str] | None:
        """All ids that a query for one type finds, whoever asks, when they are few and hold still."""
        snapshot, name = self._snapshot, _plain_type(query)
        if snapshot is None or name is None:
            return None
        held = snapshot.members(name)
        if held is not None or not snapshot.is_still(name):
            return held
        version, parameters = snapshot.versions.of(type_key(name)), Parameters()
        sql = f"SELECT id, body ? 'expiresAt' AS transient FROM entity WHERE {types_condition(query.types, parameters)}"  # noqa: S608
        limit = parameters.add(SNAPSHOT_MAX_MEMBERS + 1)
        records = await self._fetch(f"{sql} ORDER BY id LIMIT {limit}", parameters.values)
        if len(records) > SNAPSHOT_MAX_MEMBERS or any(record["transient"] for record in records):
            return None
        ids = [record["id"] for record in records]
        snapshot.keep_members(version, name, ids)
        return ids

    async def ids(self, query: Query, most: int) -> list[str]:
        """Every id that a query finds, in its order, whatever its page. Raises TooManyResults beyond `most`."""
        if is_near(query):
            found = await self._nearby.ids(query)
        else:
            parameters = Parameters()
            condition, order = where(query, parameters), order_by(query.order, parameters)
            sql = f"SELECT id FROM entity WHERE {condition} ORDER BY {order} LIMIT {parameters.add(most + 1)}"  # noqa: S608
            found = [record["id"] for record in await self._fetch(sql, parameters.values)]
        if len(found) > most:
            raise TooManyResults(f"more than {most} entities: ask for fewer at a time")
        return found

    async def explain(self, query: Query) -> Explanation:
        """How `find` would answer now; nothing is read. Raises as `find`."""
        sql, values = near_statement(query) if is_near(query) else _statement(query)
        name = _plain_type(query)
        held = self._snapshot is not None and name is not None and self._snapshot.members(name) is not None
        plan = (await self._fetch(f"EXPLAIN (FORMAT JSON) {sql}", values))[0][0]
        return Explanation("memory" if held else "database", sql, plan[0]["Plan"])

    async def count(self) -> int:
        """Entities in all. Very many are not counted one by one: the server keeps account of them, to within a few."""
        sql = "SELECT pg_stat_get_live_tuples('entity'::regclass) AS n"
        kept = int((await self._fetch(sql, []))[0]["n"])
        return (
            kept if kept > COUNT_MAX_ROWS else int((await self._fetch("SELECT count(*) AS n FROM entity", []))[0]["n"])
        )

    async def _fetch(self, sql: str, values: list[Any]) -> list[asyncpg.Record]:
        return await fetch(self._pool, sql, values)


def _none_held(entity_id: str) -> None:
    """A snapshot that holds nothing."""


def _plain_type(query: Query) -> str | None:
    """The type, when a query asks for nothing but one, whoever asks."""
    plain = Query(types=query.types, limit=query.limit, offset=query.offset, count=query.count, sight=query.sight)
    return query.types[0] if len(query.types) == 1 and query == plain else None


def _statement(query: Query) -> tuple[str, list[object]]:
    """A page by id or as ordered."""
    parameters = Parameters()
    condition, order = where(query, parameters), order_by(query.order, parameters)
    limit, offset = parameters.add(query.limit + 1), parameters.add(query.offset)
    sql = f"SELECT {COLUMNS} FROM entity WHERE {condition} ORDER BY {order} LIMIT {limit} OFFSET {offset}"  # noqa: S608
    return sql, parameters.values
