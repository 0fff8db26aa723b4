"""Clauses 5.16, 5.5.15, 6.3.22, 6.36 to 6.38: snapshots."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from tests.conformance.test_distributed import register
from tests.conftest import keeping_of, open_api
from tests.listening import Listener
from tests.peer import Peer
from tests.waiting import until

from madang.base.errors import TooManyResults
from madang.base.limits import SNAPSHOTS_MAX
from madang.context.copies import Copies, Copy
from madang.context.copying import status_of
from madang.history.past import open_past
from madang.people.ngsi.broker import Broker

ID, HERE = "urn:x:snap", "snapshots/urn:x:snap"
IN = {"ngsild-snapshot": ID}
QUERY = {"type": "Query", "entities": [{"type": "T"}], "q": "speed>5"}
NEAR = {"georel": "near;maxDistance==10", "geometry": "Point", "coordinates": [24.9, 60.1]}
PAST = {
    "type": "Query",
    "entities": [{"type": "T"}],
    "temporalQ": {"timerel": "before", "timeAt": "2026-01-02T00:00:00Z"},
}


def thing(number: int, speed: int, **more: Any) -> dict[str, Any]:
    seen = f"2026-01-{number:02}T00:00:00Z"
    return {"id": f"urn:x:{number}", "type": "T", "speed": {"value": speed, "observedAt": seen}, **more}


def snapshot(*queries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": ID, "type": "Snapshot", "snapshotQueries": list(queries)} | more


@pytest.fixture
async def city(api: httpx.AsyncClient) -> httpx.AsyncClient:
    location = {"type": "Point", "coordinates": [24.9, 60.1]}
    await api.post(
        "entityOperations/create", json=[thing(1, 10, location=location, name="a"), thing(2, 9), thing(3, 1)]
    )
    return api


async def ready(api: httpx.AsyncClient, path: str = HERE) -> dict[str, Any]:
    """The status once it is prepared."""
    told: dict[str, Any] = {}

    async def done() -> bool:
        told.update((await api.get(path)).json())
        return told["snapshotStatus"] != "preparing"

    await until(done, "a snapshot that is ready")
    return told


async def ids(api: httpx.AsyncClient, path: str = "entities?type=T", **headers: str) -> list[str]:
    return [one["id"] for one in (await api.get(path, headers=headers)).json()]


async def test_a_snapshot_stays_as_it_was(city: httpx.AsyncClient) -> None:
    made = await city.post("snapshots", json=snapshot(QUERY, snapshotLifetime="PT1H", snapshotPriority=7))
    assert (made.status_code, made.headers["location"]) == (201, "/ngsi-ld/v1/snapshots/urn:x:snap")
    told = await ready(city)
    times = {name: told[name] for name in ("createdAt", "modifiedAt", "expiresAt", "lastUsedAt")}
    assert told == snapshot(QUERY, snapshotLifetime="PT1H", snapshotPriority=7) | times | {
        "snapshotStatus": "success",
        "snapshotQueriesDetails": [{"resultStatus": "success"}],
    }
    lives = datetime.fromisoformat(told["expiresAt"]) - datetime.fromisoformat(told["createdAt"])
    assert timedelta(minutes=59) < lives < timedelta(minutes=61)
    before = (await city.get("entities/urn:x:1?options=sysAttrs")).json()
    await city.patch("entities/urn:x:1/attrs/speed", json={"value": 99})
    await city.delete("entities/urn:x:2")
    inside = await city.get("entities/urn:x:1?options=sysAttrs", headers=IN)
    assert (inside.json(), inside.headers["ngsild-snapshot"]) == (before, ID)
    assert await ids(city, **IN) == ["urn:x:1", "urn:x:2"]
    near = "entities?type=T&georel=near;maxDistance==10&geometry=Point&coordinates=[24.9,60.1]"
    assert (await ids(city, near, **IN), (await city.get("types", headers=IN)).json()["typeList"]) == (
        ["urn:x:1"],
        ["T"],
    )


async def test_what_is_written_in_a_snapshot_stays_there(city: httpx.AsyncClient) -> None:
    await city.post("snapshots", json=snapshot(QUERY))
    await ready(city)
    assert (await city.patch("entities/urn:x:1", json={"speed": 77}, headers=IN)).status_code == 204
    assert (await city.post("entities", json=thing(9, 9), headers=IN)).status_code == 201
    assert await ids(city, "entities?type=T&q=speed>76", **IN) == ["urn:x:1"]
    assert await ids(city) == ["urn:x:1", "urn:x:2", "urn:x:3"]
    assert (await city.get("entities?type=T&q=speed>76")).json() == []


async def test_a_snapshot_of_the_past(city: httpx.AsyncClient) -> None:
    await city.post("snapshots", json={"id": ID, "type": "Snapshot", "snapshotTemporalQueries": [PAST]})
    told = await ready(city)
    assert told["snapshotTemporalQueriesDetails"] == [{"resultStatus": "success"}]
    path = "temporal/entities?type=T&timerel=after&timeAt=2020-01-01T00:00:00Z&options=temporalValues"
    (one,) = (await city.get(path, headers=IN)).json()
    assert (one["id"], one["speed"]["values"]) == ("urn:x:1", [[10, "2026-01-01T00:00:00Z"]])
    assert await ids(city, **IN) == []


async def test_only_what_a_query_picks_is_kept(city: httpx.AsyncClient) -> None:
    picks = [QUERY | {"pick": ["id", "type", "name"]}, QUERY | {"pick": ["id", "type", "speed"]}]
    for queries, kept in (
        (picks[:1], {"name"}),
        (picks, {"name", "speed"}),
        ([QUERY | {"omit": ["speed"]}], {"name", "location"}),
    ):
        await city.post("snapshots", json=snapshot(*queries))
        await ready(city)
        shown = (await city.get("entities/urn:x:1", headers=IN)).json()
        assert shown.keys() == kept | {"id", "type"}
        await city.delete(HERE)


@pytest.mark.parametrize(
    ("queries", "status", "details"),
    [
        ([QUERY | {"q": "speed>50"}], "empty", ["empty"]),
        ([QUERY | {"geoQ": NEAR}], "success", ["success"]),
        ([QUERY, QUERY | {"q": "speed>50"}], "partial", ["success", "empty"]),
        (
            [QUERY, QUERY | {"ordering": {"orderBy": ["speed"], "collation": "nowhere"}}],
            "partial",
            ["success", "failure"],
        ),
    ],
)
async def test_how_queries_went(city: httpx.AsyncClient, queries: Any, status: str, details: list[str]) -> None:
    await city.post("snapshots", json=snapshot(*queries))
    told = await ready(city)
    shown = [one["resultStatus"] for one in told["snapshotQueriesDetails"]]
    assert (told["snapshotStatus"], shown) == (status, details)


@pytest.mark.parametrize(
    ("results", "status"),
    [
        (["success"], "success"),
        (["failure"], "failure"),
        (["failure", "empty"], "empty"),
        (["failure", "success"], "partial"),
    ],
)
def test_a_status_is_what_results_come_to(results: list[str], status: str) -> None:
    assert status_of({"a": [{"resultStatus": one} for one in results]}) == status


WRONG: list[Any] = [
    [],
    {"type": "Snapshot"},
    snapshot(),
    snapshot(QUERY | PAST),
    snapshot(QUERY, snapshotTemporalQueries=[QUERY]),
    snapshot({"type": "Query", "entities": [{"type": "T"}], "q": "a[["}),
    snapshot({"type": "Query"}),
    snapshot(QUERY, snapshotPriority=0),
    snapshot(QUERY, snapshotPriority=True),
    snapshot(QUERY, snapshotLifetime="1h"),
    snapshot(QUERY, endpoint="ftp://x"),
    snapshot(QUERY, receiverInfo=[{"key": 1}]),
    snapshot(QUERY, id="no uri"),
    snapshot(*[QUERY] * 51),
]


@pytest.mark.parametrize("body", WRONG, ids=lambda one: str(one)[-40:])
async def test_what_is_no_snapshot(city: httpx.AsyncClient, body: Any) -> None:
    answer = await city.post("snapshots", json=body)
    assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (400, "BadRequestData")


async def test_a_snapshot_is_changed_and_deleted(city: httpx.AsyncClient) -> None:
    assert [(await city.post("snapshots", json=snapshot(QUERY))).status_code for _ in range(2)] == [201, 409]
    told = await ready(city)
    changed = await city.patch(
        HERE, json={"snapshotPriority": 9, "snapshotLifetime": "PT5M", "snapshotStatus": "failure"}
    )
    shown = changed.json()
    assert (changed.status_code, shown) == (
        200,
        told
        | {"snapshotPriority": 9, "snapshotLifetime": "PT5M"}
        | {name: shown[name] for name in ("modifiedAt", "expiresAt")},
    )
    assert datetime.fromisoformat(shown["expiresAt"]) < datetime.now(UTC) + timedelta(minutes=6)
    refused = [{"id": "urn:x:2"}, {"snapshotQueries": [QUERY]}, {"snapshotPriority": 11}, {"type": "T"}]
    assert [(await city.patch(HERE, json=body)).status_code for body in refused] == [400] * 4
    assert [(await city.delete(HERE)).status_code for _ in range(2)] == [204, 404]
    assert (await city.get("entities?type=T", headers=IN)).status_code == 404


async def test_nothing_is_left_of_a_deleted_snapshot(city: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'public\\_snapshot\\_%'"
    before = await pool.fetchval(schemas)
    await city.post("snapshots", json=snapshot(QUERY))
    await ready(city)
    await ids(city, **IN)
    assert await pool.fetchval(schemas) == before + 1
    await city.delete(HERE)
    assert await pool.fetchval(schemas) == before


async def test_snapshots_are_purged_by_what_they_are(city: httpx.AsyncClient) -> None:
    for number in (1, 2, 3):
        await city.post("snapshots", json=snapshot(QUERY, id=f"urn:s:{number}", snapshotPriority=number))
        await ready(city, f"snapshots/urn:s:{number}")
    assert [
        (await city.delete(f"snapshots{more}")).status_code for more in ("", "?q=speed>1", "?q=snapshotPriority>8")
    ] == [400, 400, 404]
    assert (await city.delete('snapshots?q=snapshotStatus=="success";snapshotPriority<3')).status_code == 204
    assert [(await city.get(f"snapshots/urn:s:{number}")).status_code for number in (1, 2, 3)] == [404, 404, 200]


async def test_a_clone_is_a_snapshot_of_its_own(city: httpx.AsyncClient) -> None:
    await city.post("snapshots", json=snapshot(QUERY, snapshotTemporalQueries=[PAST]))
    await ready(city)
    await city.patch("entities/urn:x:1", json={"speed": 77}, headers=IN)
    made = await city.post(f"{HERE}/clone", json={"type": "Snapshot", "id": "urn:x:twin"})
    assert (made.status_code, made.headers["location"]) == (201, "/ngsi-ld/v1/snapshots/urn:x:twin")
    told = await ready(city, "snapshots/urn:x:twin")
    assert (told["snapshotStatus"], told["snapshotQueries"], told["snapshotPriority"]) == ("success", [QUERY], 5)
    await city.delete(HERE)
    twin = {"ngsild-snapshot": "urn:x:twin"}
    assert await ids(city, "entities?type=T&q=speed>76", **twin) == ["urn:x:1"]
    path = "temporal/entities?type=T&timerel=after&timeAt=2020-01-01T00:00:00Z"
    assert await ids(city, path, **twin) == ["urn:x:1"]
    again = [
        await city.post("snapshots/urn:x:twin/clone", json=body) for body in ({"id": "urn:x:twin"}, snapshot(QUERY))
    ]
    assert [answer.status_code for answer in again] == [409, 400]
    assert (await city.post("snapshots/urn:x:no/clone", json={})).status_code == 404


@pytest.mark.parametrize("path", ["subscriptions", "csourceRegistrations", "snapshots/urn:x:snap", "jsonldContexts"])
async def test_a_snapshot_has_entities_and_their_past_only(city: httpx.AsyncClient, path: str) -> None:
    await city.post("snapshots", json=snapshot(QUERY))
    await ready(city)
    answer = await city.get(path, headers=IN)
    assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (422, "OperationNotSupported")


async def test_what_is_over_is_gone(city: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    await city.post("snapshots", json=snapshot(QUERY))
    await ready(city)
    await pool.execute("UPDATE snapshot SET expires_at = now() - interval '1 second'")
    assert [(await city.get(HERE)).status_code, (await city.get("entities?type=T", headers=IN)).status_code] == [
        404,
        404,
    ]


async def test_a_snapshot_whose_maker_died_says_so(city: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    copies, expires = Copies(pool), datetime.now(UTC) + timedelta(hours=1)
    maker = await pool.acquire()
    await copies.create(ID, await copies.reserve(maker), {"snapshotQueries": [QUERY, QUERY]}, expires)
    assert (await city.get(HERE)).json()["snapshotStatus"] == "preparing"
    assert (await city.get("entities?type=T", headers=IN)).status_code == 503
    await pool.release(maker)
    told = (await city.get(HERE)).json()
    shown = [(one["resultStatus"], one["problemDetails"]["title"]) for one in told["snapshotQueriesDetails"]]
    assert (told["snapshotStatus"], shown) == ("failure", [("failure", "Interrupted")] * 2)


async def test_snapshots_are_there_after_a_restart(
    city: httpx.AsyncClient, broker: Broker, pool: asyncpg.Pool, dsn: str
) -> None:
    await city.post("snapshots", json=snapshot(QUERY))
    await ready(city)
    await city.delete("entities/urn:x:1")
    async with open_api(broker, pool, open_past(pool), keeping_of(dsn, pool, broker)) as other:
        assert await ids(other, **IN) == ["urn:x:1", "urn:x:2"]


def copy(number: int, priority: int) -> Copy:
    now = datetime.now(UTC)
    return Copy(f"urn:s:{number}", "", {"snapshotPriority": priority}, "", {}, now, now, now, now)


async def test_the_least_makes_room(pool: asyncpg.Pool) -> None:
    copies, ends = Copies(pool), datetime.now(UTC) + timedelta(hours=1)
    for number in range(SNAPSHOTS_MAX):
        assert await copies.room_for(1) is None
        body = {"snapshotPriority": 3 if number < 4 else 5}
        await copies.create(f"urn:s:{number}", 10_000 + number, body, ends - timedelta(seconds=number % 4))
    least = await copies.room_for(3)
    assert least is not None and least.id == "urn:s:3"
    with pytest.raises(TooManyResults):
        await copies.room_for(2)


async def test_who_asked_is_told_when_it_is_ready_and_when_it_changes(
    city: httpx.AsyncClient, listener: Listener
) -> None:
    more = {"endpoint": listener.url, "receiverInfo": [{"key": "x-mine", "value": "yes"}]}
    await city.post("snapshots", json=snapshot(QUERY, snapshotTemporalQueries=[PAST], **more))
    await until(lambda: listener.bodies, "a notification")
    shown, first = await ready(city), listener.bodies[0]
    assert ("x-mine: yes" in listener.heads[0].lower(), first) == (
        True,
        {
            "id": first["id"],
            "type": "SnapshotNotification",
            "notifiedAt": first["notifiedAt"],
            "snapshotId": ID,
            "snapshotStatus": "success",
            "snapshotPriority": 5,
            "expiresAt": shown["expiresAt"],
            "snapshotQueriesDetails": [{"resultStatus": "success"}],
            "temporalSnapshotQueriesDetails": [{"resultStatus": "success"}],
        },
    )
    await city.patch(HERE, json={"snapshotPriority": 2})
    await until(lambda: listener.bodies[1:], "another notification")
    second = listener.bodies[1]
    assert (second["snapshotPriority"], second["snapshotStatus"]) == (2, "success")


async def test_what_other_brokers_hold_is_in_it(city: httpx.AsyncClient, peer: Peer) -> None:
    await register(city, peer.port, operations=["retrieveOps"])
    far = {"id": "urn:x:8", "type": "T", "speed": 50, "location": {"type": "Point", "coordinates": [1.0, 2.0]}}
    peer.on("GET entities", 200, [far, {"id": "urn:x:1", "type": "T", "more": 1}])
    await city.post("snapshots", json=snapshot(QUERY))
    assert (await ready(city))["snapshotStatus"] == "success"
    peer.asked.clear()
    shown = (await city.get("entities?type=T&options=keyValues", headers=IN)).json()
    assert {one["id"]: sorted(one.keys() - {"id", "type"}) for one in shown} == {
        "urn:x:1": ["location", "more", "name", "speed"],
        "urn:x:2": ["speed"],
        "urn:x:8": ["location", "speed"],
    }
    near = "entities?type=T&georel=near;maxDistance==10&geometry=Point&coordinates=[1,2]"
    assert (await ids(city, near, **IN), peer.asked) == (["urn:x:8"], [])


async def test_a_snapshot_is_of_one_moment(city: httpx.AsyncClient) -> None:
    """Two entities change together, over and over: no snapshot sees one changed and not the other."""
    for turn in range(8):
        writes = [
            city.post("entityOperations/upsert", json=[thing(number, 6 + value) for number in (1, 2)])
            for value in range(5)
        ]
        await asyncio.gather(city.post("snapshots", json=snapshot(QUERY, QUERY, id=f"urn:s:{turn}")), *writes)
        await ready(city, f"snapshots/urn:s:{turn}")
        inside = (
            await city.get("entities?type=T&options=keyValues&limit=2", headers={"ngsild-snapshot": f"urn:s:{turn}"})
        ).json()
        assert inside[0]["speed"] == inside[1]["speed"]
