"""Devices by MQTT at a real house: each tells its own topics with its own secret, and is out when it is revoked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiomqtt
import asyncpg
import httpx
import pytest

from tests.flow.conftest import House
from tests.waiting import until

pytestmark = pytest.mark.engine
TOLD = b'{"n":%d,"lon":127.0,"lat":37.5}'


@pytest.fixture(scope="module")
async def api(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=house.url, trust_env=False, timeout=20) as client:
        yield client


async def device(api: httpx.AsyncClient, name: str) -> str:
    """Its secret."""
    told = await api.post("madang/v1/devices", json={"id": name, "topics": [f"device/{name}"]})
    return str(told.raise_for_status().json()["secret"])


def mqtt(house: House, name: str | None, secret: str | None, client_id: str | None = None) -> aiomqtt.Client:
    parts = urlsplit(house.instance.settings.mqtt)
    return aiomqtt.Client(
        parts.hostname or "", parts.port or 0, username=name, password=secret, identifier=client_id or name, timeout=5
    )


async def value_of(api: httpx.AsyncClient, name: str) -> int | None:
    path = f"ngsi-ld/v1/entities/urn:ngsi-ld:Device:yard:{name}"
    answer = await api.get(path, params={"options": "keyValues"})
    return answer.json().get("value") if answer.status_code == 200 else None


async def tell(house: House, name: str, secret: str, topic: str, number: int) -> None:
    async with mqtt(house, name, secret) as client:
        await client.publish(topic, TOLD % number, qos=1)


async def test_a_device_tells_its_own_topic_and_no_other(house: House, api: httpx.AsyncClient) -> None:
    secret = await device(api, "a1")
    await device(api, "a2")
    for topic in ("city/yard/device/a2", "city/yard/device/a1/command", "city/other/device/a1", "elsewhere"):
        # The server takes it and drops it: MQTT 3.1.1 has no other answer (3.3.5).
        await tell(house, "a1", secret, topic, 1)
    await tell(house, "a1", secret, "city/yard/device/a1", 2)
    await until(lambda: value_of(api, "a1"), "the value")
    assert [await value_of(api, name) for name in ("a1", "a2")] == [2, None]


async def test_a_device_hears_its_commands_and_nobody_elses(house: House, api: httpx.AsyncClient) -> None:
    secret = await device(api, "b1")
    kernel = urlsplit(house.instance.settings.mqtt)
    heard: list[tuple[str, bytes]] = []
    async with (
        mqtt(house, "b1", secret) as own,
        aiomqtt.Client(kernel.hostname or "", kernel.port or 0, username="kernel", password=kernel.password) as room,
    ):
        # Refused or silent, by the version of the server: nothing comes in either case.
        for wanted in ("city/yard/device/b1/command", "city/yard/interrogation", "city/yard/device/+/command", "#"):
            await own.subscribe(wanted)
        await room.publish("city/yard/device/b2/command", b"theirs", qos=1)
        await room.publish("city/yard/device/b1/command", b"ours", qos=1)
        async with asyncio.timeout(10):
            message = await anext(own.messages)
        heard.append((str(message.topic), bytes(message.payload)))
    assert heard == [("city/yard/device/b1/command", b"ours")]


@pytest.mark.parametrize(
    ("name", "secret", "client_id"),
    [
        ("c1", "wrong", "c1"),
        ("c9", None, "c9"),
        (None, None, "c1"),
        ("kernel", "wrong", "kernel"),
        ("device", "wrong", "device"),
    ],
)
async def test_who_is_not_known_does_not_connect(
    house: House, api: httpx.AsyncClient, name: str | None, secret: str | None, client_id: str
) -> None:
    await api.post("madang/v1/devices", json={"id": "c1", "topics": ["device/c1"]})
    with pytest.raises(aiomqtt.MqttError):
        async with mqtt(house, name, secret, client_id):
            pass


async def test_nobody_takes_over_anothers_session(house: House, api: httpx.AsyncClient) -> None:
    secret = await device(api, "d1")
    await device(api, "d2")
    with pytest.raises(aiomqtt.MqttError):
        async with mqtt(house, "d1", secret, "d2"):
            pass
    async with mqtt(house, "d1", secret, "d1:second"), mqtt(house, "d1", secret, "d1"):
        pass


async def test_a_revoked_device_is_out_within_a_second_or_two(house: House, api: httpx.AsyncClient) -> None:
    secret = await device(api, "e1")
    out = asyncio.Event()

    async def stay() -> None:
        try:
            async with mqtt(house, "e1", secret) as client:
                inside.set()
                async for _ in client.messages:
                    pass
        except aiomqtt.MqttError:
            out.set()

    inside = asyncio.Event()
    staying = asyncio.create_task(stay())
    await asyncio.wait_for(inside.wait(), 10)
    (await api.delete("madang/v1/devices/e1")).raise_for_status()
    await asyncio.wait_for(out.wait(), 3)
    await staying
    with pytest.raises(aiomqtt.MqttError):
        async with mqtt(house, "e1", secret):
            pass


async def test_both_secrets_open_during_the_grace(house: House, api: httpx.AsyncClient) -> None:
    old = await device(api, "f1")
    new = (await api.post("madang/v1/devices/f1/secret", json={"grace_s": 600})).json()["secret"]
    for number, secret in enumerate((old, new), 1):
        await tell(house, "f1", secret, "city/yard/device/f1", number)
    await until(lambda: value_of(api, "f1"), "the value")
    newest = (await api.post("madang/v1/devices/f1/secret", json={"grace_s": 0})).json()["secret"]
    for secret in (old, new):
        with pytest.raises(aiomqtt.MqttError):
            await tell(house, "f1", secret, "city/yard/device/f1", 3)
    await tell(house, "f1", newest, "city/yard/device/f1", 4)


async def test_devices_come_back_after_the_gateway_was_killed(house: House, api: httpx.AsyncClient) -> None:
    secret = await device(api, "g1")
    await house.restored("gateway", house.kill("gateway"))

    async def told() -> bool:
        try:
            await tell(house, "g1", secret, "city/yard/device/g1", 5)
        except aiomqtt.MqttError:
            return False
        return True

    await until(told, "the device is let in again")


async def test_a_device_writes_over_http_what_it_was_permitted(house: House, api: httpx.AsyncClient) -> None:
    permitted = {"action": "write", "subject": "Bin", "attributes": ["level"]}
    made = await api.post("madang/v1/devices", json={"id": "h1", "permissions": [permitted]})
    entity = {"id": "urn:ngsi-ld:Bin:yard:h1", "type": "Bin", "level": {"type": "Property", "value": 1}}
    async with httpx.AsyncClient(base_url=house.url, trust_env=False, auth=("h1", made.json()["secret"])) as own:
        written = [
            (await own.post("ngsi-ld/v1/entities", json=one)).status_code
            for one in (entity, entity | {"id": "urn:ngsi-ld:Bin:yard:h2", "lid": 1}, entity | {"type": "Lamp"})
        ]
    assert written == [201, 403, 403]


HELD = """
INSERT INTO verdict (id, kind, subject, at, features, act, until)
VALUES ('urn:ngsi-ld:Alert:yard:q', 'habits', $1, now(), '[]', 'quarantine', now() + interval '1 hour')
"""


@pytest.mark.parametrize(("name", "subject"), [("i1", "device:i1"), ("i2", "device:urn:ngsi-ld:Device:yard:i2")])
async def test_a_device_in_quarantine_is_out_until_it_is_released(
    house: House, api: httpx.AsyncClient, name: str, subject: str
) -> None:
    secret = await device(api, name)
    database = await asyncpg.connect(house.instance.settings.database)
    with pytest.raises(aiomqtt.MqttError):
        async with mqtt(house, name, secret) as client:
            await database.execute(HELD, subject)
            async with asyncio.timeout(10):
                await anext(client.messages)
    with pytest.raises(aiomqtt.MqttError):
        await tell(house, name, secret, f"city/yard/device/{name}", 1)
    (await api.post("madang/v1/verdicts/urn:ngsi-ld:Alert:yard:q/release")).raise_for_status()

    async def told() -> bool:
        try:
            await tell(house, name, secret, f"city/yard/device/{name}", 2)
        except aiomqtt.MqttError:
            return False
        return True

    await until(told, "the device is let in again")
    await database.execute("DELETE FROM verdict")
    await database.close()
