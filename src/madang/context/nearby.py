"""Entities by where they are: indexes give candidates, the exact geometry decides."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import asyncpg
from shapely.geometry import shape

from madang.base.errors import TooManyResults
from madang.base.limits import GEO_MAX_CANDIDATES, QUERY_MAX_PAGE
from madang.context.area import candidates
from madang.context.query import Page, Query, where
from madang.context.row import COLUMNS, Row, row_of
from madang.context.sql import Parameters, order_by
from madang.engine.database import fetch
from madang.model.entity import Entity
from madang.model.geometry import Box, GeoQuery, distance_m
from madang.model.ordering import Distance
from madang.model.render import geometry_of

ById = Callable[[Sequence[str]], Awaitable[list[Row]]]
Statement = tuple[str, list[object]]
# What the box and the circle of an area let pass is mostly a hit.
SPARE = 1.1


def is_near(query: Query) -> bool:
    """Whether a query has an area or an order by distance."""
    return query.geo is not None or (query.order is not None and query.order.distance is not None)


def grid_box(query: Query) -> Box | None:
    """The box in which the index by place can say which entities come into question."""
    return query.geo.box() if query.geo is not None and query.geo.attribute == "location" and not query.ids else None


class Nearby:
    """Reads pages of such queries. `planned` is a pool whose statements are planned once for all values."""

    def __init__(self, pool: asyncpg.Pool, planned: asyncpg.Pool, by_id: ById) -> None:
        self._pool, self._planned, self._by_id = pool, planned, by_id

    async def find(self, query: Query) -> Page:
        """Raises TooManyResults when all that come into question must be judged, and they are too many."""
        if query.count or query.order is not None or query.geo is None:
            return await self._judge_all(query)
        wanted, hits, after, full = query.offset + query.limit + 1, list[Row](), query.after, True
        while full and len(hits) < wanted:
            size = _portion(wanted - len(hits))
            rows = await self._rows(replace(query, after=after), size)
            hits += [row for row in rows if _is_hit(query.geo, row.entity.body.get(query.geo.attribute))]
            full, after = len(rows) == size, rows[-1].entity.id if rows else None
        return Page(hits[query.offset : wanted - 1], None, len(hits) >= wanted)

    async def _rows(self, query: Query, size: int) -> list[Row]:
        """The next that come into question, by id. An area with very many is not sorted: all are gone through by id."""
        box = grid_box(query)
        if box is not None:
            records = await fetch(self._planned, *_page_in(box, query, size))
            if records[0]["candidates"] <= GEO_MAX_CANDIDATES:
                return [row_of(record) for record in records if record["id"] is not None]
        return [row_of(record) for record in await fetch(self._pool, *_plain(query, size))]

    async def _judge_all(self, query: Query) -> Page:
        """Only a page of them is read."""
        hits = await self.ids(query)
        chosen = hits[query.offset : query.offset + query.limit]
        rows = {row.entity.id: row for row in await self._by_id(chosen)} if chosen else {}
        total = len(hits) if query.count else None
        return Page([rows[one] for one in chosen if one in rows], total, len(hits) > query.offset + query.limit)

    async def ids(self, query: Query) -> list[str]:
        """All that it finds, in order, whatever its page: no more than the geometries are read. Raises TooManyResults."""
        distance = query.order.distance if query.order is not None else None
        records = await fetch(self._pool if grid_box(query) is None else self._planned, *_all(query))
        if len(records) > GEO_MAX_CANDIDATES:
            raise TooManyResults("too many candidates: make the area smaller or name a type")
        found = [record for record in records if query.geo is None or _is_hit(query.geo, record["place"])]
        if distance is not None:
            found.sort(key=lambda record: _metres(distance, record["far"]))
        return [record["id"] for record in found]


def statement(query: Query) -> Statement:
    """What `find` runs first."""
    if query.count or query.order is not None or query.geo is None:
        return _all(query)
    size = _portion(query.offset + query.limit + 1)
    box = grid_box(query)
    return _page_in(box, query, size) if box is not None else _plain(query, size)


def _portion(wanted: int) -> int:
    return min(math.ceil(wanted * SPARE), QUERY_MAX_PAGE)


def _page_in(box: Box, query: Query, size: int) -> Statement:
    """`candidates` of the first row says how many there are, up to one too many; a row without an id is no entity."""
    parameters = Parameters()
    near = candidates(box, query.types, query.after, parameters)
    condition, limit, most = where(query, parameters), parameters.add(size), parameters.add(GEO_MAX_CANDIDATES + 1)
    sql = (
        f"WITH near AS MATERIALIZED ({near} LIMIT {most}) SELECT * FROM (SELECT count(*) AS candidates FROM near) AS them"  # noqa: S608
        f" LEFT JOIN LATERAL (SELECT {COLUMNS} FROM (SELECT near_id FROM near ORDER BY near_id) AS sorted JOIN entity ON id = near_id"
        f" WHERE {condition} ORDER BY near_id LIMIT {limit}) AS found ON true"
    )
    return sql, parameters.values


def _all(query: Query) -> Statement:
    """Ids and geometries of all that come into question, in order."""
    parameters = Parameters()
    distance = query.order.distance if query.order is not None else None
    place = parameters.add(query.geo.attribute if query.geo is not None else None)
    far = parameters.add(distance.attribute if distance is not None else None)
    box = grid_box(query)
    near = (
        f"({candidates(box, query.types, query.after, parameters)}) AS near JOIN entity ON id = near_id"
        if box
        else "entity"
    )
    condition, order = where(query, parameters), order_by(query.order, parameters)
    sql = (
        f"SELECT id, body->{place}::text AS place, body->{far}::text AS far FROM {near} WHERE {condition}"  # noqa: S608
        f" ORDER BY {order} LIMIT {parameters.add(GEO_MAX_CANDIDATES + 1)}"
    )
    return sql, parameters.values


def _plain(query: Query, size: int) -> Statement:
    """The next page by id, whichever index PostgreSQL thinks best."""
    parameters = Parameters()
    sql = f"SELECT {COLUMNS} FROM entity WHERE {where(query, parameters)} ORDER BY id LIMIT {parameters.add(size)}"  # noqa: S608
    return sql, parameters.values


def _is_hit(geo: GeoQuery, attribute: Any) -> bool:
    return attribute is not None and geo.matches(geometry_of(Entity("", [], {geo.attribute: attribute}), geo.attribute))


def _metres(distance: Distance, place: Any) -> float:
    """What has no place comes last, whichever the direction."""
    value = geometry_of(Entity("", [], {distance.attribute: place}), distance.attribute) if place is not None else None
    if value is None:
        return math.inf
    metres = distance_m(distance.reference, shape(value))
    return -metres if distance.farthest_first else metres
