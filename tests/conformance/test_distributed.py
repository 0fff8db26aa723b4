"""Clause 4.3.6: two brokers of ours, a dead one, a slow one and a loop, over real HTTP."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.peer import Peer, closed_port

SAID: dict[str, Any] = {"speed": {"type": "Property", "value": 5, "observedAt": "2026-01-02T00:00:00Z"}}


async def register(api: httpx.AsyncClient, port: int, mode: str = "inclusive", **more: Any) -> None:
    info = [{"entities": [{"type": "T"}], **more.pop("info", {})}]
    operations = ["redirectionOps", "createBatch", "deleteBatch"]
    body = {"id": "urn:x:r", "type": "ContextSourceRegistration", "information": info, "mode": mode}
    body |= {"endpoint": f"http://127.0.0.1:{port}", "operations": operations}
    assert (await api.post("csourceRegistrations", json=body | more)).status_code == 201


def entity(**attributes: Any) -> dict[str, Any]:
    return {"id": "urn:x:1", "type": "T", **attributes}


def value(number: int) -> dict[str, Any]:
    return {"type": "Property", "value": number}


@pytest.mark.parametrize(("mode", "shown"), [("inclusive", 5), ("redirect", 5), ("auxiliary", 1)])
async def test_pieces_become_one_entity(api: httpx.AsyncClient, peer: Peer, mode: str, shown: int) -> None:
    await api.post("entities", json=entity(speed=value(1), name=value(2)))
    await register(api, peer.port, mode)
    peer.on("GET entities/urn:x:1", 200, entity(**SAID, more=value(3)))
    peer.on("GET entities", 200, [entity(**SAID, more=value(3))])
    expected = {"id": "urn:x:1", "type": "T", "speed": shown, "name": 2, "more": 3}
    assert (await api.get("entities/urn:x:1?options=keyValues")).json() == expected
    assert (await api.get("entities?type=T&options=keyValues")).json() == [expected]
    assert (await api.get("entities/urn:x:1?options=keyValues&local=true")).json() == {
        "id": "urn:x:1",
        "type": "T",
        "speed": 1,
        "name": 2,
    }


async def test_a_source_is_asked_for_no_more_than_it_registered(api: httpx.AsyncClient, peer: Peer) -> None:
    await register(api, peer.port, info={"propertyNames": ["speed"]}, tenant="port")
    peer.on("GET entities", 200, [entity(**SAID, more=value(3))])
    answer = await api.get("entities?type=T,U&attrs=speed,more&options=keyValues")
    assert answer.json() == [{"id": "urn:x:1", "type": "T", "speed": 5}]
    ((method, target, headers, _),) = peer.asked
    parameters = dict(httpx.URL(target).params)
    assert (method, parameters["type"], parameters["attrs"]) == ("GET", "T", "speed")
    assert (headers["via"], headers["ngsild-tenant"]) == ("1.1 madang", "port")


async def test_entities_that_one_broker_registered_singly_are_asked_for_at_once(
    api: httpx.AsyncClient, peer: Peer
) -> None:
    for number in range(70):
        info = {"entities": [{"type": "T", "id": f"urn:x:{number}"}]}
        await register(api, peer.port, id=f"urn:x:r{number}", information=[info])
    peer.on("GET entities", 200, [entity(a=1)])
    answer = await api.get("entities?type=T&options=keyValues")
    asked = [dict(httpx.URL(target).params) for _, target, _, _ in peer.asked]
    assert (answer.json(), "ngsild-warning" in answer.headers) == ([entity(a=1)], False)
    assert sorted(len(one["id"].split(",")) for one in asked) == [20, 50]


async def test_a_dead_source_is_a_warning(api: httpx.AsyncClient) -> None:
    await api.post("entities", json=entity(name=value(2)))
    await register(api, closed_port())
    answer = await api.get("entities?type=T&options=keyValues")
    assert (answer.status_code, answer.json()) == (200, [{"id": "urn:x:1", "type": "T", "name": 2}])
    assert answer.headers["ngsild-warning"] == '199 madang "urn:x:r: not reached: ClientConnectorError"'


async def test_a_slow_source_is_waited_for_no_longer_than_it_says(api: httpx.AsyncClient, peer: Peer) -> None:
    await api.post("entities", json=entity(name=value(2)))
    await register(api, peer.port, management={"timeout": 50})
    answer = await api.get("entities/urn:x:1")
    assert (answer.status_code, answer.headers["ngsild-warning"]) == (
        200,
        '199 madang "urn:x:r: no answer within 0.05 s"',
    )


async def test_a_source_that_says_nonsense_is_a_warning(api: httpx.AsyncClient, peer: Peer) -> None:
    await register(api, peer.port)
    peer.on("GET entities/urn:x:1", 200, ["what?"])
    answer = await api.get("entities/urn:x:1")
    assert (answer.status_code, "urn:x:r" in answer.headers["ngsild-warning"]) == (404, True)


NONSENSE = [
    [1],
    1,
    None,
    "x",
    [["x"]],
    {"id": 1},
    [{"id": "urn:x:1", "type": "T", "@context": 1}],
    {"errors": 1, "updated": 1},
]
DEEP: Any = json.loads('{"a":' * 400 + "1" + "}" * 400)


@pytest.mark.parametrize(
    "told", [*NONSENSE, {"errors": [1, {"entityId": []}], "notUpdated": [1]}, DEEP], ids=lambda one: str(one)[:30]
)
@pytest.mark.parametrize("status", [200, 207, 500])
async def test_whatever_a_source_says_the_local_answer_is_there(
    api: httpx.AsyncClient, peer: Peer, told: Any, status: int
) -> None:
    await api.post("entities", json=entity(name=value(2)))
    await register(api, peer.port)
    calls = ("GET entities/urn:x:1", "GET entities", "POST entities/urn:x:1/attrs", "POST entityOperations/delete")
    for call in calls:
        peer.on(call, status, told)
    answers = [
        await api.get("entities/urn:x:1"),
        await api.get("entities?type=T"),
        await api.post("entities/urn:x:1/attrs", json={"name": value(4)}),
        await api.post("entityOperations/delete", json=["urn:x:1"]),
    ]
    assert [answer.status_code < 300 for answer in answers] == [True] * 4


async def test_a_loop_is_refused(api: httpx.AsyncClient, peer: Peer) -> None:
    await register(api, peer.port)
    answer = await api.post("entities", json=entity(), headers={"via": "1.1 other, 1.1 madang"})
    assert (answer.status_code, peer.asked) == (508, [])


async def test_exclusive_attributes_are_never_written_here(api: httpx.AsyncClient, peer: Peer) -> None:
    await register(api, peer.port, "exclusive", info={"propertyNames": ["speed"]})
    peer.on("POST entities", 201)
    assert (await api.post("entities", json=entity(speed=value(5), name=value(2)))).status_code == 201
    assert peer.asked[0][3] == entity(speed=value(5))
    here = await api.get("entities/urn:x:1?local=true&options=keyValues")
    assert here.json() == {"id": "urn:x:1", "type": "T", "name": 2}


async def test_what_nobody_takes_is_a_conflict(api: httpx.AsyncClient, peer: Peer) -> None:
    await register(api, peer.port, "redirect", operations=["retrieveOps"])
    answer = await api.post("entities", json=entity(name=value(2)))
    assert (answer.status_code, peer.asked) == (409, [])


async def test_a_write_that_one_broker_refused_is_told_in_parts(api: httpx.AsyncClient, peer: Peer) -> None:
    await register(api, peer.port)
    peer.on("POST entities", 409, {"type": "about:blank", "title": "there"})
    answer = await api.post("entities", json=entity(name=value(2)))
    error = {"type": "about:blank", "title": "there", "detail": "answered 409", "status": 409}
    assert (answer.status_code, answer.json()) == (
        207,
        {"success": ["urn:x:1"], "errors": [{"entityId": "urn:x:1", "registrationId": "urn:x:r", "error": error}]},
    )


async def test_a_batch_is_one_request_to_a_source(api: httpx.AsyncClient, peer: Peer) -> None:
    await register(api, peer.port, "redirect")
    peer.on("POST entityOperations/create", 201)
    both = [entity(name=value(2)), {"id": "urn:x:2", "type": "T", "name": value(3)}, {"id": "urn:x:3", "type": "U"}]
    answer = await api.post("entityOperations/create", json=both)
    assert (answer.status_code, answer.json()) == (201, ["urn:x:1", "urn:x:2", "urn:x:3"])
    assert [(method, body) for method, _, _, body in peer.asked] == [("POST", both[:2])]
    peer.on("POST entityOperations/delete", 204)
    assert (await api.post("entityOperations/delete", json=["urn:x:1", "urn:x:3"])).status_code == 204


async def test_updates_of_attributes_name_what_was_not_done(api: httpx.AsyncClient, peer: Peer) -> None:
    await api.post("entities", json=entity(name=value(2)))
    await register(api, peer.port)
    peer.on("POST entities/urn:x:1/attrs", 404)
    answer = await api.post("entities/urn:x:1/attrs", json={"name": value(4)})
    name = "https://uri.etsi.org/ngsi-ld/default-context/name"
    refused = [{"attributeName": name, "reason": "answered 404", "registrationId": "urn:x:r"}]
    assert (answer.status_code, answer.json()) == (207, {"updated": [name], "notUpdated": refused})
