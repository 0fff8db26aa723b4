"""What an app's token opens: what was granted, and nothing beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests.callers import OPERATOR, app
from tests.conftest import Nothing, keeping_of
from tests.people.test_live import Client
from tests.waiting import until

from madang.context.entity_maps import EntityMaps
from madang.context.subscriptions import Subscriptions
from madang.federation.federation import Federation
from madang.history.past import open_past
from madang.people.gateway import Gateway
from madang.people.http import Request, Response
from madang.people.live import Live
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.routes import NgsiLd
from madang.runtime.apps import Apps
from madang.trust.caller import Caller, Claim
from madang.trust.policy.subjects import Grant
from madang.trust.principal import Principal

APP = app(
    "a",
    Grant("read", "Signal"),
    Grant("read", "Weather", frozenset({"rain", "location"})),
    Grant("read", "Secret", frozenset()),
    Grant("write", "Note", frozenset({"text"})),
    Grant("command", "signal.stage"),
)
ALWAYS = "timerel=after&timeAt=2000-01-01T00:00:00Z&timeproperty=modifiedAt"
PLACE = {"type": "Point", "coordinates": [1, 2]}
ENTITIES = [
    {"id": "urn:x:s", "type": "Signal", "state": "G", "rain": 9},
    {"id": "urn:x:w", "type": "Weather", "rain": 1, "operator": "who", "location": PLACE},
    {"id": "urn:x:p", "type": "Person", "name": "누구"},
    {"id": "urn:x:n", "type": "Note", "text": "a", "owner": "b"},
]


@pytest.fixture
async def door(
    broker: Broker, pool: asyncpg.Pool, dsn: str, api: httpx.AsyncClient
) -> AsyncIterator[httpx.AsyncClient]:
    """The app door: no port, so nobody without a token is anybody."""
    await api.post("entityOperations/create", json=ENTITIES)

    async def by_token(token: str) -> Caller | None:
        return {"good": APP}.get(token)

    async def metrics(request: Request) -> Response:
        return Response(200)

    async def no_sockets(*_: object) -> None:
        return None

    ngsi = NgsiLd(
        broker,
        Subscriptions(pool),
        open_past(pool),
        Federation(pool, broker.contexts),
        EntityMaps(pool),
        keeping_of(dsn, pool, broker),
    )
    app = Gateway(
        ngsi,
        Nothing(),
        Nothing(),
        Nothing(),
        metrics,
        no_sockets,
        by_token,
        OPERATOR,
    )

    async def by_socket(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {"server": ("/door", None)}, receive, send)

    transport = httpx.ASGITransport(app=by_socket)
    async with httpx.AsyncClient(transport=transport, base_url="http://madang/ngsi-ld/v1/") as client:
        yield client


GOOD = {"authorization": "Bearer good"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("entities?type=Person", 403),
        ("entities?type=Signal,Person", 403),
        ("entities?type=*", 200),
        ("entities/urn:x:p", 404),
        ("entities/urn:x:s", 200),
        ("entities?type=Weather&q=rain>0", 200),
        ("entities?type=Weather&q=operator", 403),
        ("entities?type=Weather&q=operator!=%22x%22", 403),
        ("entities?type=Weather&q=rain>0|operator", 403),
        ("entities?type=Weather&attrs=operator", 403),
        ("entities?type=Signal,Weather&q=state", 403),
        ("entities?q=state", 403),
        ("entities?type=Signal&georel=near;maxDistance==9&geometry=Point&coordinates=[1,2]", 200),
        ("entities?type=Secret&q=x", 403),
        ("subscriptions", 403),
    ],
)
async def test_reads(door: httpx.AsyncClient, path: str, status: int) -> None:
    assert (await door.get(path, headers=GOOD)).status_code == status


async def test_an_app_sees_no_entity_map_but_its_own(door: httpx.AsyncClient, api: httpx.AsyncClient) -> None:
    field = "ngsild-entitymap"
    theirs = (await api.get("entityMaps?type=Signal,Person")).headers[field].removeprefix("/ngsi-ld/v1/")
    mine = (await door.get("entityMaps?type=Signal", headers=GOOD)).headers[field].removeprefix("/ngsi-ld/v1/")
    told = [(await door.get(path, headers=GOOD)).status_code for path in (theirs, mine)]
    gone = [(await door.delete(path, headers=GOOD)).status_code for path in (theirs, mine)]
    assert (told, gone) == ([404, 200], [404, 204])
    other = await door.get("entities?type=Signal", headers=GOOD | {field: theirs})
    assert (other.status_code, [one["id"] for one in other.json()]) == (201, ["urn:x:s"])
    assert (await door.get("entityMaps?type=Person", headers=GOOD)).status_code == 403


async def test_an_app_makes_no_snapshots(door: httpx.AsyncClient, api: httpx.AsyncClient) -> None:
    query = {"type": "Query", "entities": [{"type": "Signal"}]}
    body = {"type": "Snapshot", "snapshotQueries": [query]}
    assert (await door.post("snapshots", json=body, headers=GOOD)).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "temporal/entities/urn:x:s", 200),
        ("GET", "temporal/entities/urn:x:p", 404),
        ("GET", f"temporal/entities?type=Person&{ALWAYS}", 403),
        ("GET", f"temporal/entities?type=Weather&{ALWAYS}&q=operator", 403),
        ("GET", f"temporal/entities?type=Weather&{ALWAYS}&orderBy=operator", 403),
        ("GET", f"temporal/entities?type=Weather&{ALWAYS}&orderBy=rain,id", 200),
        ("POST", "temporal/entities", 403),
        ("DELETE", "temporal/entities/urn:x:n", 403),
        ("DELETE", "temporal/entities/urn:x:n/attrs/text", 403),
        ("PATCH", "temporal/entities/urn:x:n/attrs/text/urn:x:1", 403),
    ],
)
async def test_the_past(door: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    body = {"id": "urn:x:p", "type": "Person", "name": [{"value": "x"}]}
    assert (await door.request(method, path, json=body, headers=GOOD)).status_code == status


async def test_the_past_shows_what_was_granted(door: httpx.AsyncClient) -> None:
    one = (await door.get("temporal/entities/urn:x:w", headers=GOOD)).json()
    many = (await door.get(f"temporal/entities?type=Weather&{ALWAYS}", headers=GOOD)).json()
    assert [set(one), *map(set, many)] == [{"id", "type", "rain", "location"}] * 2


async def test_one_types_grant_opens_nothing_of_another(door: httpx.AsyncClient) -> None:
    seen = (await door.get("entities?type=*&options=keyValues", headers=GOOD)).json()
    assert seen == [
        {"id": "urn:x:s", "type": "Signal", "state": "G", "rain": 9},
        {"id": "urn:x:w", "type": "Weather", "rain": 1, "location": PLACE},
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "entities", {"id": "urn:x:9", "type": "Signal"}, 403),
        ("POST", "entities", {"id": "urn:x:9", "type": "Note", "text": "x"}, 201),
        ("POST", "entities", {"id": "urn:x:9", "type": "Note", "owner": "x"}, 403),
        ("POST", "entities", {"id": "urn:x:9", "type": ["Note", "Signal"], "text": "x"}, 403),
        ("PATCH", "entities/urn:x:n", {"text": "x"}, 204),
        ("PATCH", "entities/urn:x:n", {"owner": "x"}, 403),
        ("PATCH", "entities/urn:x:s", {"text": "x"}, 403),
        ("POST", "entities/urn:x:s/attrs", {"type": "Note", "text": "x"}, 403),
        ("PUT", "entities/urn:x:n/attrs/owner", {"type": "Property", "value": 1}, 403),
        ("DELETE", "entities/urn:x:n/attrs/owner", None, 403),
        ("DELETE", "entities/urn:x:p", None, 403),
        ("DELETE", "entities/urn:x:n", None, 403),
        ("PUT", "entities/urn:x:n", {"type": "Note", "text": "x"}, 403),
        ("POST", "entityOperations/upsert?options=update", [{"id": "urn:x:n", "type": "Note", "text": "x"}], 204),
        ("POST", "entityOperations/upsert", [{"id": "urn:x:n", "type": "Note", "text": "x"}], 403),
        ("POST", "entityOperations/delete", ["urn:x:s"], 403),
        ("POST", "subscriptions", {"type": "Subscription"}, 403),
    ],
)
async def test_writes(door: httpx.AsyncClient, method: str, path: str, body: Any, status: int) -> None:
    assert (await door.request(method, path, json=body, headers=GOOD)).status_code == status


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer bad"}, {"authorization": "Basic good"}])
async def test_the_app_door_without_a_good_token_shows_nothing(
    door: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    for path in ("entities?type=Signal", "entities/urn:x:s", "subscriptions"):
        answer = await door.get(path, headers=headers)
        assert answer.status_code in (401, 403, 404) and "Signal" not in answer.text.replace("read Signal", "")


async def test_a_socket_shows_what_was_granted(door: httpx.AsyncClient, broker: Broker) -> None:
    client = Client(Live(broker, lambda: {"components": {}}), APP).subscribe(types=["Signal", "Weather"])
    await until(lambda: client.complete, "the present")
    assert client.entities == {
        "urn:x:s": {"id": "urn:x:s", "type": "Signal", "state": "G", "rain": 9},
        "urn:x:w": {"id": "urn:x:w", "type": "Weather", "rain": 1, "location": PLACE},
    }
    client.subscribe(types=["Person"])
    client.subscribe(types=["Weather"], q="operator")
    await until(lambda: len(client.errors) == 2, "both are refused")
    assert [error["status"] for error in client.errors] == [403, 403]
    await client.close()


async def test_a_token_lives_from_start_to_stop(pool: asyncpg.Pool, tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []

    async def ask(request: dict[str, Any]) -> None:
        asked.append(request)

    apps = Apps(pool, ask, tmp_path / "door", tmp_path)
    await apps.install(Path(__file__).resolve().parents[1] / "fixtures" / "beacon")
    await apps.enable("test.madang.beacon")
    first = asked[-1]["order"]["env"]["MADANG_APP_TOKEN"]
    granted = (Grant("read", "Device", frozenset({"value"})),)
    expected = Claim(Principal("app", "test.madang.beacon", frozenset({"app"})), granted)
    assert await apps.claim(first) == expected
    await apps.enable("test.madang.beacon")
    second = asked[-1]["order"]["env"]["MADANG_APP_TOKEN"]
    assert (await apps.claim(first), await apps.claim(second)) == (None, expected)
    await apps.disable("test.madang.beacon")
    assert [await apps.claim(token) for token in (first, second, "")] == [None, None, None]
