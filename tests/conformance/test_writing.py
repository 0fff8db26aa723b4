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


MERGED: list[tuple[str, Any, Any, Any]] = [
    ("options=keyValues", {"speed": 6}, "speed", {"type": "Property", "value": 6, "unitCode": "KMH"}),
    ("format=simplified", {"near": "urn:x:3"}, "near", {"type": "Relationship", "object": "urn:x:3"}),
    ("format=keyValues", {"kind": ["b"]}, "kind", {"type": "VocabProperty", "vocab": ["b"]}),
    ("format=keyValues", {"raw": {"value": 1}}, "raw", {"type": "JsonProperty", "json": {"value": 1}}),
    ("format=keyValues", {"fresh": {"value": 1}}, "fresh", {"type": "Property", "value": {"value": 1}}),
    ("format=keyValues&lang=sv", {"street": "väg"}, "street", {"type": "LanguageProperty", "languageMap": {"fi": "katu", "sv": "väg"}}),
    ("lang=fi", {"street": ["tie"]}, "street", {"type": "LanguageProperty", "languageMap": {"fi": ["tie"], "sv": "gata"}}),
    ("lang=en", {"speed": "fast"}, "speed", {"type": "Property", "value": "fast", "unitCode": "KMH"}),
]  # fmt: skip
KINDS = {"near": {"object": "urn:x:2"}, "kind": {"vocab": "a"}, "raw": {"json": {"a": 1}}}


@pytest.mark.parametrize(("how", "body", "name", "left"), MERGED)
@pytest.mark.parametrize("batch", [False, True])
async def test_a_merge_keeps_the_kinds_of_attributes(
    one: httpx.AsyncClient, how: str, body: Any, name: str, left: Any, batch: bool
) -> None:
    await one.post(f"{HERE}/attrs", json=KINDS)
    merge = (
        one.post(f"entityOperations/merge?{how}", json=[ENTITY_ID | body])
        if batch
        else one.patch(f"{HERE}?{how}", json=body)
    )
    assert (await merge).status_code == 204
    left = left | ({"json": {"a": 1, "value": 1}} if name == "raw" else {})
    assert (await one.get(HERE)).json()[name] == left


ENTITY_ID = {"id": "urn:x:1", "type": "T"}


@pytest.mark.parametrize(
    "body", [{"street": "tie"}, {"near": 5}, {"near": {"languageMap": {"fi": "x"}}}, {"speed": {"vocab": "x"}}]
)
async def test_a_merge_in_simplified_form_changes_no_kind(one: httpx.AsyncClient, body: Any) -> None:
    await one.post(f"{HERE}/attrs", json=KINDS)
    answer = await one.patch(f"{HERE}?options=keyValues", json=body)
    assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (400, "BadRequestData")


async def test_null_deletes_in_simplified_form_too(one: httpx.AsyncClient) -> None:
    assert (await one.patch(f"{HERE}?options=keyValues", json={"street": NULL})).status_code == 204
    assert (await one.get(HERE)).json().keys() == {"id", "type", "speed"}
