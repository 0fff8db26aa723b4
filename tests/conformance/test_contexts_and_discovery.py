"""Clauses 5.7.5 to 5.7.10 and 5.13: what there is, and what names mean."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from madang.context.catalogue import Catalogue
from madang.model.context import CORE_URL

NAMES = {"temp": "https://example.org/temp", "Room": "https://example.org/Room"}
VOCAB = "https://uri.etsi.org/ngsi-ld/default-context/"
OTHERS = "http://127.0.0.1:9/away.jsonld"


def link(url: str) -> dict[str, str]:
    return {"link": f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'}


async def test_a_hosted_context_serves_by_whatever_name_the_broker_is_reached(api: httpx.AsyncClient) -> None:
    made = await api.post("jsonldContexts", json={"@context": NAMES, "more": 1})
    path = made.headers["location"]
    here = f"http://localhost:8600{path}"
    assert (made.status_code, (await api.get(here)).json()) == (201, {"@context": NAMES})
    away = link(f"http://another.example:1026{path}")
    assert (
        await api.post("entities", json={"id": "urn:x:1", "type": "Room", "temp": 3}, headers=away)
    ).status_code == 201
    assert (await api.get("entities/urn:x:1", params={"options": "keyValues"})).json() == {
        "id": "urn:x:1",
        "type": "https://example.org/Room",
        "https://example.org/temp": 3,
    }
    details = (await api.get(here, params={"details": "true"})).json()
    assert (details["kind"], details["URL"], details["localId"]) == (
        "Hosted",
        here,
        path.rsplit("/", 1)[1],
    )
    assert (await api.delete(here)).status_code == 204
    assert (await api.get(here)).status_code == 404


async def test_what_was_fetched_once_is_there_when_its_server_is_not(
    api: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    await catalogue.cache(OTHERS, {"@context": NAMES})
    assert (await api.post("entities", json={"id": "urn:x:1", "type": "Room"}, headers=link(OTHERS))).status_code == 201
    quoted = "jsonldContexts/http%3A%2F%2F127.0.0.1%3A9%2Faway.jsonld"
    assert (await api.get("jsonldContexts", params={"kind": "Cached"})).json() == [OTHERS]
    assert (await api.get(quoted)).status_code == 422
    assert (await api.delete(quoted, params={"reload": "true"})).status_code == 504
    assert (await api.get(quoted, params={"details": "true"})).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "jsonldContexts", {"temp": "urn:a"}, 400),
        ("POST", "jsonldContexts", {"@context": 3}, 400),
        ("GET", "jsonldContexts?kind=other", None, 400),
        ("GET", "jsonldContexts?details=other", None, 400),
        ("GET", "jsonldContexts/nothing", None, 404),
        ("DELETE", "jsonldContexts/nothing?reload=true", None, 404),
        ("DELETE", f"jsonldContexts/{CORE_URL.replace('/', '%2F')}", None, 400),
        ("DELETE", f"jsonldContexts/{CORE_URL.replace('/', '%2F')}?reload=true", None, 204),
    ],
)
async def test_what_cannot_be_done_with_contexts(
    api: httpx.AsyncClient, method: str, path: str, body: Any, status: int
) -> None:
    assert (await api.request(method, path, json=body)).status_code == status


async def test_a_subscription_with_an_inline_context_gets_an_address_for_it(api: httpx.AsyncClient) -> None:
    body = {
        "id": "urn:s:1",
        "type": "Subscription",
        "entities": [{"type": "Room"}],
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/n"}},
        "@context": NAMES,
    }
    assert (
        await api.post("subscriptions", json=body, headers={"content-type": "application/ld+json"})
    ).status_code == 201
    address = (await api.get("subscriptions/urn:s:1")).json()["jsonldContext"]
    assert (await api.get(address)).json() == {"@context": NAMES}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("types", {"type": "EntityTypeList", "typeList": ["A", "B"]}),
        ("attributes", {"type": "AttributeList", "attributeList": ["m", "n"]}),
        ("types?details=true", [
            {"id": f"{VOCAB}A", "type": "EntityType", "typeName": "A", "attributeNames": ["m", "n"]},
            {"id": f"{VOCAB}B", "type": "EntityType", "typeName": "B", "attributeNames": []},
        ]),
        ("types/A", {"type": "EntityTypeInfo", "typeName": "A", "entityCount": 2, "attributeDetails": [
            {"id": f"{VOCAB}m", "type": "Attribute",
             "attributeName": "m", "attributeTypes": ["Relationship"]},
            {"id": f"{VOCAB}n", "type": "Attribute",
             "attributeName": "n", "attributeTypes": ["Property"]},
        ]}),
        ("attributes/n", {"type": "Attribute", "attributeName": "n", "attributeCount": 2,
            "attributeTypes": ["Property"], "typeNames": ["A"]}),
    ],
)  # fmt: skip
async def test_discovery(api: httpx.AsyncClient, path: str, shown: Any) -> None:
    first = {"id": "urn:x:1", "type": "A", "n": 1, "m": {"object": "urn:x:2"}, "scope": "/a"}
    await api.post(
        "entityOperations/create", json=[first, {"id": "urn:x:2", "type": "A", "n": 2}, {"id": "urn:x:3", "type": "B"}]
    )
    found = (await api.get(path)).json()
    expected = shown if isinstance(shown, list) else {"id": found["id"]} | shown
    assert found == expected


@pytest.mark.parametrize("path", ["types/Nothing", "attributes/nothing"])
async def test_what_is_not_there(api: httpx.AsyncClient, path: str) -> None:
    assert (await api.get(path)).status_code == 404


async def test_urls_may_stand_in_lists_within_lists(api: httpx.AsyncClient) -> None:
    nested = {"@context": [["http://127.0.0.1:9/nowhere.jsonld"]]}
    made = await api.post("jsonldContexts", json=nested)
    assert (made.status_code, (await api.get("http://localhost:8600" + made.headers["location"])).json()) == (
        201,
        nested,
    )


@pytest.mark.parametrize("url", ["http://a.example/\x00", {"Room": "https://a.example/\x00"}, ["urn:x:\x00"]])
async def test_a_context_with_what_no_text_can_hold_makes_nothing(api: httpx.AsyncClient, url: Any) -> None:
    body = {"@context": url, "id": "urn:x:1", "type": "Room"}
    answer = await api.post("entities", json=body, headers={"content-type": "application/ld+json"})
    assert (answer.status_code, (await api.get("entities/urn:x:1")).status_code) in ((400, 404), (504, 404))
