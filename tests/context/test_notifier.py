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
from tests.conftest import Engines
from tests.waiting import until

from madang.bus.courier import _change
from madang.context.notifier import Notifier


class Listener:
    """An HTTP endpoint that keeps what it was told."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.heads: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().partition("content-length:")[2].split("\r\n")[0])
        self.heads.append(head)
        self.bodies.append(msgspec.json.decode(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    @property
    def shown(self) -> list[Any]:
        return [entity for body in self.bodies for entity in body["data"]]


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    listener.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/told"
    yield listener
    server.close()


class Watch:
    """A notifier fed from history in commit order, as the courier does."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool, self.notifier, self.seen = pool, Notifier(pool), 0

    async def carry(self) -> None:
        records = await self.pool.fetch("SELECT * FROM history WHERE seq > $1 ORDER BY seq", self.seen)
        self.seen = records[-1]["seq"] if records else self.seen
        await self.notifier.consume([_change(record) for record in records])


@pytest.fixture
async def watch(pool: asyncpg.Pool) -> AsyncIterator[Watch]:
    watch = Watch(pool)
    yield watch
    await pool.execute("DELETE FROM subscription")
    await watch.notifier.reload()


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
    await watch.notifier.reload()
    return str(made.headers["location"].rsplit("/", 1)[1])


async def put(api: httpx.AsyncClient, watch: Watch, number: int, **attributes: Any) -> None:
    await api.post("entityOperations/upsert", json=[{"id": f"urn:x:{number}", "type": "T", **attributes}])
    await watch.carry()


async def counts(api: httpx.AsyncClient, identifier: str) -> tuple[int, int, str]:
    told = (await api.get(f"subscriptions/{identifier}")).json()["notification"]
    return told["timesSent"], told["timesFailed"], told["status"]


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
        return sent == bad == 3 and status == "failed"

    await until(failed, "the dead one was tried three times")


async def test_throttling_folds_what_comes_between(api: httpx.AsyncClient, watch: Watch, listener: Listener) -> None:
    await subscribe(api, watch, listener.url, throttling=0.5)
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
