"""Reads of what is true now."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from shapely.geometry import shape

from madang.base.errors import NotFound, TooManyResults
from madang.base.limits import GEO_MAX_CANDIDATES, QUERY_DEFAULT_PAGE, SNAPSHOT_MAX_MEMBERS
from madang.context.row import COLUMNS, Row, row_of
from madang.context.snapshot import Snapshot, type_key
from madang.context.sql import Parameters, area_condition, condition, order_by, scopes_condition, types_condition
from madang.engine.database import fetch
from madang.model.entity import Entity
from madang.model.geometry import GeoQuery, distance_m
from madang.model.ordering import Distance, Ordering
from madang.model.query import Node
from madang.model.render import geometry_of
from madang.model.selection import Selection


@dataclass(frozen=True)
class Query:
    """What to find. Names are internal. `types` and `attrs` mean any of them; empty means all.

    `selection` says more than a list of types can; one of `any_of`, if there are any, must be met too; `order` is by id
    when None.
    """

    any_of: tuple[Query, ...] = ()
    ids: tuple[str, ...] = ()
    id_pattern: str | None = None
    types: tuple[str, ...] = ()
    selection: Selection | None = None
    scopes: Selection | None = None
    attrs: tuple[str, ...] = ()
    q: Node | None = None
    geo: GeoQuery | None = None
    order: Ordering | None = None
    limit: int = QUERY_DEFAULT_PAGE
    offset: int = 0
    count: bool = False
    after: str | None = None


@dataclass(slots=True)
class Page:
    rows: list[Row]
    total: int | None = None
    more: bool = field(default=False)


@dataclass(frozen=True, slots=True)
class Explanation:
    """`source` memory or database; `plan` is PostgreSQL's plan of the statement that the database would run."""

    source: str
    sql: str
    plan: dict[str, Any]


class Store:
    """Reads from PostgreSQL through a pool, or from the snapshot what is known to be true still."""

    def __init__(self, pool: asyncpg.Pool, snapshot: Snapshot | None = None) -> None:
        self._pool = pool
        self._snapshot = snapshot

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
        if _is_near(query):
            return await self._find_near(query)
        members = await self._members(query)
        if members is not None:
            chosen = members[query.offset : query.offset + query.limit]
            total = len(members) if query.count else None
            return Page(await self.list_by_id(chosen), total, len(members) > query.offset + query.limit)
        records = await self._fetch(*_statement(query)) if query.limit else []
        total = None
        if query.count:
            parameters = Parameters()
            sql = f"SELECT count(*) AS n FROM entity WHERE {_where(query, parameters)}"  # noqa: S608
            total = (await self._fetch(sql, parameters.values))[0]["n"]
        rows = [row_of(record) for record in records[: query.limit]]
        return Page(rows, total, len(records) > query.limit)

    async def _members(self, query: Query) -> list[str] | None:
        """All ids that a query for one type finds, when they are few and hold still."""
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
        if _is_near(query):
            found = await self._near(query)
        else:
            parameters = Parameters()
            where, order = _where(query, parameters), order_by(query.order, parameters)
            sql = f"SELECT id FROM entity WHERE {where} ORDER BY {order} LIMIT {parameters.add(most + 1)}"  # noqa: S608
            found = [record["id"] for record in await self._fetch(sql, parameters.values)]
        if len(found) > most:
            raise TooManyResults(f"more than {most} entities: ask for fewer at a time")
        return found

    async def _find_near(self, query: Query) -> Page:
        """Only the page's bodies are read."""
        hits = await self._near(query)
        chosen = hits[query.offset : query.offset + query.limit]
        rows = sorted(await self.list_by_id(chosen), key=lambda row: chosen.index(row.entity.id)) if chosen else []
        total = len(hits) if query.count else None
        return Page(rows, total, len(hits) > query.offset + query.limit)

    async def _near(self, query: Query) -> list[str]:
        """The box index gives candidates, the exact geometry decides."""
        distance = query.order.distance if query.order is not None else None
        records = await self._fetch(*_statement(query))
        if len(records) > GEO_MAX_CANDIDATES:
            raise TooManyResults("too many candidates: make the area smaller or name a type")
        found = [record for record in records if query.geo is None or _is_hit(query.geo, record["place"])]
        if distance is not None:
            found.sort(key=lambda record: _metres(distance, record["far"]))
        return [record["id"] for record in found]

    async def explain(self, query: Query) -> Explanation:
        """How `find` would answer now; nothing is read. Raises as `find`."""
        sql, values = _statement(query)
        name = _plain_type(query)
        held = self._snapshot is not None and name is not None and self._snapshot.members(name) is not None
        plan = (await self._fetch(f"EXPLAIN (FORMAT JSON) {sql}", values))[0][0]
        return Explanation("memory" if held else "database", sql, plan[0]["Plan"])

    async def count(self) -> int:
        """Entities in all."""
        return int((await self._fetch("SELECT count(*) AS n FROM entity", []))[0]["n"])

    async def _fetch(self, sql: str, values: list[Any]) -> list[asyncpg.Record]:
        return await fetch(self._pool, sql, values)


