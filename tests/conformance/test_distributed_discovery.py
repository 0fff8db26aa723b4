"""Clauses 5.7.5 to 5.7.10 over several brokers: which types and attributes there are anywhere."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.peer import Peer, closed_port

TYPES = {"id": "urn:x:l", "type": "EntityTypeList", "typeList": ["T", "U", "V"]}
IN_DETAIL = [
    {"id": "urn:x:T", "type": "EntityType", "typeName": "T", "attributeNames": ["a", "b", "c"]},
    {"id": "urn:x:V", "type": "EntityType", "typeName": "V", "attributeNames": ["a"]},
]
OF_T = {
    "id": "urn:x:T",
    "type": "EntityTypeInfo",
    "typeName": "T",
    "entityCount": 3,
    "attributeDetails": [
        {"id": "urn:x:b", "type": "Attribute", "attributeName": "b", "attributeTypes": ["GeoProperty"]},
        {"id": "urn:x:c", "type": "Attribute", "attributeName": "c", "attributeTypes": ["Property"]},
    ],
}
ATTRIBUTES = {"id": "urn:x:l", "type": "AttributeList", "attributeList": ["a", "b", "c"]}
ATTRIBUTES_IN_DETAIL = [
    {"id": "urn:x:b", "type": "Attribute", "attributeName": "b", "typeNames": ["T", "V"]},
    {"id": "urn:x:c", "type": "Attribute", "attributeName": "c", "typeNames": ["T"]},
]
OF_B = {
    "id": "urn:x:b",
    "type": "Attribute",
    "attributeName": "b",
    "attributeCount": 3,
    "attributeTypes": ["GeoProperty"],
    "typeNames": ["T", "V"],
}


async def register(api: httpx.AsyncClient, port: int, number: int = 1, **more: Any) -> None:
    entities = [{"type": "T"}, {"type": "U"}]
    body = {
        "id": f"urn:x:r{number}",
        "type": "ContextSourceRegistration",
        "information": [{"entities": entities, "propertyNames": ["a", "b"]}],
        "endpoint": f"http://127.0.0.1:{port}",
    }
    assert (await api.post("csourceRegistrations", json=body | more)).status_code == 201


async def here(api: httpx.AsyncClient) -> None:
    body = {"id": "urn:x:1", "type": "T", "a": 1}
    assert (await api.post("entities", json=body)).status_code == 201
    assert (await api.post("entities", json={"id": "urn:x:2", "type": "W", "d": 1})).status_code == 201


@pytest.fixture
async def both(api: httpx.AsyncClient, peer: Peer) -> httpx.AsyncClient:
    await here(api)
    await register(api, peer.port)
    return api


async def test_types_are_those_of_both_as_far_as_registered(both: httpx.AsyncClient, peer: Peer) -> None:
    peer.on("GET types", 200, TYPES)
    assert (await both.get("types")).json()["typeList"] == ["T", "U", "W"]
    assert (await both.get("types?local=true")).json()["typeList"] == ["T", "W"]


async def test_types_in_detail(both: httpx.AsyncClient, peer: Peer) -> None:
    peer.on("GET types", 200, IN_DETAIL)
    told = (await both.get("types?details=true")).json()
    assert [(one["typeName"], one["attributeNames"]) for one in told] == [("T", ["a", "b"]), ("W", ["d"])]
    assert peer.asked[0][1] == "/ngsi-ld/v1/types?details=true"


async def test_one_type(both: httpx.AsyncClient, peer: Peer) -> None:
    peer.on("GET types/T", 200, OF_T)
    told = (await both.get("types/T")).json()
    details = {one["attributeName"]: one["attributeTypes"] for one in told["attributeDetails"]}
    assert (told["entityCount"], details) == (4, {"a": ["Property"], "b": ["GeoProperty"]})


async def test_a_type_that_only_another_broker_has(both: httpx.AsyncClient, peer: Peer) -> None:
    peer.on("GET types/U", 200, {**OF_T, "typeName": "U"})
    peer.on("GET types/T", 404, {})
    assert (await both.get("types/U")).json()["entityCount"] == 3
    alone = await both.get("types/T")
    assert (alone.json()["entityCount"], "ngsild-warning" in alone.headers) == (1, False)
    assert (await both.get("types/V")).status_code == 404


async def test_attributes(both: httpx.AsyncClient, peer: Peer) -> None:
    peer.on("GET attributes", 200, ATTRIBUTES)
    assert (await both.get("attributes")).json()["attributeList"] == ["a", "b", "d"]


async def test_attributes_in_detail(both: httpx.AsyncClient, peer: Peer) -> None:
    peer.on("GET attributes", 200, ATTRIBUTES_IN_DETAIL)
    told = (await both.get("attributes?details=true")).json()
    assert [(one["attributeName"], one["typeNames"]) for one in told] == [("a", ["T"]), ("b", ["T"]), ("d", ["W"])]


async def test_one_attribute(both: httpx.AsyncClient, peer: Peer) -> None:
    peer.on("GET attributes/b", 200, OF_B)
    told = (await both.get("attributes/b")).json()
    assert (told["attributeCount"], told["attributeTypes"], told["typeNames"]) == (3, ["GeoProperty"], ["T"])


@pytest.mark.parametrize("path", ["types", "types?details=true", "types/T", "attributes", "attributes/a"])
@pytest.mark.parametrize("answer", [(500, {}), (200, "no"), (200, {"typeList": 5}), (200, None), (200, ["x"])], ids=str)
async def test_what_cannot_be_read_never_fails_the_local_answer(
    both: httpx.AsyncClient, peer: Peer, path: str, answer: tuple[int, Any]
) -> None:
    peer.on(f"GET {path.partition('?')[0]}", *answer)
    assert (await both.get(path)).status_code == 200


async def test_a_dead_source_is_a_warning(api: httpx.AsyncClient) -> None:
    await here(api)
    await register(api, closed_port())
    told = await api.get("types")
    assert (told.status_code, told.json()["typeList"]) == (200, ["T", "W"])
    assert told.headers["ngsild-warning"].startswith('199 madang "urn:x:r1: not reached')


async def test_a_broker_is_asked_once_and_only_what_it_offers(api: httpx.AsyncClient, peer: Peer) -> None:
    await here(api)
    await register(api, peer.port)
    await register(api, peer.port, 2, information=[{"entities": [{"type": "V"}]}])
    await register(api, peer.port, 3, operations=["queryEntity"], tenant="other")
    peer.on("GET types", 200, TYPES)
    assert (await api.get("types")).json()["typeList"] == ["T", "U", "V", "W"]
    assert len(peer.asked) == 1


async def test_the_filter_of_sources_says_who_is_asked(api: httpx.AsyncClient, peer: Peer) -> None:
    await here(api)
    await register(api, peer.port, owner="port")
    peer.on("GET entities", 200, [])
    peer.on("POST entityOperations/query", 200, [])
    await api.get("entities", params={"type": "T", "csf": 'owner=="city"'})
    body = {"type": "Query", "entities": [{"type": "T"}]}
    await api.post("entityOperations/query", json=body | {"csf": 'owner=="city"'})
    assert peer.asked == []
    await api.get("entities", params={"type": "T", "csf": 'owner=="port"'})
    await api.post("entityOperations/query", json=body | {"csf": 'owner=="port"'})
    assert len(peer.asked) == 2


async def test_a_request_that_came_through_here_is_refused(both: httpx.AsyncClient) -> None:
    assert (await both.get("types", headers={"Via": "1.1 madang"})).status_code == 508
