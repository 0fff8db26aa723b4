"""A grant that is bound to an area shows and changes nothing beyond it, in memory and in the database."""

from __future__ import annotations

import httpx
import pytest
from tests.callers import app

from madang.base.errors import Forbidden
from madang.context.query import Query
from madang.model.entity import Entity
from madang.model.operations import Create
from madang.people.ngsi.broker import Broker
from madang.trust.caller import Caller
from madang.trust.policy.subjects import Grant

PARK = (((0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0), (0.0, 0.0)),)
INSIDE, OUTSIDE = 1.0, 5.0
WHOLE = app(
    "org.example.whole", Grant("read", "Tree", None, PARK), Grant("write", "Tree", None, PARK), Grant("read", "Bench")
)
PART = app(
    "org.example.part",
    Grant("read", "Tree", frozenset({"height", "location"}), PARK),
    Grant("read", "Tree", frozenset({"age"})),
)


def entity(kind: str, x: float) -> Entity:
    location = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [x, 1]}}
    numbers = {name: {"type": "Property", "value": 1} for name in ("height", "age", "diary")}
    return Entity(f"urn:t:{kind}:{x:g}", [kind], {"location": location, **numbers})


@pytest.mark.parametrize(
    ("caller", "kind", "x", "names"),
    [
        (WHOLE, "Tree", INSIDE, {"location", "height", "age", "diary"}),
        (WHOLE, "Tree", OUTSIDE, set()),
        (WHOLE, "Bench", OUTSIDE, {"location", "height", "age", "diary"}),
        (PART, "Tree", INSIDE, {"location", "height", "age"}),
        (PART, "Tree", OUTSIDE, {"age"}),
        (PART, "Bench", INSIDE, set()),
    ],
)
def test_what_is_open_depends_on_where_it_lies(caller: Caller, kind: str, x: float, names: set[str]) -> None:
    found = entity(kind, x)
    sight = caller.reads.of(found)
    assert {name for name in found.body if name in sight} == names
    assert caller.reads.sees(found) == bool(names)


def test_two_claims_of_the_same_grants_are_one_caller() -> None:
    again = app(
        "org.example.whole",
        Grant("read", "Tree", None, PARK),
        Grant("write", "Tree", None, PARK),
        Grant("read", "Bench"),
    )
    assert again is WHOLE


@pytest.mark.engine
async def test_the_database_gives_no_more_than_memory_does(broker: Broker, api: httpx.AsyncClient) -> None:
    everything = [entity(kind, x) for kind in ("Tree", "Bench") for x in (INSIDE, OUTSIDE)]
    for one in everything:
        await broker.writer.submit(Create(one))
    page = await broker.store.find(broker.restrict(WHOLE, Query(types=("Tree",))))
    assert [row.entity.id for row in page.rows] == ["urn:t:Tree:1"]
    page = await broker.store.find(broker.restrict(WHOLE, Query(types=("Tree", "Bench"))))
    assert {row.entity.id for row in page.rows} == {"urn:t:Tree:1", "urn:t:Bench:1", "urn:t:Bench:5"}


@pytest.mark.engine
async def test_nothing_is_written_beyond_it(broker: Broker) -> None:
    await broker.write(WHOLE, Create(entity("Tree", INSIDE)), ["Tree"])
    with pytest.raises(Forbidden):
        await broker.write(WHOLE, Create(entity("Tree", OUTSIDE)), ["Tree"])
