"""The MQTT wire on a real broker: what is read is written, what is not is a dead letter, counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import unquote, urlsplit

import aiomqtt
import asyncpg
import pytest

from madang.cli.roles import keep_letters, write_all
from madang.context.query import Query
from madang.context.store import Store
from madang.context.writer import Writer
from madang.ingest.deadletters import DeadLetters
from madang.ingest.mqtt.decode import compile_decoder
from madang.ingest.mqtt.link import MqttLink
from tests.conftest import Engines
from tests.waiting import until

RULES = [
    {"topic": "city/t/json/+", "type": "Meter", "id": "{1}", "attributes": {"v": "=v"}},
    {"topic": "city/t/plain/+", "type": "Meter", "id": "{1}", "format": "plain", "attributes": {"v": "="}},
]


@pytest.fixture
async def link(engines: Engines, pool: asyncpg.Pool, writer: Writer) -> AsyncIterator[MqttLink]:
    letters = DeadLetters(pool)
    link = MqttLink(engines.nats.mqtt_url, compile_decoder("t", RULES), write_all(writer), keep_letters(letters))
    task = asyncio.create_task(link.run())
    await until(lambda: link.connected, "the link is connected")
    yield link
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def device(engines: Engines) -> aiomqtt.Client:
    where = urlsplit(engines.nats.mqtt_url)
    return aiomqtt.Client(
        where.hostname or "", where.port or 0, username=where.username, password=unquote(where.password or "")
    )


async def test_json_and_plain_values_become_entities_and_the_rest_letters(
    engines: Engines, link: MqttLink, pool: asyncpg.Pool, store: Store
) -> None:
    async with device(engines) as client:
        await client.publish("city/t/json/1", b'{"v":1}')
        await client.publish("city/t/plain/2", b"2.5")
        await client.publish("city/t/json/3", b'{"v":')
        await client.publish("city/t/json/4", b'{"v":"\\u0000"}')
        await client.publish("city/t/plain/5", b"\xfe\xff")
    await until(lambda: link.observations + link.dead_letters == 5, "all five were taken")
    rows = (await store.find(Query(types=("Meter",)))).rows
    assert {row.entity.id: row.entity.body["v"]["value"] for row in rows} == {
        "urn:ngsi-ld:Meter:t:1": 1,
        "urn:ngsi-ld:Meter:t:2": 2.5,
    }
    letters = await DeadLetters(pool).latest(10)
    assert sorted((one["source"], one["payload"], one["bytes"]) for one in letters) == [
        ("mqtt:city/t/json/3", '{"v":', 5),
        ("mqtt:city/t/json/4", '{"v":"\\u0000"}', 14),
        ("mqtt:city/t/plain/5", "base64:/v8=", 2),
    ]
    assert (await DeadLetters(pool).count(), link.lost) == (3, 0)


async def test_devices_are_asked_for_their_state_when_somebody_listens(
    engines: Engines, pool: asyncpg.Pool, writer: Writer, store: Store
) -> None:
    topic, keep = "city/t/interrogation", keep_letters(DeadLetters(pool))
    async with device(engines) as client:
        await client.subscribe(topic)
        link = MqttLink(engines.nats.mqtt_url, compile_decoder("t", RULES), write_all(writer), keep, topic)
        task = asyncio.create_task(link.run())
        asked = await asyncio.wait_for(anext(client.messages), 10)
        await client.publish("city/t/json/1", b'{"v":1}')
        await until(lambda: link.observations == 1, "the answer was taken")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (str(asked.topic), asked.payload, link.dead_letters) == (topic, b"{}", 0)


async def test_too_large_is_a_letter_and_far_too_large_the_broker_hangs_up(
    engines: Engines, link: MqttLink, pool: asyncpg.Pool, store: Store
) -> None:
    async with device(engines) as client:
        await client.publish("city/t/json/1", b'"' + b"x" * 300_000 + b'"')
    await until(lambda: link.dead_letters == 1, "a payload over our limit is a letter")
    (letter,) = await DeadLetters(pool).latest(10)
    assert (letter["reason"], letter["bytes"], len(letter["payload"])) == (
        "payload of 300002 bytes; at most 262144",
        300_002,
        4_096,
    )
    with pytest.raises(aiomqtt.MqttError):
        async with device(engines) as client:
            await client.publish("city/t/json/2", bytes(64 << 20), qos=1, timeout=20)
    async with device(engines) as client:
        await client.publish("city/t/json/3", b'{"v":3}')
    await until(lambda: link.observations == 1, "the door is open for others")
    assert [row.entity.id for row in (await store.find(Query(types=("Meter",)))).rows] == ["urn:ngsi-ld:Meter:t:3"]
