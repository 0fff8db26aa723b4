"""Clauses 5.9, 5.10, 5.12: who else holds context is registered and found."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

CONFLICTING = {"mode": "exclusive", "endpoint": "http://two.example"}


def registration(number: int = 1, **more: Any) -> dict[str, Any]:
    information = [{"entities": [{"type": "T"}], "propertyNames": ["a"]}]
    return {
        "id": f"urn:x:r{number}",
        "type": "ContextSourceRegistration",
        "information": information,
        "endpoint": "http://one.example",
    } | more


async def test_a_registration_lives(api: httpx.AsyncClient) -> None:
    made = await api.post("csourceRegistrations", json=registration())
    assert (made.status_code, made.headers["location"]) == (201, "/ngsi-ld/v1/csourceRegistrations/urn:x:r1")
    assert (await api.post("csourceRegistrations", json=registration())).status_code == 409
    changed = await api.patch("csourceRegistrations/urn:x:r1", json={"endpoint": "http://new.example"})
    assert changed.status_code == 204
    assert (await api.get("csourceRegistrations/urn:x:r1")).json() == registration(endpoint="http://new.example")
    assert (await api.delete("csourceRegistrations/urn:x:r1")).status_code == 204
    assert (await api.get("csourceRegistrations/urn:x:r1")).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"information": []},
        {"information": [{}]},
        {"endpoint": "ftp://one.example"},
        {"mode": "sometimes"},
        {"operations": ["everything"]},
        {"expiresAt": "2018-01-01T00:00:00Z"},
        {"contextSourceInfo": [{"key": "a b", "value": "c"}]},
        {"contextSourceInfo": [{"key": "a", "value": "b\r\nc: d"}]},
        {"type": "Registration"},
    ],
    ids=str,
)
async def test_what_is_no_registration_is_refused(api: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    answer = await api.post("csourceRegistrations", json=registration() | wrong)
    assert (answer.status_code, answer.json()["type"]) == (400, "https://uri.etsi.org/ngsi-ld/errors/BadRequestData")


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"type": "T"}, ["urn:x:r1", "urn:x:r2"]),
        ({"attrs": "a"}, ["urn:x:r1"]),
        ({"attrs": "b"}, ["urn:x:r2"]),
        ({"type": "U"}, []),
        ({"id": "urn:x:1", "type": "T"}, ["urn:x:r1", "urn:x:r2"]),
        ({"id": "urn:x:2", "type": "T"}, ["urn:x:r1"]),
        ({"q": 'owner=="city"'}, ["urn:x:r2"]),
        ({"type": "T", "csf": 'owner!="port"'}, ["urn:x:r2"]),
        ({"type": "T", "georel": "near;maxDistance==10", "geometry": "Point", "coordinates": "[1,2]"}, ["urn:x:r2"]),
        ({"type": "T", "timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}, ["urn:x:r3"]),
    ],
)
async def test_registrations_are_found(api: httpx.AsyncClient, parameters: dict[str, str], found: list[str]) -> None:
    one = {"information": [{"entities": [{"type": "T", "id": "urn:x:1"}], "propertyNames": ["b"]}]}
    place = {"location": {"type": "Point", "coordinates": [1, 2]}, "owner": "city"}
    past = {"observationInterval": {"startAt": "2020-01-01T00:00:00Z"}}
    for body in (registration(), registration(2, **one, **place), registration(3, **past)):
        assert (await api.post("csourceRegistrations", json=body)).status_code == 201
    answer = await api.get("csourceRegistrations", params=parameters)
    assert (answer.status_code, [body["id"] for body in answer.json()]) == (200, found)


async def test_a_query_of_everything_is_refused(api: httpx.AsyncClient) -> None:
    assert (await api.get("csourceRegistrations")).status_code == 400


async def test_what_is_exclusive_is_held_once(api: httpx.AsyncClient) -> None:
    await api.post("csourceRegistrations", json=registration(mode="redirect"))
    assert (await api.post("csourceRegistrations", json=registration(2, **CONFLICTING))).status_code == 409
    assert (await api.post("csourceRegistrations", json=registration(3, mode="auxiliary"))).status_code == 201
