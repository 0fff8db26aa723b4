"""Clauses 5.6.11 to 5.6.16 over several brokers: the past is told, corrected and taken back wherever it is kept."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.peer import Peer

ONE = "temporal/entities/urn:x:1"
OPERATIONS = [
    "upsertTemporal",
    "appendAttrsTemporal",
    "deleteAttrsTemporal",
    "updateAttrInstanceTemporal",
    "deleteAttrInstanceTemporal",
    "deleteTemporal",
]


def at(day: int) -> dict[str, Any]:
    return {"type": "Property", "value": day, "observedAt": f"2026-01-0{day}T00:00:00Z"}


def entity(**attributes: Any) -> dict[str, Any]:
    return {"id": "urn:x:1", "type": "T", **attributes}


async def register(api: httpx.AsyncClient, peer: Peer, mode: str, **more: Any) -> None:
    body = {
        "id": "urn:x:r",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "T"}], "propertyNames": ["a"]}],
        "observationInterval": {"startAt": "2020-01-01T00:00:00Z"},
        "operations": OPERATIONS,
        "mode": mode,
        "endpoint": f"http://127.0.0.1:{peer.port}",
    }
    assert (await api.post("csourceRegistrations", json=body | more)).status_code == 201


async def here(api: httpx.AsyncClient) -> dict[str, Any]:
    answer = await api.get(f"{ONE}?options=temporalValues&local=true")
    return {name: [value for value, _ in one["values"]] for name, one in answer.json().items() if name in ("a", "b")}


def asked(peer: Peer) -> list[tuple[str, str, Any]]:
    return [(method, target.removeprefix("/ngsi-ld/v1/"), body) for method, target, _, body in peer.asked]


@pytest.mark.parametrize(
    ("mode", "kept"),
    [("inclusive", {"a": [1], "b": [2]}), ("redirect", {"b": [2]}), ("auxiliary", {"a": [1], "b": [2]})],
)
async def test_it_is_told_to_who_keeps_it(api: httpx.AsyncClient, peer: Peer, mode: str, kept: dict[str, Any]) -> None:
    await register(api, peer, mode)
    peer.on("POST temporal/entities", 201)
    assert (await api.post("temporal/entities", json=entity(a=[at(1)], b=[at(2)]))).status_code == 201
    sent = [("POST", "temporal/entities", entity(a=[at(1)]))]
    assert (await here(api), asked(peer)) == (kept, sent if mode != "auxiliary" else [])


async def test_more_is_told(api: httpx.AsyncClient, peer: Peer) -> None:
    await api.post("temporal/entities", json=entity(b=[at(1)]))
    await register(api, peer, "redirect")
    peer.on(f"POST {ONE}/attrs", 204)
    assert (await api.post(f"{ONE}/attrs", json={"a": [at(2)], "b": [at(3)]})).status_code == 204
    assert (await here(api), asked(peer)) == ({"b": [1, 3]}, [("POST", f"{ONE}/attrs", {"a": [at(2)]})])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", f"{ONE}/attrs/a", None),
        ("DELETE", f"{ONE}/attrs/a/urn:x:i", None),
        ("PATCH", f"{ONE}/attrs/a/urn:x:i", {"a": at(2)}),
        ("DELETE", ONE, None),
    ],
)
async def test_it_is_changed_where_it_is(api: httpx.AsyncClient, peer: Peer, method: str, path: str, body: Any) -> None:
    await register(api, peer, "inclusive")
    peer.on(f"{method} {path}", 204)
    content = {"json": body} if body else {}
    assert (await api.request(method, path, **content)).status_code == 204
    assert asked(peer) == [(method, path, body)]
    peer.on(f"{method} {path}", 404, {"title": "not here"})
    assert (await api.request(method, path, **content)).status_code == 404
    peer.on(f"{method} {path}", 500, {"title": "broken"})
    assert (await api.request(method, path, **content)).status_code == 500


async def test_what_was_done_here_stands_when_a_source_fails(api: httpx.AsyncClient, peer: Peer) -> None:
    await register(api, peer, "inclusive")
    peer.on("POST temporal/entities", 500, {"title": "broken"})
    answer = await api.post("temporal/entities", json=entity(a=[at(1)]))
    assert (answer.status_code, answer.json()["success"], await here(api)) == (207, ["urn:x:1"], {"a": [1]})
    assert [one["registrationId"] for one in answer.json()["errors"]] == ["urn:x:r"]


async def test_a_proxied_source_that_does_not_take_it_is_a_conflict(api: httpx.AsyncClient, peer: Peer) -> None:
    await register(api, peer, "redirect", operations=["queryTemporal"])
    assert (await api.post("temporal/entities", json=entity(a=[at(1)]))).status_code == 409
    assert (await api.get(f"{ONE}?local=true")).status_code == 404


async def test_a_source_of_the_present_is_told_nothing_of_the_past(api: httpx.AsyncClient, peer: Peer) -> None:
    await register(api, peer, "inclusive")
    await api.patch("csourceRegistrations/urn:x:r", json={"observationInterval": None})
    assert (await api.post("temporal/entities", json=entity(a=[at(1)]))).status_code == 201
    assert (await here(api), peer.asked) == ({"a": [1]}, [])