def _plain_type(query: Query) -> str | None:
    """The type, when a query asks for nothing but one."""
    plain = Query(types=query.types, limit=query.limit, offset=query.offset, count=query.count)
    return query.types[0] if len(query.types) == 1 and query == plain else None


def _is_near(query: Query) -> bool:
    return query.geo is not None or (query.order is not None and query.order.distance is not None)


def _statement(query: Query) -> tuple[str, list[object]]:
    """A page by id or as ordered; of an area or an order by distance all candidates, to be judged by exact geometry."""
    parameters = Parameters()
    where, order = _where(query, parameters), order_by(query.order, parameters)
    if not _is_near(query):
        limit, offset = parameters.add(query.limit + 1), parameters.add(query.offset)
        what, bound = COLUMNS, f"LIMIT {limit} OFFSET {offset}"
    else:
        distance = query.order.distance if query.order is not None else None
        place = parameters.add(query.geo.attribute if query.geo is not None else None)
        far = parameters.add(distance.attribute if distance is not None else None)
        what = f"id, body->{place}::text AS place, body->{far}::text AS far"
        bound = f"LIMIT {parameters.add(GEO_MAX_CANDIDATES + 1)}"
    return f"SELECT {what} FROM entity WHERE {where} ORDER BY {order} {bound}", parameters.values  # noqa: S608


def _is_hit(geo: GeoQuery, place: Any) -> bool:
    return place is not None and geo.matches(geometry_of(Entity("", [], {geo.attribute: place}), geo.attribute))


def _metres(distance: Distance, place: Any) -> float:
    """What has no place comes last, whichever the direction."""
    value = geometry_of(Entity("", [], {distance.attribute: place}), distance.attribute) if place is not None else None
    if value is None:
        return math.inf
    metres = distance_m(distance.reference, shape(value))
    return -metres if distance.farthest_first else metres


def _where(query: Query, parameters: Parameters) -> str:
    terms = []
    if query.any_of:
        terms.append("(" + " OR ".join(_where(one, parameters) for one in query.any_of) + ")")
    if query.ids:
        terms.append(f"id = ANY({parameters.add(list(query.ids))})")
    if query.id_pattern:
        terms.append(f"id ~ {parameters.add(query.id_pattern)}")
    if query.types:
        terms.append(types_condition(query.types, parameters))
    if query.selection is not None:
        choices = (parameters.add(list(choice)) for choice in query.selection.choices)
        terms.append("(" + " OR ".join(f"types @> {choice}::text[]" for choice in choices) + ")")
    if query.scopes is not None:
        terms.append(scopes_condition(query.scopes, parameters))
    if query.attrs:
        terms.append(f"body ?| {parameters.add(list(query.attrs))}::text[]")
    if query.q is not None:
        terms.append(condition(query.q, parameters))
    if query.after is not None:
        terms.append(f"id > {parameters.add(query.after)}")
    if query.geo is not None:
        terms.append(area_condition(query.geo, parameters))
    return " AND ".join(terms) or "true"
