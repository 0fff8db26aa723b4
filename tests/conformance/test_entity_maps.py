"""Clauses 5.14, 5.5.9.3, 5.7.1, 5.7.2, 6.32, 6.34, 6.35: entity maps, and pages through them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conformance.test_distributed import entity, register, value
from tests.peer import Peer

from madang.base.errors import BadRequest
from madang.base.limits import ENTITY_MAPS_MAX
from madang.context.entity_maps import EntityMap, EntityMaps, Entry
from madang.people.ngsi.lifetimes import until

AFTER = "timerel=after&timeAt=2020-01-01T00:00:00Z"


def thing(number: int, speed: int = 10) -> dict[str, Any]:
    return {"id": f"urn:x:{number:03}", "type": "T", "speed": {"value": speed, "observedAt": "2026-01-01T00:00:00Z"}}


def ids(answer: httpx.Response) -> list[int]:
    return [int(one["id"].rsplit(":")[-1]) for one in answer.json()]


def following(answer: httpx.Response) -> str | None:
    found = re.search(r'<([^>]*)>;rel="next"', answer.headers.get("link", ""))
    return None if found is None else "http://localhost:8600" + found[1]


async def fill(api: httpx.AsyncClient, count: int) -> None:
    await api.post("entityOperations/upsert", json=[thing(number) for number in range(count)])


async def test_a_map_as_a_resource(api: httpx.AsyncClient) -> None:
    await fill(api, 2)
    made = await api.get("entityMaps?type=T&entityMapLifetime=PT10M")
    (identifier,) = {made.json()["id"], made.headers["ngsild-entitymap"].removeprefix("/ngsi-ld/v1/entityMaps/")}
    shown = made.json()
    assert (made.status_code, shown) == (
        201,
        {
            "id": identifier,
            "type": "EntityMap",
            "expiresAt": shown["expiresAt"],
            "entityMap": {"urn:x:000": ["@none"], "urn:x:001": ["@none"]},
            "linkedMaps": {},
        },
    )
    ends = datetime.fromisoformat(shown["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=9) < ends < timedelta(minutes=11)
    path = f"entityMaps/{identifier}"
    assert ((await api.get(path)).json(), (await api.get("entityMaps/urn:x:nothing")).status_code) == (shown, 404)
    later = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    assert (await api.patch(path, json={"expiresAt": later, "entityMap": {}})).status_code == 204
    changed = (await api.get(path)).json()
    assert changed == shown | {"expiresAt": changed["expiresAt"]}
    assert datetime.fromisoformat(changed["expiresAt"]) - datetime.now(UTC) > timedelta(minutes=110)
    refused = [{"expiresAt": "2020-01-01T00:00:00Z"}, {"expiresAt": "soon"}, {"type": "Map"}, []]
    assert [(await api.patch(path, json=body)).status_code for body in refused] == [400] * 4
    assert [(await api.delete(path)).status_code for _ in range(2)] == [204, 404]


async def test_a_map_of_a_query_in_a_body(api: httpx.AsyncClient) -> None:
    await fill(api, 3)
    body = {"type": "Query", "entities": [{"type": "T", "id": ["urn:x:001", "urn:x:002"]}], "q": "speed>5"}
    made = await api.post("entityMaps", json=body)
    assert (made.status_code, made.json()["entityMap"].keys()) == (201, {"urn:x:001", "urn:x:002"})
    page = await api.post(
        "entityOperations/query?limit=1", json=body | {"entityMap": True, "entityMapLifetime": "PT1M"}
    )
    assert (page.status_code, ids(page), "ngsild-entitymap" in page.headers) == (201, [1], True)


WRONG = ["id=urn:x:1", "type=T&entityMapLifetime=1h", "type=T&q=a%5B"]


@pytest.mark.parametrize("path", [f"{one}?{query}" for one in ("entityMaps", "entities") for query in WRONG])
async def test_what_makes_no_map(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(f"{path}&entityMap=true")
    assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (400, "BadRequestData")


async def test_what_fits_no_more_goes_out_and_pages_stay_full(api: httpx.AsyncClient) -> None:
    await fill(api, 6)
    first = await api.get("entities?type=T&q=speed>5&limit=2&entityMap=true&count=true")
    told = {"ngsild-entitymap": first.headers["ngsild-entitymap"]}
    assert (first.status_code, ids(first), first.headers["ngsild-results-count"]) == (201, [0, 1], "6")
    await api.patch("entities/urn:x:002/attrs/speed", json={"value": 1})
    await api.delete("entities/urn:x:003")
    await fill(api, 9)
    await api.patch("entities/urn:x:002/attrs/speed", json={"value": 1})
    await api.delete("entities/urn:x:003")
    second = await api.get(following(first) or "", headers=told)
    assert (second.status_code, ids(second), following(second)) == (200, [4, 5], None)
    assert second.headers["ngsild-entitymap"] == told["ngsild-entitymap"]
    shown = await api.get(told["ngsild-entitymap"].removeprefix("/ngsi-ld/v1/"))
    assert shown.json()["entityMap"].keys() == {f"urn:x:{number:03}" for number in (0, 1, 4, 5)}


async def test_another_query_leaves_the_map_as_it_is(api: httpx.AsyncClient) -> None:
    await fill(api, 4)
    await api.patch("entities/urn:x:001/attrs/speed", json={"value": 1})
    made = (await api.get("entityMaps?type=T")).headers["ngsild-entitymap"]
    answer = await api.get("entities?type=T&q=speed>5&limit=2", headers={"ngsild-entitymap": made})
    assert (ids(answer), following(answer)) == (
        [0, 2],
        "http://localhost:8600/ngsi-ld/v1/entities?type=T&q=speed%3E5&limit=2&offset=3",
    )
    assert ids(await api.get(following(answer) or "", headers={"ngsild-entitymap": made})) == [3]
    assert len((await api.get(made.removeprefix("/ngsi-ld/v1/"))).json()["entityMap"]) == 4


async def test_a_map_that_is_over_is_made_anew(api: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    await fill(api, 2)
    made = (await api.get("entityMaps?type=T")).headers["ngsild-entitymap"]
    await pool.execute("UPDATE entity_map SET expires_at = now() - interval '1 second'")
    answer = await api.get("entities?type=T", headers={"ngsild-entitymap": made})
    assert (answer.status_code, ids(answer), answer.headers["ngsild-entitymap"] != made) == (201, [0, 1], True)
    assert (await api.get(made.removeprefix("/ngsi-ld/v1/"))).status_code == 404
    await EntityMaps(pool).sweep()
    assert await pool.fetchval("SELECT count(*) FROM entity_map") == 1


async def test_a_purge_by_a_map_leaves_what_came_later(api: httpx.AsyncClient) -> None:
    await fill(api, 2)
    told = {"ngsild-entitymap": (await api.get("entityMaps?type=T")).headers["ngsild-entitymap"]}
    await fill(api, 3)
    gone = await api.delete("entities?type=T", headers=told)
    assert (gone.status_code, ids(await api.get("entities?type=T"))) == (204, [2])
    assert (await api.delete("entities?type=T", headers={"ngsild-entitymap": "urn:x:no"})).status_code == 404


async def test_maps_have_a_bound(pool: asyncpg.Pool) -> None:
    maps, now = EntityMaps(pool), datetime.now(UTC)
    made = [EntityMap(False, "", now + timedelta(seconds=60 + n), id=f"urn:m:{n}") for n in range(ENTITY_MAPS_MAX + 3)]
    for one in made:
        await maps.create(one, [Entry("urn:x:1")])
    left = await pool.fetch("SELECT id FROM entity_map")
    assert {record["id"] for record in left} == {one.id for one in made[3:]}
    assert await pool.fetchval("SELECT count(*) FROM entity_map_entry") == ENTITY_MAPS_MAX


async def test_the_order_of_a_map_is_that_of_its_query(api: httpx.AsyncClient) -> None:
    await api.post("entityOperations/create", json=[thing(number, speed) for number, speed in enumerate([3, 1, 2])])
    first = await api.get("entities?type=T&orderBy=speed&limit=2&entityMap=true")
    rest = await api.get(following(first) or "", headers={"ngsild-entitymap": first.headers["ngsild-entitymap"]})
    assert (ids(first), ids(rest)) == ([1, 2], [0])


async def test_one_entity_by_a_map(api: httpx.AsyncClient) -> None:
    await fill(api, 1)
    answer = await api.get("entities/urn:x:000?entityMap=true")
    made = answer.headers["ngsild-entitymap"]
    shown = (await api.get(made.removeprefix("/ngsi-ld/v1/"))).json()
    assert (answer.status_code, shown["entityMap"]) == (200, {"urn:x:000": ["@none"]})
    again = await api.get("entities/urn:x:000", headers={"ngsild-entitymap": made})
    assert (again.status_code, again.headers["ngsild-entitymap"]) == (200, made)


PAST_QUERY = {
    "type": "Query",
    "entities": [{"type": "T"}],
    "temporalQ": {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"},
}
PAST: list[tuple[str, str, str, Any]] = [
    ("GET", f"temporal/entities?type=T&{AFTER}", f"temporal/entityMaps?type=T&{AFTER}", None),
    ("POST", "temporal/entityOperations/query?", "temporal/entityMaps?", PAST_QUERY),
]


@pytest.mark.parametrize(("method", "path", "resource", "body"), PAST)
async def test_the_past_by_a_map(api: httpx.AsyncClient, method: str, path: str, resource: str, body: Any) -> None:
    await fill(api, 3)
    first = await api.request(method, f"{path}&limit=2&entityMap=true", json=body)
    await fill(api, 5)
    told = {"ngsild-entitymap": first.headers["ngsild-entitymap"]}
    rest = await api.request(method, f"{path}&limit=2&offset=2", json=body, headers=told)
    assert (first.status_code, ids(first), rest.status_code, ids(rest)) == (201, [0, 1], 200, [2])
    made = await api.request(method, resource, json=body)
    assert (made.status_code, len(made.json()["entityMap"])) == (201, 5)


async def test_a_map_of_the_past_is_none_of_the_present(api: httpx.AsyncClient) -> None:
    await fill(api, 1)
    told = {"ngsild-entitymap": (await api.get(f"temporal/entityMaps?type=T&{AFTER}")).headers["ngsild-entitymap"]}
    answer = await api.get("entities?type=T", headers=told)
    assert (answer.status_code, answer.headers["ngsild-entitymap"] != told["ngsild-entitymap"]) == (201, True)


CHANGES = st.lists(
    st.tuples(st.sampled_from(["make", "drop", "slow", "fast"]), st.integers(0, 14)), min_size=0, max_size=4
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CHANGES, min_size=12, max_size=12), st.integers(1, 4), st.booleans())
async def test_pages_are_a_partition_while_entities_change(
    api: httpx.AsyncClient, changes: list[list[tuple[str, int]]], limit: int, by_links: bool
) -> None:
    await api.delete("entities?type=T")
    await fill(api, 10)
    begun, steady, pages = set(range(10)), set(range(10)), []
    answer = await api.get(f"entities?type=T&q=speed>5&limit={limit}&entityMap=true")
    told = {"ngsild-entitymap": answer.headers["ngsild-entitymap"]}
    for some in changes:
        pages.append(ids(answer))
        for kind, number in some:
            path = f"entities/urn:x:{number:03}"
            writes = {
                "make": ("POST", "entities", thing(number)),
                "drop": ("DELETE", path, None),
                "slow": ("PATCH", f"{path}/attrs/speed", {"value": 1}),
                "fast": ("PATCH", f"{path}/attrs/speed", {"value": 9}),
            }
            method, where, body = writes[kind]
            await api.request(method, where, json=body)
            steady -= {number} if kind in ("drop", "slow") else set()
        turn = following(answer)
        plain = f"entities?type=T&q=speed>5&limit={limit}&offset={limit * len(pages)}"
        answer = await api.get((turn if by_links and turn else plain), headers=told)
    shown = [number for page in pages for number in page]
    assert len(shown) == len(set(shown))
    assert steady <= set(shown) <= begun
    full = [len(page) == limit for page in pages]
    assert full == sorted(full, reverse=True)


async def test_peers_are_asked_through_their_own_maps(api: httpx.AsyncClient, peer: Peer) -> None:
    await api.post("entities", json=entity(name=value(2)))
    operations = ["federationOps"]
    await register(api, peer.port, operations=operations)
    there = {"urn:x:1": ["@none"], "urn:x:2": ["@none"], "no id": ["@none"]}
    peer.on("GET entityMaps", 201, {"id": "urn:m:peer", "type": "EntityMap", "entityMap": there, "linkedMaps": {}})
    warned = await api.get("entityMaps?type=T")
    assert (warned.json()["linkedMaps"], "urn:x:r" in warned.headers["ngsild-warning"]) == ({}, True)
    del there["no id"]
    peer.on("GET entityMaps", 201, {"id": "urn:m:peer", "type": "EntityMap", "entityMap": there, "linkedMaps": {}})
    peer.on(
        "GET entities", 200, [entity(more=value(3)), {"id": "urn:x:2", "type": "T"}, {"id": "urn:x:3", "type": "T"}]
    )
    peer.asked.clear()
    answer = await api.get("entities?type=T&q=more>1|name>1&entityMap=true")
    made = await api.get(answer.headers["ngsild-entitymap"].removeprefix("/ngsi-ld/v1/"))
    assert (answer.status_code, [one["id"] for one in answer.json()]) == (201, ["urn:x:1", "urn:x:2"])
    assert made.json()["entityMap"] == {"urn:x:1": ["@none", "urn:x:r"], "urn:x:2": ["urn:x:r"]}
    assert made.json()["linkedMaps"] == {"urn:x:r": "urn:m:peer"}
    (_, mapped, _, _), (_, asked, headers, _) = peer.asked
    assert dict(httpx.URL(mapped).params) == {"type": "T", "q": "more>1|name>1"}
    assert (headers["ngsild-entitymap"], httpx.URL(asked).params["id"]) == ("urn:m:peer", "urn:x:1,urn:x:2")


async def test_split_entities_are_put_together_before_conditions_are_asked(api: httpx.AsyncClient, peer: Peer) -> None:
    await api.post("entityOperations/create", json=[entity(name=value(2)), {"id": "urn:x:4", "type": "T", "name": 1}])
    await register(api, peer.port, operations=["retrieveOps"])
    peer.on("GET entities", 200, [entity(speed=value(5)), {"id": "urn:x:2", "type": "T", "speed": 9}])
    answer = await api.get("entities?type=T&q=speed>1;name>1&splitEntities=true&entityMap=true&options=keyValues")
    assert answer.json() == [{"id": "urn:x:1", "type": "T", "name": 2, "speed": 5}]
    made = await api.get(answer.headers["ngsild-entitymap"].removeprefix("/ngsi-ld/v1/"))
    assert made.json()["entityMap"] == {"urn:x:1": ["@none", "urn:x:r"]}
    assert ["q" in dict(httpx.URL(target).params) for _, target, _, _ in peer.asked] == [False, False]


async def test_a_peer_without_maps_is_asked_as_ever(api: httpx.AsyncClient, peer: Peer) -> None:
    await register(api, peer.port, operations=["federationOps"])
    peer.on("GET entityMaps", 404, {"type": "about:blank", "title": "?"})
    peer.on("GET entities", 200, [entity(speed=value(5))])
    made = await api.get("entityMaps?type=T")
    assert (made.json()["entityMap"], made.json()["linkedMaps"]) == ({"urn:x:1": ["urn:x:r"]}, {})


async def test_one_entity_is_asked_only_where_its_map_says(api: httpx.AsyncClient, peer: Peer) -> None:
    await api.post("entities", json=entity(name=value(2)))
    made = (await api.get("entities/urn:x:1?entityMap=true")).headers["ngsild-entitymap"]
    await register(api, peer.port)
    peer.on("GET entities/urn:x:1", 200, entity(more=value(3)))
    mapped = await api.get("entities/urn:x:1?options=keyValues", headers={"ngsild-entitymap": made})
    plain = await api.get("entities/urn:x:1?options=keyValues")
    assert (mapped.json().keys() ^ plain.json().keys(), len(peer.asked)) == ({"more"}, 1)


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.integers(1, 10**6), st.integers(1, 10**5), st.integers(1, 10**5))
def test_a_lifetime_is_what_was_asked_but_never_more(asked: int, default: int, most: int) -> None:
    assert until(f"PT{asked}S", NOW, default, most) == NOW + timedelta(seconds=min(asked, most))
    assert until(None, NOW, default, most) == NOW + timedelta(seconds=default)


@pytest.mark.parametrize("text", ["PT0S", "1h", 5, "P", "-PT1S"])
def test_no_lifetime(text: Any) -> None:
    with pytest.raises(BadRequest):
        until(text, NOW, 1, 1)
