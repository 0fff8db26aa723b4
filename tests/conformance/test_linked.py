"""Clauses 4.5.23, 4.9: linked entities are shown and asked for."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

COUNTRY = {"id": "urn:x:fi", "type": "Country", "name": "Suomi"}
CITY = {"id": "urn:x:hki", "type": "City", "name": "Helsinki", "in": {"object": "urn:x:fi"}}
HOUSE = {"id": "urn:x:h", "type": "House", "in": {"object": "urn:x:hki"}, "n": 1}


@pytest.fixture
async def world(api: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await api.post("entityOperations/create", json=[COUNTRY, CITY, HOUSE])).status_code == 201
    return api


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({"join": "inline"}, HOUSE | {"in": {"object": "urn:x:hki", "entity": CITY}}),
        (
            {"join": "inline", "joinLevel": "2"},
            HOUSE
            | {"in": {"object": "urn:x:hki", "entity": CITY | {"in": {"object": "urn:x:fi", "entity": COUNTRY}}}},
        ),
        ({"join": "inline", "containedBy": "urn:x:hki"}, HOUSE),
        ({"join": "flat", "joinLevel": "2"}, [HOUSE, CITY, COUNTRY]),
        ({"join": "flat", "joinLevel": "2", "pick": "id,in{id,name}"}, [
            {"id": "urn:x:h", "in": {"object": "urn:x:hki"}}, {"id": "urn:x:hki", "name": "Helsinki"}]),
        ({"join": "inline", "omit": "type,in{type,in}"}, {
            "id": "urn:x:h", "n": 1, "in": {"object": "urn:x:hki", "entity": {"id": "urn:x:hki", "name": "Helsinki"}}}),
    ],
)  # fmt: skip
async def test_entities_come_with_those_they_link_to(
    world: httpx.AsyncClient, params: dict[str, str], shown: Any
) -> None:
    found = await world.get("entities/urn:x:h", params=params | {"format": "concise"})
    assert found.json() == shown


async def test_scopes_and_ends_are_in_no_data_set(api: httpx.AsyncClient) -> None:
    passing = {"id": "urn:x:1", "type": "T", "scope": "/a", "expiresAt": "2126-01-01T00:00:00.000Z", "n": 1}
    assert (await api.post("entities", json=passing)).status_code == 201
    found = await api.get("entities/urn:x:1", params={"join": "inline", "datasetId": "@none", "format": "concise"})
    assert found.json() == passing


async def test_simplified_relationships_become_the_entity(world: httpx.AsyncClient) -> None:
    found = await world.get("entities", params={"type": "House", "join": "inline", "format": "simplified"})
    inner = {"id": "urn:x:hki", "type": "City", "name": "Helsinki", "in": "urn:x:fi"}
    assert found.json() == [{"id": "urn:x:h", "type": "House", "in": inner, "n": 1}]


async def test_a_circle_ends(api: httpx.AsyncClient) -> None:
    one = {"id": "urn:x:1", "type": "T", "to": {"object": "urn:x:2"}}
    two = {"id": "urn:x:2", "type": "T", "to": {"object": "urn:x:1"}}
    await api.post("entityOperations/create", json=[one, two])
    params = {"join": "inline", "joinLevel": "5", "format": "concise"}
    found = await api.get("entities/urn:x:1", params=params)
    assert found.json() == one | {"to": {"object": "urn:x:2", "entity": two}}


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ('in{name}=="Helsinki"', ["urn:x:h"]),
        ('in{City:name}=="Helsinki"', ["urn:x:h"]),
        ('in{Country:name}=="Helsinki"', []),
        ('in{in{name}}=="Suomi"', ["urn:x:h"]),
        ('in{name}!="Suomi"', ["urn:x:h"]),
        ("in{nothing}", []),
        ('in{name}=="Suomi"|n==1', ["urn:x:h", "urn:x:hki"]),
    ],
)
async def test_questions_about_linked_entities(world: httpx.AsyncClient, q: str, found: list[str]) -> None:
    answer = await world.get("entities", params={"q": q})
    assert [entity["id"] for entity in answer.json()] == found
