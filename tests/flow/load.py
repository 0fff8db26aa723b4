"""Load with a ledger: what was acknowledged over HTTP, and what devices said last over MQTT."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
import httpx
import msgspec

WRITERS = 4
PAUSE_S = 0.005
DEVICES = 20


class Load:
    """Writers that create one entity after another, and devices that report; each goes on over any failure."""

    def __init__(self, url: str, mqtt: str, kind: str) -> None:
        self._url, self._mqtt, self.kind = url, urlsplit(mqtt), kind
        self._numbers = itertools.count()
        self.acknowledged: list[str] = []
        self.refused: list[int] = []
        self.said = 0
        self._tasks = [asyncio.create_task(self._write()) for _ in range(WRITERS)]
        self._tasks.append(asyncio.create_task(self._report()))

    async def stop(self) -> None:
        await end(self._tasks)

    async def _write(self) -> None:
        async with httpx.AsyncClient(base_url=self._url, timeout=20, trust_env=False) as client:
            while True:
                identifier = f"urn:ngsi-ld:{self.kind}:yard:{next(self._numbers)}"
                try:
                    answer = await client.post(
                        "ngsi-ld/v1/entities", json={"id": identifier, "type": self.kind, "n": 1}
                    )
                except httpx.HTTPError:
                    await asyncio.sleep(0.05)
                    continue
                (self.acknowledged if answer.status_code == 201 else self.refused).append(
                    identifier if answer.status_code == 201 else answer.status_code  # type: ignore[arg-type]
                )
                await asyncio.sleep(PAUSE_S)

    async def _report(self) -> None:
        while True:
            try:
                async with self.device() as client:
                    while True:
                        await self.say(client)
                        await asyncio.sleep(PAUSE_S * 2)
            except (aiomqtt.MqttError, OSError):
                await asyncio.sleep(0.1)

    def device(self) -> aiomqtt.Client:
        where = self._mqtt
        return aiomqtt.Client(
            where.hostname or "",
            where.port or 0,
            username=unquote(where.username or ""),
            password=unquote(where.password or ""),
        )

    async def say(self, client: aiomqtt.Client) -> None:
        topic = f"city/yard/device/{self.kind}-{self.said % DEVICES}"
        await client.publish(topic, msgspec.json.encode({"n": self.said + 1}))
        self.said += 1

    async def say_last(self) -> dict[str, int]:
        """A last round of every device; gives each entity's value as it must be in the end."""
        async with self.device() as client:
            start = self.said
            for _ in range(DEVICES):
                await self.say(client)
        return {
            f"urn:ngsi-ld:Device:yard:{self.kind}-{number % DEVICES}": number + 1 for number in range(start, self.said)
        }


async def end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancels until all are over: a client that is just closing its connection may swallow a first cancellation."""
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=1)


async def every(url: str, **parameters: Any) -> dict[str, dict[str, Any]]:
    """A fresh query, page after page: entities by id, simplified."""
    found: dict[str, dict[str, Any]] = {}
    async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as client:
        for offset in itertools.count(0, 1000):
            asked = {**parameters, "options": "keyValues", "limit": 1000, "offset": offset}
            answer = await client.get("ngsi-ld/v1/entities", params=asked)
            answer.raise_for_status()
            found |= {entity["id"]: entity for entity in answer.json()}
            if len(answer.json()) < 1000:
                return found
    raise AssertionError("unreachable")
