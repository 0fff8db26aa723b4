"""Clauses 5.7.3, 5.7.4 over several brokers: what was observed anywhere is one evolution."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.peer import Peer, closed_port

WINDOW = "timerel=after&timeAt=2026-01-01T00:00:00Z"
OPERATIONS = ["retrieveTemporal", "queryTemporal"]


def at(day: int, value: int, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": f"2026-01-{day:02}T00:00:00Z", **more}


def entity(number: int = 1, **attributes: Any) -> dict[str, Any]:
    return {"id": f"urn:x:{number}", "type": "T", **attributes}


async def register(api: httpx.AsyncClient, port: int, **more: Any) -> None:
    body = {
        "id": "urn:x:r",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "T"}], "propertyNames": ["a", "b"]}],
        "observationInterval": {"startAt": "2020-01-01T00:00:00Z"},
        "operations": OPERATIONS,
        "endpoint": f"http://127.0.0.1:{port}",
    }
    assert (await api.post("csourceRegistrations", json=body | more)).status_code == 201


@pytest.fixture
async def both(api: httpx.AsyncClient, peer: Peer) -> httpx.AsyncClient:
    body = entity(a=[at(2, 2), at(4, 4)])
    assert (await api.post("temporal/entities", json=body)).status_code == 201
    await register(api, peer.port)
    return api


async def test_one_evolution_of_what_both_observed(both: httpx.AsyncClient, peer: Peer) -> None:
    peer.on("GET temporal/entities/urn:x:1", 200, entity(a=[at(3, 3), at(9, 9)], b=[at(3, 1)], c=[at(3, 1)]))
    told = (await both.get(f"temporal/entities/urn:x:1?{WINDOW}&options=temporalValues")).json()
    assert told["a"]["values"] == [[day, f"2026-01-0{day}T00:00:00Z"] for day in (2, 3, 4, 9)]
    assert (told["b"]["values"], "c" in told) == ([[1, "2026-01-03T00:00:00Z"]], False)
    alone = (await both.get(f"temporal/entities/urn:x:1?{WINDOW}&options=temporalValues&local=true")).json()
    assert [value for value, _ in alone["a"]["values"]] == [2, 4]


async def test_a_source_is_asked_for_the_window_and_no_more_than_it_registered(
    both: httpx.AsyncClient, peer: Peer
) -> None:
    peer.on("GET temporal/entities/urn:x:1", 200, entity())
    await both.get(f"temporal/entities/urn:x:1?{WINDOW}&lastN=2&attrs=a,c")
    ((method, target, headers, _),) = peer.asked
    asked = {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z", "lastN": "2", "attrs": "a", "options": "sysAttrs"}
    assert (method, dict(httpx.URL(target).params), headers["via"]) == ("GET", asked, "1.1 madang")


async def test_the_last_of_both_and_aggregates_of_both(both: httpx.AsyncClient, peer: Peer) -> None:
    peer.on("GET temporal/entities/urn:x:1", 200, entity(a=[at(3, 3), at(9, 9)]))
    last = (await both.get(f"temporal/entities/urn:x:1?{WINDOW}&lastN=3&options=temporalValues")).json()
    assert [value for value, _ in last["a"]["values"]] == [3, 4, 9]
    sums = (await both.get(f"temporal/entities/urn:x:1?{WINDOW}&options=aggregatedValues&aggrMethods=sum")).json()
    assert [total for total, _, _ in sums["a"]["sum"]] == [18]


async def test_of_the_same_moment_the_latest_word_counts(both: httpx.AsyncClient, peer: Peer) -> None:
    late = at(4, 5, modifiedAt="2099-01-01T00:00:00Z", instanceId="urn:x:i")
    peer.on("GET temporal/entities/urn:x:1", 200, entity(a=[at(2, 7), late]))
    told = (await both.get(f"temporal/entities/urn:x:1?{WINDOW}")).json()["a"]
    assert [one["value"] for one in told] == [2, 5]
    assert told[1]["instanceId"] == "urn:x:i"


async def test_a_query_finds_what_either_has(both: httpx.AsyncClient, peer: Peer) -> None:
    peer.on("GET temporal/entities", 200, [entity(a=[at(3, 3)]), entity(2, a=[at(5, 5)])])
    query = f"{WINDOW}&type=T&options=temporalValues,count"
    answer = await both.get(f"temporal/entities?{query}&count=true")
    values = {one["id"]: [value for value, _ in one["a"]["values"]] for one in answer.json()}
    assert (values, answer.headers["ngsild-results-count"]) == ({"urn:x:1": [2, 3, 4], "urn:x:2": [5]}, "2")
    second = await both.get(f"temporal/entities?{query}&limit=1&offset=1")
    assert [one["id"] for one in second.json()] == ["urn:x:2"]
    body = {
        "type": "Query",
        "entities": [{"type": "T"}],
        "temporalQ": {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z"},
    }
    by_body = (await both.post("temporal/entityOperations/query", json=body)).json()
    assert [one["id"] for one in by_body] == ["urn:x:1", "urn:x:2"]


async def test_an_entity_that_only_another_broker_knows(both: httpx.AsyncClient, peer: Peer) -> None:
    peer.on("GET temporal/entities/urn:x:2", 200, entity(2, a=[at(5, 5)]))
    peer.on("GET temporal/entities/urn:x:3", 404, {})
    assert (await both.get(f"temporal/entities/urn:x:2?{WINDOW}")).json()["a"][0]["value"] == 5
    assert (await both.get(f"temporal/entities/urn:x:3?{WINDOW}")).status_code == 404


@pytest.mark.parametrize(
    ("more", "asked"),
    [
        ({}, 1),
        ({"observationInterval": {"startAt": "2020-01-01T00:00:00Z", "endAt": "2021-01-01T00:00:00Z"}}, 0),
        ({"observationInterval": None}, 0),
        ({"operations": ["queryTemporal"]}, 1),
        ({"operations": ["retrieveEntity"]}, 0),
    ],
    ids=str,
)
async def test_who_is_asked(api: httpx.AsyncClient, peer: Peer, more: dict[str, Any], asked: int) -> None:
    await register(api, peer.port)
    assert (await api.patch("csourceRegistrations/urn:x:r", json=more)).status_code == 204
    peer.on("GET temporal/entities/urn:x:1", 200, entity())
    peer.on("GET temporal/entities", 200, [])
    await api.get(f"temporal/entities/urn:x:1?{WINDOW}")
    assert len(peer.asked) == asked


@pytest.mark.parametrize("answer", [(500, {}), (200, "no"), (200, entity(a=[5])), (200, None), (200, ["x"])], ids=str)
async def test_what_cannot_be_read_never_fails_the_local_answer(
    both: httpx.AsyncClient, peer: Peer, answer: tuple[int, Any]
) -> None:
    peer.on("GET temporal/entities/urn:x:1", *answer)
    told = await both.get(f"temporal/entities/urn:x:1?{WINDOW}&options=temporalValues")
    assert (told.status_code, [value for value, _ in told.json()["a"]["values"]]) == (200, [2, 4])
    assert "ngsild-warning" in told.headers


async def test_a_dead_source_is_a_warning(api: httpx.AsyncClient) -> None:
    await api.post("temporal/entities", json=entity(a=[at(2, 2)]))
    await register(api, closed_port())
    told = await api.get(f"temporal/entities?type=T&{WINDOW}")
    assert (told.status_code, [one["id"] for one in told.json()]) == (200, ["urn:x:1"])
    assert told.headers["ngsild-warning"].startswith('199 madang "urn:x:r: not reached')
