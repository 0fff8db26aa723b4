"""Clauses 5.6.2 to 5.6.5, 5.6.17, 5.6.21: what writes leave."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

NULL = "urn:ngsi-ld:null"
HERE = "entities/urn:x:1"
ENTITY = {
    "id": "urn:x:1",
    "type": "T",
    "speed": {"type": "Property", "value": 5, "unitCode": "KMH"},
    "street": {"type": "LanguageProperty", "languageMap": {"fi": "katu", "sv": "gata"}},
}
SHOWN = {name: ENTITY[name] for name in ("speed", "street")}


@pytest.fixture
async def one(api: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await api.post("entities", json=ENTITY)).status_code == 201
    return api


@pytest.mark.parametrize(
    ("method", "path", "body", "left"),
    [
        ("PATCH", "/attrs", {"speed": {"value": 6}}, {"speed": {"type": "Property", "value": 6}}),
        ("PATCH", "/attrs", {"new": 1}, SHOWN | {"new": {"type": "Property", "value": 1}}),
        ("PATCH", "/attrs", {"street": {"type": "LanguageProperty", "languageMap": {"@none": NULL}}}, {"speed": SHOWN["speed"]}),
        ("PATCH", "/attrs/speed", {"value": 6}, {"speed": {"type": "Property", "value": 6, "unitCode": "KMH"}}),
        ("PATCH", "/attrs/street", {"languageMap": {"fi": "tie"}}, {"street": {"type": "LanguageProperty", "languageMap": {"fi": "tie"}}}),
        ("PUT", "/attrs/speed", {"value": 6}, {"speed": {"type": "Property", "value": 6}}),
        ("PATCH", "", {"street": {"languageMap": {"sv": NULL}}}, {"street": {"type": "LanguageProperty", "languageMap": {"fi": "katu"}}}),
        ("PATCH", "", {"speed": NULL}, {"street": SHOWN["street"]}),
    ],
)  # fmt: skip
async def test_a_write_leaves(one: httpx.AsyncClient, method: str, path: str, body: Any, left: dict[str, Any]) -> None:
    assert (await one.request(method, HERE + path, json=body)).status_code == 204
    shown = (await one.get(HERE, params={"pick": ",".join(left)})).json()
    assert shown == left


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("PATCH", "/attrs/speed", {"type": "Relationship", "object": "urn:x:2"}, 400, "BadRequestData"),
        ("PATCH", "/attrs/nothing", {"value": 1}, 404, "ResourceNotFound"),
        ("PUT", "/attrs/scope", {"value": "/a"}, 400, "BadRequestData"),
        ("PUT", "/attrs/@bad", {"value": 1}, 400, "BadRequestData"),
        ("POST", "/attrs", {"a": NULL}, 400, "BadRequestData"),
        ("PUT", "", [], 400, "InvalidRequest"),
    ],
)
async def test_what_cannot_be_written(
    one: httpx.AsyncClient, method: str, path: str, body: Any, status: int, kind: str
) -> None:
    answer = await one.request(method, HERE + path, json=body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"https://uri.etsi.org/ngsi-ld/errors/{kind}")
    assert (await one.get(HERE)).json() == ENTITY


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("type=T&drop=speed", {"urn:x:1": ["street"], "urn:x:2": ["other"]}),
        ("id=urn:x:1&keep=speed", {"urn:x:1": ["speed"], "urn:x:2": ["other", "speed"]}),
        ("q=other", {"urn:x:1": ["speed", "street"]}),
        ("local=true", {}),
    ],
)
async def test_purge(one: httpx.AsyncClient, query: str, left: dict[str, list[str]]) -> None:
    await one.post("entities", json={"id": "urn:x:2", "type": "T", "speed": 1, "other": 2})
    assert (await one.delete(f"entities?{query}")).status_code == 204
    found = (await one.get("entities?local=true")).json()
    assert {entity["id"]: sorted(entity.keys() - {"id", "type"}) for entity in found} == left


@pytest.mark.parametrize("query", ["", "?type=T&keep=a&drop=b", "?id=urn:x:1"])
async def test_a_purge_without_bounds_is_refused(one: httpx.AsyncClient, query: str) -> None:
    assert (await one.delete(f"entities{query}")).status_code == 400
    assert (await one.get(HERE)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("PUT", "entities", 405, "DELETE, GET, HEAD, POST"),
        ("OPTIONS", "entities", 204, "DELETE, GET, HEAD, POST"),
        ("HEAD", "entities/urn:x:1", 200, None),
        ("POST", "entities//attrs", 400, None),
    ],
)
async def test_methods(one: httpx.AsyncClient, method: str, path: str, status: int, allow: str | None) -> None:
    answer = await one.request(method, path)
    assert (answer.status_code, answer.headers.get("allow")) == (status, allow)
