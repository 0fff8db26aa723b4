"""Rules by attribute, area and owner hold on every way to an entity: one city's own policies, asked through the doors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import asyncpg
import httpx
import pytest
from tests.callers import caller
from tests.conftest import Nothing, keeping_of
from tests.peer import Peer
from tests.people.test_live import Client
from tests.subscribing import register
from tests.waiting import until

from madang.base.clock import SystemClock
from madang.context.entity_maps import EntityMaps
from madang.context.observed import Observed
from madang.context.subscriptions import Subscriptions
from madang.federation.federation import Federation
from madang.history.past import open_past
from madang.people.gateway import Gateway
from madang.people.live import Live
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.routes import NgsiLd
from madang.people.sensorthings.routes import SensorThings
from madang.trust.caller import Caller
from madang.trust.policy.gate import Gate
from madang.trust.policy.source import AREAS, DEPARTMENTS, HOUSE

POLICIES = """
@id("gardener-read")
permit (principal in Role::"gardener", action in Action::"read", resource is Entity)
when { resource in Area::"park" && resource in [Type::"Tree", Type::"WellObserved"] };

@id("gardener-no-diary")
forbid (principal in Role::"gardener", action in Action::"read", resource is Entity) when { resource in Attribute::"diary" };

@id("gardener-things")
permit (principal in Role::"gardener", action == Action::"read", resource == Service::"sensorthings");
"""
PARK = [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]


def at(x: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [x, 1]}


def seen_at(value: int) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": "2026-11-22T08:00:00Z"}


def tree(number: int, place: Any) -> dict[str, Any]:
    return {"id": f"urn:t:{number}", "type": "Tree", "height": 5, "diary": "x", "location": place}


ENTITIES = [
    {"id": "urn:t:1", "type": "Tree", "height": 1, "diary": "a", "location": at(1)},
    {"id": "urn:t:2", "type": "Tree", "height": 2, "diary": "b", "location": at(3)},
    {"id": "urn:t:3", "type": "Tree", "height": 3, "location": at(1.5), "stands": {"type": "Relationship", "object": "urn:t:2"}},
    {"id": "urn:t:4", "type": "Tree", "height": 4},
    {"id": "urn:t:5", "type": ["Tree", "Secret"], "height": 5, "location": at(0.5)},
    {"id": "urn:w:1", "type": "WellObserved", "level": seen_at(1), "diary": seen_at(1), "location": at(1)},
    {"id": "urn:w:2", "type": "WellObserved", "level": seen_at(2), "location": at(3)},
    {"id": "urn:s:1", "type": "Secret", "height": 9, "location": at(1)},
]  # fmt: skip
WITHIN = ["urn:t:1", "urn:t:3", "urn:t:5"]
AGGREGATED = "aggrMethods=max&aggrPeriodDuration=PT0S&options=aggregatedValues"
ALWAYS = "timerel=after&timeAt=2000-01-01T00:00:00Z&timeproperty=modifiedAt"


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    (tmp_path / "garden.cedar").write_text(POLICIES)
    feature = {"type": "Feature", "id": "park", "geometry": {"type": "Polygon", "coordinates": PARK}}
    (tmp_path / AREAS).write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    (tmp_path / DEPARTMENTS).write_text(json.dumps({"parks": {"types": ["Tree"], "areas": ["park"]}}))
    return Gate([HOUSE, tmp_path], SystemClock())


@pytest.fixture
async def city(
    broker: Broker, pool: asyncpg.Pool, dsn: str, api: httpx.AsyncClient, gate: Gate
) -> AsyncIterator[Gateway]:
    assert (await api.post("entityOperations/create", json=ENTITIES)).status_code == 201
    federation, past = Federation(pool, broker.contexts), open_past(pool)
    ngsi = NgsiLd(broker, Subscriptions(pool), past, federation, EntityMaps(pool), keeping_of(dsn, pool, broker))
    who = {
        "gardener": caller("gardener", gate=gate),
        "department": caller("department", department="parks", gate=gate, name="another"),
        "citizen": caller("citizen", gate=gate),
        "administrator": caller("administrator", gate=gate),
    }

    async def by_token(token: str) -> Caller | None:
        return who[token].now()

    things, nothing = SensorThings(broker, past, Observed(pool)), Nothing()
    yield Gateway(ngsi, nothing, nothing, nothing, AsyncMock(), AsyncMock(), by_token, who["citizen"], things)
    await ngsi.close()
    await federation.close()


def client_of(city: Gateway, who: str, base: str = "ngsi-ld/v1") -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {who}"}
    transport = httpx.ASGITransport(app=city)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url=f"http://localhost:8600/{base}/", headers=headers)


@pytest.fixture
async def gardener(city: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(city, "gardener") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("entities?type=Tree", WITHIN),
        ("entities?type=Tree&limit=2", WITHIN[:2]),
        ("entities?type=Tree&limit=2&offset=2", WITHIN[2:]),
        ("entities?type=*", [*WITHIN, "urn:w:1"]),
        ("entities?type=Tree&q=height>=3", WITHIN[1:]),
        ("entities?type=Tree&q=height<3", WITHIN[:1]),
        ("entities?type=Tree&orderBy=height;desc", WITHIN[::-1]),
        ("entities?id=urn:t:1,urn:t:2&type=Tree", WITHIN[:1]),
        ("entities?type=Tree&georel=near;maxDistance==999999&geometry=Point&coordinates=[1,1]", WITHIN),
        ("entities?type=Tree&attrs=height", WITHIN),
        (f"temporal/entities?type=Tree&{ALWAYS}", WITHIN),
        (f"temporal/entities?type=Tree&{ALWAYS}&limit=2", WITHIN[:2]),
    ],
)
async def test_only_what_lies_within_is_found(gardener: httpx.AsyncClient, path: str, ids: list[str]) -> None:
    first, again = [await gardener.get(path) for _ in range(2)]
    assert [sorted(one["id"] for one in answer.json()) for answer in (first, again)] == [sorted(ids)] * 2


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("entities?type=Tree&count=true&limit=1", "3"),
        ("entities?type=Tree&count=true&limit=0", "3"),
        ("entities?type=*&count=true", "4"),
        (f"temporal/entities?type=Tree&{ALWAYS}&count=true", "3"),
    ],
)
async def test_what_is_hidden_is_not_counted(gardener: httpx.AsyncClient, path: str, count: str) -> None:
    found = [(await gardener.get(path)).headers["ngsild-results-count"] for _ in range(3)]
    assert found == [count] * 3


@pytest.mark.parametrize(
    "path",
    [
        "entities?type=Tree&q=diary",
        "entities?type=Tree&q=height>0|diary==%22a%22",
        "entities?type=Tree&orderBy=diary",
        "entities?type=Tree&attrs=diary",
        "entities?type=Secret",
        "entities?type=Tree,Secret",
        f"temporal/entities?type=Tree&{ALWAYS}&q=diary",
        f"temporal/entities?type=Secret&{ALWAYS}",
        "entityMaps?type=Secret",
    ],
)
async def test_a_question_about_what_is_hidden_is_refused(gardener: httpx.AsyncClient, path: str) -> None:
    assert (await gardener.get(path)).status_code == 403


@pytest.mark.parametrize(
    ("identifier", "names"),
    [
        ("urn:t:1", {"id", "type", "height", "location"}),
        ("urn:t:5", {"id", "type", "height", "location"}),
        ("urn:w:1", {"id", "type", "level", "location"}),
        ("urn:t:2", None),
        ("urn:t:4", None),
        ("urn:s:1", None),
    ],
)
async def test_one_entity_is_shown_as_far_as_it_is_open(
    gardener: httpx.AsyncClient, identifier: str, names: set[str] | None
) -> None:
    found = [await gardener.get(f"{place}entities/{identifier}") for place in ("", "temporal/")]
    assert [set(one.json()) if one.status_code == 200 else None for one in found] == [names, names]


async def test_a_hidden_attribute_has_no_past(gardener: httpx.AsyncClient) -> None:
    told = [
        await gardener.get(f"temporal/entities/urn:w:1?attrs={name}&{AGGREGATED}&{ALWAYS}")
        for name in ("level", "diary")
    ]
    assert [one.status_code for one in told] == [200, 404]


async def test_the_past_of_what_is_gone_is_closed_where_the_place_decided(
    gardener: httpx.AsyncClient, api: httpx.AsyncClient
) -> None:
    await api.delete("entities/urn:t:1")
    one = await gardener.get("temporal/entities/urn:t:1")
    many = await gardener.get(f"temporal/entities?type=Tree&{ALWAYS}")
    assert (one.status_code, [each["id"] for each in many.json()]) == (404, WITHIN[1:])


async def test_a_link_does_not_lead_out_of_the_area(gardener: httpx.AsyncClient) -> None:
    shown = (await gardener.get("entities/urn:t:3?join=inline&joinLevel=1")).json()
    assert "entity" not in shown["stands"]


async def test_discovery_knows_what_may_be_found(gardener: httpx.AsyncClient) -> None:
    types = (await gardener.get("types")).json()["typeList"]
    tree, height = (await gardener.get("types/Tree")).json(), (await gardener.get("attributes/height")).json()
    attributes = (await gardener.get("attributes")).json()["attributeList"]
    hidden = [(await gardener.get(path)).status_code for path in ("types/Secret", "attributes/diary")]
    assert (types, tree["entityCount"], height["attributeCount"], hidden) == (
        ["Tree", "WellObserved"],
        3,
        3,
        [404, 404],
    )
    assert "diary" not in attributes


async def test_a_map_holds_what_may_be_found_and_its_owner_alone_uses_it(
    city: Gateway, gardener: httpx.AsyncClient
) -> None:
    made = await gardener.get("entityMaps?type=Tree")
    place = made.headers["ngsild-entitymap"].removeprefix("/ngsi-ld/v1/")
    async with client_of(city, "department") as other:
        statuses = [(await one.get(place)).status_code for one in (gardener, other)]
    assert (sorted(made.json()["entityMap"]), statuses) == (WITHIN, [200, 404])


async def test_what_other_brokers_tell_is_judged_alike(city: Gateway, gardener: httpx.AsyncClient, peer: Peer) -> None:
    inside, outside = tree(11, at(1)), tree(12, at(3))
    async with client_of(city, "administrator") as administrator:
        await register(administrator, peer.port, information=[{"entities": [{"type": "Tree"}]}])
    peer.on("GET entities", 200, [inside, outside])
    peer.on("GET entities/urn:t:11", 200, inside)
    peer.on("GET entities/urn:t:12", 200, outside)
    found = await gardener.get("entities?type=Tree&count=true&q=height>0")
    single = [await gardener.get(f"entities/urn:t:{number}") for number in (11, 12)]
    refused = await gardener.get("entities?type=Tree&q=diary")
    asked = len(peer.asked)
    beside = [
        await gardener.get(path) for path in ("types", f"temporal/entities?type=Tree&{ALWAYS}", "entityMaps?type=Tree")
    ]
    assert sorted(one["id"] for one in found.json()) == [*WITHIN[:1], "urn:t:11", *WITHIN[1:]]
    assert (found.headers["ngsild-results-count"], [one.status_code for one in single], refused.status_code) == (
        "4",
        [200, 404],
        403,
    )
    assert set(single[0].json()) == {"id", "type", "height", "location"}
    assert ([one.status_code for one in beside], len(peer.asked)) == ([200, 200, 201], asked)


async def test_sensorthings_tell_no_more(city: Gateway) -> None:
    async with client_of(city, "gardener", "sensorthings/v1.1") as client:
        things = [one["@iot.id"] for one in (await client.get("Things?$count=true")).json()["value"]]
        streams = [one["@iot.id"] for one in (await client.get("Datastreams")).json()["value"]]
        names = [one["@iot.id"] for one in (await client.get("ObservedProperties")).json()["value"]]
        paths = (
            "Things('urn:w:2')",
            "Datastreams('urn:w:1;diary')",
            "ObservedProperties('diary')",
            "Things('urn:w:1')",
        )
        statuses = [(await client.get(path)).status_code for path in paths]
    assert (things, streams, names, statuses) == (["urn:w:1"], ["urn:w:1;level"], ["level"], [404, 404, 404, 200])


async def test_a_socket_follows_what_comes_into_the_area_and_leaves_it(
    gate: Gate, broker: Broker, city: Gateway, api: httpx.AsyncClient
) -> None:
    live = Live(broker, lambda: {"components": {}})
    client = Client(live, caller("gardener", gate=gate)).subscribe(types=["Tree"])
    await until(lambda: client.complete, "the present")
    assert sorted(client.entities) == WITHIN
    assert "diary" not in client.entities["urn:t:1"]
    await client.close()


async def test_a_socket_ends_what_a_rule_no_longer_permits(
    gate: Gate, broker: Broker, city: Gateway, tmp_path: Path
) -> None:
    live = Live(broker, lambda: {"components": {}})
    client = Client(live, caller("gardener", gate=gate)).subscribe(types=["Tree"])
    await until(lambda: client.complete and sorted(client.entities) == WITHIN, "the present")
    (tmp_path / "garden.cedar").write_text(POLICIES.replace('Type::"Tree", ', ""))
    gate.look()
    await until(lambda: [error["status"] for error in client.errors] == [403], "the refusal")
    assert client.entities == {}
    await client.close()


async def test_a_socket_ends_with_the_credential(gate: Gate, broker: Broker, city: Gateway) -> None:
    client = Client(Live(broker, lambda: {"components": {}}), caller("gardener", gate=gate)).subscribe(types=["Tree"])
    await until(lambda: client.complete, "the present")
    client.caller = None
    await until(lambda: client.closed, "it is hung up on")
    assert client.closed == {"type": "websocket.close", "code": 4401, "reason": "this token opens nothing here"}


async def test_a_socket_of_who_is_another_by_now_shows_what_that_one_sees(
    gate: Gate, broker: Broker, city: Gateway
) -> None:
    client = Client(Live(broker, lambda: {"components": {}}), caller("operator", gate=gate)).subscribe(types=["Tree"])
    await until(lambda: client.complete and len(client.entities) == 5, "all of the present")
    client.caller = caller("gardener", gate=gate)
    await until(lambda: sorted(client.entities) == WITHIN, "what a gardener sees")
    assert "diary" not in client.entities["urn:t:1"]
    await client.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "entities/urn:t:1", {"height": 2}, 204),
        ("PATCH", "entities/urn:t:2", {"height": 2}, 403),
        ("PATCH", "entities/urn:t:1", {"location": at(3)}, 403),
        ("PATCH", "entities/urn:t:1", {"location": {"value": at(3)}}, 403),
        ("PATCH", "entities/urn:t:1", {"location": at(0.5)}, 204),
        ("PATCH", "entities/urn:t:2", {"location": at(1)}, 403),
        ("PATCH", "entities/urn:t:5", {"height": 2}, 403),
        ("POST", "entities/urn:t:1/attrs", {"type": "Secret", "height": 2}, 403),
        ("DELETE", "entities/urn:t:1/attrs/location", None, 403),
        ("DELETE", "entities/urn:t:1", None, 204),
        ("DELETE", "entities/urn:t:2", None, 403),
        ("POST", "entities", {"id": "urn:t:9", "type": "Tree", "location": at(1)}, 201),
        ("POST", "entities", {"id": "urn:t:9", "type": "Tree", "location": at(3)}, 403),
        ("POST", "entities", {"id": "urn:t:9", "type": "Tree"}, 403),
        ("POST", "entities", {"id": "urn:t:9", "type": "WellObserved", "location": at(1)}, 403),
        ("DELETE", "entities?type=Tree&q=height==1", None, 204),
        ("DELETE", "entities?type=Tree&q=height==2", None, 403),
    ],
)  # fmt: skip
async def test_a_department_writes_its_types_in_its_areas(
    city: Gateway, method: str, path: str, body: Any, status: int
) -> None:
    async with client_of(city, "department") as client:
        assert (await client.request(method, path, json=body)).status_code == status


async def test_each_item_of_a_batch_is_judged_by_itself(city: Gateway, api: httpx.AsyncClient) -> None:
    items = [{"id": "urn:t:1", "type": "Tree", "height": 7}, {"id": "urn:t:2", "type": "Tree", "height": 7}]
    async with client_of(city, "department") as client:
        told = await client.post("entityOperations/update", json=items)
    heights = {one["id"]: one["height"] for one in (await api.get("entities?type=Tree&options=keyValues")).json()}
    (error,) = told.json()["errors"]
    assert (told.status_code, told.json()["success"], error["entityId"], error["error"]["status"]) == (
        207,
        ["urn:t:1"],
        "urn:t:2",
        403,
    )
    assert (heights["urn:t:1"], heights["urn:t:2"]) == (7, 2)


async def test_a_citizen_has_what_is_his(city: Gateway) -> None:
    mine = {"id": "urn:m:1", "type": "Place", "owner": "person:someone", "name": "home"}
    async with client_of(city, "citizen") as client:
        made = await client.post("entities", json=mine)
        seen = await client.get("entities?type=Place&options=keyValues")
        given = await client.patch("entities/urn:m:1", json={"owner": "person:other"})
        others = await client.post("entities", json=mine | {"id": "urn:m:2", "owner": "person:other"})
        public = await client.post("entities", json=mine | {"id": "urn:m:3", "type": "Building"})
    assert [one.status_code for one in (made, given, others, public)] == [201, 403, 403, 403]
    assert seen.json() == [mine]
