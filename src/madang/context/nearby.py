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
from madang.context.area import ORDER, beyond, parts
from madang.context.query import Cursor, Page, Query, where
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
        wanted, hits, after, full = query.offset + query.limit + 1, list[tuple[Row, Cursor]](), query.after, True
        while full and len(hits) < wanted:
            size = _portion(wanted - len(hits))
            found = await self._next(replace(query, after=after), size)
            hits += [hit for hit in found if _is_hit(query.geo, hit[0].entity.body.get(query.geo.attribute))]
            full, after = len(found) == size, found[-1][1] if found else None
        page = hits[query.offset : wanted - 1]
        return Page([row for row, _ in page], None, len(hits) >= wanted, page[-1][1] if page else None)

    async def _next(self, query: Query, size: int) -> list[tuple[Row, Cursor]]:
        """The next that come into question, each with where it stands."""
        box = grid_box(query)
        if box is None:
            return [(row := row_of(record), row.entity.id) for record in await fetch(self._pool, *_plain(query, size))]
        records = await fetch(self._planned, *_in_box(box, query, size))
        return [(row_of(one), (one["type"], one["band"], one["west"], one["id"])) for one in records]

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
    return _in_box(box, query, size) if box is not None else _plain(query, size)


def _portion(wanted: int) -> int:
    return min(math.ceil(wanted * SPARE), QUERY_MAX_PAGE)


def _in_box(box: Box, query: Query, size: int) -> Statement:
    """The next in the order of the index: no more of it is read than the page needs."""
    parameters = Parameters()
    terms, limit = [where(replace(query, after=None), parameters)], parameters.add(size)
    if isinstance(query.after, str):
        raise TypeError("an area goes on from a spot, not from an id")
    if query.after is not None:
        terms.append(beyond(query.after, parameters))
    selects = (
        f"(SELECT {COLUMNS}, type, band, west FROM entity WHERE {' AND '.join([part, *terms])} ORDER BY {ORDER} LIMIT {limit})"  # noqa: S608
        for part in parts(box, query.types, parameters)
    )
    return f"SELECT * FROM ({' UNION ALL '.join(selects)}) AS near ORDER BY {ORDER} LIMIT {limit}", parameters.values  # noqa: S608


def _all(query: Query) -> Statement:
    """Ids and geometries of all that come into question, in order."""
    parameters = Parameters()
    distance = query.order.distance if query.order is not None else None
    place = parameters.add(query.geo.attribute if query.geo is not None else None)
    far = parameters.add(distance.attribute if distance is not None else None)
    box, source, order = grid_box(query), "entity", order_by(query.order, parameters)
    if box is not None:
        found = (f"SELECT id AS near_id FROM entity WHERE {part}" for part in parts(box, query.types, parameters))  # noqa: S608
        near = " UNION ALL ".join(found)
        source = f"({near}) AS near JOIN entity ON id = near_id"
        order = ORDER if query.order is None else order
    sql = (
        f"SELECT id, body->{place}::text AS place, body->{far}::text AS far FROM {source} WHERE {where(query, parameters)}"  # noqa: S608
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
