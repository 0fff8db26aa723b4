"""Notifications: by HTTP and by MQTT, throttled, counted; a dead endpoint is nobody else's trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
import asyncpg
import httpx
import msgspec
import pytest
from tests.callers import GATE, Holders
from tests.conftest import Engines
from tests.listening import Listener
from tests.waiting import until

from madang.bus.courier import recorded_of
from madang.context.notifier import Notifier
from madang.model.context import CORE
from madang.trust.caller import Claim
from madang.trust.policy.gate import Gate
from madang.trust.policy.makers import Makers


class Watch:
    """A notifier fed from history in commit order, as the courier does."""

    def __init__(self, pool: asyncpg.Pool, gate: Gate = GATE, *claims: Claim) -> None:
        self.holders = Holders(*claims)
        self.makers = Makers(gate, self.holders)
        self.pool, self.notifier, self.seen = pool, Notifier(pool, self.makers), 0

    def asked(self) -> int:
        """How many subscriptions the next change would be matched against."""
        return len(list(self.notifier._matcher._candidates("urn:x:1", ["T", CORE.expand("T")])))

    def is_quiet(self) -> bool:
        return all(not box.waits for box in self.notifier._mail.values())

    async def carry(self) -> None:
        records = await self.pool.fetch("SELECT * FROM history WHERE seq > $1 ORDER BY seq", self.seen)
        self.seen = records[-1]["seq"] if records else self.seen
        await self.notifier.consume([recorded_of(record) for record in records])


@pytest.fixture
async def watch(pool: asyncpg.Pool) -> AsyncIterator[Watch]:
    watch = Watch(pool)
    await watch.notifier.start()
    work = asyncio.create_task(watch.notifier.run())
    yield watch
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await watch.notifier.stop()


async def subscribe(api: httpx.AsyncClient, watch: Watch, uri: str, **more: Any) -> str:
    made = await api.post(
        "subscriptions",
        json={
            "type": "Subscription",
            "entities": [{"type": "T"}],
            "notification": {"endpoint": {"uri": uri}, "format": "keyValues"},
            **more,
        },
    )
    assert made.status_code == 201, made.text
    return str(made.headers["location"].rsplit("/", 1)[1])


async def put(api: httpx.AsyncClient, watch: Watch, number: int, **attributes: Any) -> None:
    await api.post("entityOperations/upsert", json=[{"id": f"urn:x:{number}", "type": "T", **attributes}])
    await watch.carry()


async def counts(api: httpx.AsyncClient, identifier: str) -> tuple[int, int, str]:
    told = (await api.get(f"subscriptions/{identifier}")).json()["notification"]
    return told.get("timesSent", 0), told.get("timesFailed", 0), told["status"]


async def test_http_tells_what_fits_and_counts(api: httpx.AsyncClient, watch: Watch, listener: Listener) -> None:
    identifier = await subscribe(api, watch, listener.url, q="n>5", watchedAttributes=["n"])
    await put(api, watch, 1, n=1)
    await put(api, watch, 2, n=9)
    await until(lambda: len(listener.bodies) == 1, "the one that fits is told")
    assert listener.shown == [{"id": "urn:x:2", "type": "T", "n": 9}]
    body, head = listener.bodies[0], listener.heads[0]
    assert (body["type"], body["subscriptionId"]) == ("Notification", identifier)
    assert "content-type: application/json" in head.lower() and "json-ld#context" in head

    async def counted() -> bool:
        return await counts(api, identifier) == (1, 0, "ok")

    await until(counted, "it is counted")


async def test_mqtt_tells_with_metadata(api: httpx.AsyncClient, watch: Watch, engines: Engines) -> None:
    where = urlsplit(engines.nats.mqtt_url)
    uri = where._replace(path="/city/told").geturl()
    async with aiomqtt.Client(
        where.hostname or "", where.port or 0, username=where.username, password=unquote(where.password or "")
    ) as client:
        await client.subscribe("city/told")
        await subscribe(api, watch, uri)
        await put(api, watch, 1, n=1)
        message = await asyncio.wait_for(anext(client.messages), 10)
    said = msgspec.json.decode(message.payload)
    assert said["metadata"]["Content-Type"] == "application/json"
    assert said["body"]["data"] == [{"id": "urn:x:1", "type": "T", "n": 1}]


async def test_a_dead_endpoint_delays_nobody_and_is_counted(
    api: httpx.AsyncClient, watch: Watch, listener: Listener
) -> None:
    dead = await subscribe(api, watch, "http://127.0.0.1:1/nobody")
    await subscribe(api, watch, listener.url)
    await put(api, watch, 1, n=1)
    await until(lambda: listener.shown == [{"id": "urn:x:1", "type": "T", "n": 1}], "the living one is told at once", 1)

    async def failed() -> bool:
        sent, bad, status = await counts(api, dead)
        return sent == bad >= 2 and status == "failed"

    await until(failed, "the dead one is tried again")


async def test_throttling_folds_what_comes_between(api: httpx.AsyncClient, watch: Watch, listener: Listener) -> None:
    await subscribe(api, watch, listener.url, throttling=3)
    await put(api, watch, 1, n=0)
    await until(lambda: len(listener.bodies) == 1, "the first at once")
    for n in range(1, 6):
        await put(api, watch, 1, n=n)
    await until(lambda: len(listener.bodies) == 2, "the rest after a while")
    assert [entity["n"] for entity in listener.shown] == [0, 5]


async def test_a_deletion_is_told_to_who_asked(api: httpx.AsyncClient, watch: Watch, listener: Listener) -> None:
    await subscribe(api, watch, listener.url, notificationTrigger=["entityDeleted"])
    await put(api, watch, 1, n=1)
    await api.delete("entities/urn:x:1")
    await watch.carry()
    await until(lambda: listener.shown, "the deletion")
    assert [(entity["id"], "deletedAt" in entity) for entity in listener.shown] == [("urn:x:1", True)]


async def test_what_waits_outlives_the_courier(
    api: httpx.AsyncClient, watch: Watch, listener: Listener, pool: asyncpg.Pool
) -> None:
    port = urlsplit(listener.url).port
    identifier = await subscribe(api, watch, "http://127.0.0.1:1/nobody")
    await put(api, watch, 1, n=1)
    await put(api, watch, 2, n=2)
    await watch.notifier.stop()
    assert await pool.fetchval("SELECT count(*) FROM notification") == 2
    told = {"notification": {"endpoint": {"uri": f"http://127.0.0.1:{port}/told"}}}
    assert (await api.patch(f"subscriptions/{identifier}", json=told)).status_code == 204
    after = Watch(pool)
    await after.notifier.start()
    work = asyncio.create_task(after.notifier.run())
    await until(lambda: [entity["n"] for entity in listener.shown] == [1, 2], "the next courier tells")

    async def nothing() -> bool:
        return await pool.fetchval("SELECT count(*) FROM notification") == 0

    await until(nothing, "nothing waits any more")
    work.cancel()
    await after.notifier.stop()


async def test_a_subscription_hears_nothing_of_what_was_before_it(
    api: httpx.AsyncClient, watch: Watch, listener: Listener
) -> None:
    await api.post("entityOperations/upsert", json=[{"id": "urn:x:1", "type": "T", "n": 1}])
    await subscribe(api, watch, listener.url)
    await watch.carry()
    await put(api, watch, 2, n=2)
    await until(lambda: listener.shown, "the later one")
    assert [entity["id"] for entity in listener.shown] == ["urn:x:2"]


@pytest.mark.parametrize(
    ("trigger", "heard"),
    [
        ("entityCreated", [{"a": 1}]),
        ("attributeCreated", [{"a": 1}, {"a": 1, "b": 1}]),
        ("attributeUpdated", [{"a": 2, "b": 1}]),
        ("attributeDeleted", [{"a": 2, "b": "urn:ngsi-ld:null"}, {"a": "urn:ngsi-ld:null"}]),
        ("entityUpdated", [{"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 2, "b": "urn:ngsi-ld:null"}]),
    ],
)
async def test_each_trigger_hears_its_own(
    api: httpx.AsyncClient, watch: Watch, listener: Listener, trigger: str, heard: list[dict[str, Any]]
) -> None:
    await subscribe(api, watch, listener.url, notificationTrigger=[trigger], splitEntities=True)
    await put(api, watch, 1, a=1)
    for fragment in ({"b": 1}, {"a": 2}, {"b": "urn:ngsi-ld:null"}):
        await api.patch("entities/urn:x:1", json=fragment)
        await watch.carry()
        await until(watch.is_quiet, "what was to be told is told")
    await api.delete("entities/urn:x:1")
    await watch.carry()
    await until(watch.is_quiet, "what was to be told is told")
    shown = [{name: one[name] for name in ("a", "b") if name in one} for one in listener.shown]
    assert shown == heard


async def test_changes_are_told_with_what_was(api: httpx.AsyncClient, watch: Watch, listener: Listener) -> None:
    told = {"endpoint": {"uri": listener.url}, "showChanges": True, "format": "normalized"}
    await subscribe(api, watch, listener.url, notification=told, notificationTrigger=["attributeUpdated"])
    await put(api, watch, 1, n=1, name={"languageMap": {"ko": "가"}})
    await put(api, watch, 1, n=2, name={"languageMap": {"ko": "가"}})
    await until(lambda: listener.shown, "the change")
    shown = {name: value for name, value in listener.shown[0].items() if name not in ("id", "type")}
    assert shown == {
        "n": {"type": "Property", "value": 2, "previousValue": 1},
        "name": {"type": "LanguageProperty", "languageMap": {"ko": "가"}},
    }


async def test_the_clock_tells_without_a_change(api: httpx.AsyncClient, watch: Watch, listener: Listener) -> None:
    await put(api, watch, 1, n=1)
    await subscribe(api, watch, listener.url, timeInterval=0.2)
    await watch.carry()
    await until(lambda: len(listener.bodies) >= 2, "twice by the clock")
    assert listener.shown[:2] == [{"id": "urn:x:1", "type": "T", "n": 1}] * 2


async def test_linked_entities_and_scopes(api: httpx.AsyncClient, watch: Watch, listener: Listener) -> None:
    told = {"endpoint": {"uri": listener.url}, "format": "keyValues", "join": "inline"}
    await api.post("entities", json={"id": "urn:x:city", "type": "City", "name": "Seoul"})
    await subscribe(api, watch, listener.url, notification=told, scopeQ="/Seoul/#")
    in_city = {"type": "Relationship", "object": "urn:x:city"}
    await put(api, watch, 1, scope="/Busan", inCity=in_city)
    await put(api, watch, 2, scope="/Seoul/Jongno", inCity=in_city)
    await until(lambda: listener.shown, "the one in scope")
    city = {"id": "urn:x:city", "type": "City", "name": "Seoul"}
    assert listener.shown == [{"id": "urn:x:2", "type": "T", "scope": "/Seoul/Jongno", "inCity": city}]


async def test_each_value_is_told_though_the_next_is_known(
    api: httpx.AsyncClient, watch: Watch, listener: Listener
) -> None:
    await subscribe(api, watch, listener.url)
    for n in range(5):
        await api.post("entityOperations/upsert", json=[{"id": "urn:x:1", "type": "T", "n": n}])
    await watch.carry()
    await until(lambda: len(listener.shown) == 5, "all five")
    assert [entity["n"] for entity in listener.shown] == list(range(5))


async def test_thousands_for_a_dead_host_cost_what_one_costs(
    api: httpx.AsyncClient, watch: Watch, listener: Listener
) -> None:
    for _ in range(50):
        await subscribe(api, watch, "http://127.0.0.1:1/nobody")
    await subscribe(api, watch, listener.url)
    for n in range(12):
        await put(api, watch, 1, n=n)
    await until(lambda: watch.asked() == 1, "only the living one is still asked")
    await until(lambda: len(listener.shown) == 12, "it heard all")
