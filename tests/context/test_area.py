"""Areas: what the grid's indexes find is what every geometry by itself says, whatever its size and types."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from madang.base.errors import MadangError
from madang.context.area import band_of
from madang.context.query import Query
from madang.context.store import Store
from madang.context.writer import Writer
from madang.model.context import CORE
from madang.model.entity import Entity, parse_entity
from madang.model.geometry import GeoQuery, bounds, parse_geo_query
from madang.model.operations import Create
from madang.model.query import parse_query
from madang.people.explain import indexes

SIZES = (0.0, 0.0, 0.0001, 0.004, 0.006, 0.09, 0.2, 30.0)
TYPES = (["A"], ["B"], ["A", "B"], ["C", "A"])
QUESTIONS = [
    ("near;maxDistance==1000", "Point", [24.94, 60.17]),
    ("near;maxDistance==20000", "Point", [24.94, 60.17]),
    ("near;maxDistance==3000;minDistance==500", "Point", [24.94, 60.17]),
    ("near;maxDistance==500", "LineString", [[24.93, 60.16], [24.96, 60.18]]),
    ("within", "Polygon", [[[24.9, 60.1], [25.0, 60.1], [25.0, 60.2], [24.9, 60.2], [24.9, 60.1]]]),
    ("intersects", "Polygon", [[[24.9, 60.1], [25.0, 60.1], [25.0, 60.2], [24.9, 60.1]]]),
    ("contains", "Point", [24.94, 60.17]),
    ("near;maxDistance==100000", "Point", [-179.99, 0.01]),
]


def thing(number: int, chance: random.Random) -> dict[str, Any]:
    """A point, a line or a square of some size, mostly around one place."""
    size = chance.choice(SIZES)
    center = chance.choice([(24.94, 60.17)] * 9 + [(-179.99, 0.0)])
    x, y = (round(one + chance.choice((0.02, 0.2, 5)) * (chance.random() - 0.5), 6) for one in center)
    x, y = max(-180.0, min(x, 180.0 - size)), min(y, 90.0 - size)
    ring = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
    shapes = {
        "Point": [x, y],
        "LineString": [[x, y], [x + size, y + size]],
        "Polygon": [ring],
    }
    kind = "Point" if not size else chance.choice(("LineString", "Polygon"))
    place = {"type": kind, "coordinates": shapes[kind]}
    return {"id": f"urn:x:{number:04}", "type": chance.choice(TYPES), "n": number % 7, "location": place}


@pytest.fixture
async def things(writer: Writer) -> list[Entity]:
    chance = random.Random(7)
    entities = [parse_entity(thing(number, chance), CORE) for number in range(600)]
    outcomes = await writer.submit_many([Create(entity) for entity in entities])
    assert [one for one in outcomes if isinstance(one, MadangError)] == []
    return entities


def spot(thing: Entity) -> tuple[str, int, float, str]:
    place = bounds(thing.body["location"]["value"])
    assert place is not None
    return thing.types[0], band_of(place), place[0], thing.id


def hits(things: list[Entity], geo: GeoQuery, types: tuple[str, ...]) -> list[str]:
    """In order of place."""
    return [
        thing.id
        for thing in sorted(things, key=spot)
        if geo.matches(thing.body["location"]["value"]) and (not types or set(types) & set(thing.types))
    ]


@pytest.mark.parametrize("types", [(), ("A",), ("B",), ("A", "B"), ("C",)], ids=str)
@pytest.mark.parametrize(("relation", "kind", "coordinates"), QUESTIONS)
async def test_pages_and_counts_are_what_the_geometries_say(
    store: Store, things: list[Entity], types: tuple[str, ...], relation: str, kind: str, coordinates: Any
) -> None:
    names = tuple(CORE.expand(name) for name in types)
    geo = parse_geo_query(relation, kind, coordinates)
    told = hits(things, geo, names)
    query = Query(types=names, geo=geo, limit=1_000)
    whole, counted = await store.find(query), await store.find(replace(query, count=True, limit=3))
    second = await store.find(replace(query, limit=3, offset=3))
    assert [row.entity.id for row in whole.rows] == told
    assert (whole.more, counted.total, counted.more) == (False, len(told), len(told) > 3)
    assert ([row.entity.id for row in second.rows], second.more) == (told[3:6], len(told) > 6)


@pytest.mark.parametrize("types", [(), ("A",), ("A", "C")], ids=str)
async def test_what_else_is_asked_holds_and_pages_go_on_where_the_last_ended(
    store: Store, things: list[Entity], types: tuple[str, ...]
) -> None:
    geo = parse_geo_query("near;maxDistance==20000", "Point", [24.94, 60.17])
    query = Query(types=tuple(map(CORE.expand, types)), geo=geo, q=parse_query("n>4"), limit=7)
    numbers = {thing.id: thing.body["n"]["value"] for thing in things}
    told = [one for one in hits(things, geo, query.types) if numbers[one] > 4]
    page = await store.find(query)
    seen = [row.entity.id for row in page.rows]
    while page.more:
        page = await store.find(replace(query, after=page.last))
        seen += [row.entity.id for row in page.rows]
    assert seen == told


async def test_an_area_goes_on_from_a_spot_only(store: Store, things: list[Entity]) -> None:
    geo = parse_geo_query("near;maxDistance==20000", "Point", [24.94, 60.17])
    with pytest.raises(TypeError):
        await store.find(Query(geo=geo, after="urn:x:1"))


async def test_an_area_of_a_type_is_read_from_the_index(store: Store, things: list[Entity]) -> None:
    geo = parse_geo_query("near;maxDistance==1000", "Point", [24.94, 60.17])
    told = await store.explain(Query(types=(CORE.expand("A"),), geo=geo))
    assert "entity_area" in indexes(told.plan)  # of the few with several types a small table may be read whole
