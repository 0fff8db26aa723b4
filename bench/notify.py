"""Notifications under load: subscriptions to an entity each, updates at a steady rate, a receiver beside.

    python -m bench.notify HTTP_URL SUBSCRIPTIONS UPDATES_PER_S SECONDS [DEAD]

Prints `{"expected", "delivered", "ratio", "p50_ms", "p99_ms"}`: from asking for an update until its notification has come. With
DEAD subscriptions more, each of them to a port where nobody listens and each concerned by every update of one type.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from typing import cast

import httpx
import msgspec
import uvloop

from bench.http_load import request

KIND = "Watched"
GRACE_S = 20.0
TOLD: dict[int, float] = {}


class Receiver(asyncio.Protocol):
    """Keeps in TOLD the moment when each update was told."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._buffer = cast(asyncio.Transport, transport), b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
            if len(self._buffer) < end + 4 + length:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
            now = time.perf_counter()
            for entity in msgspec.json.decode(body)["data"]:
                TOLD.setdefault(entity["n"], now)
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


class Sender(asyncio.Protocol):
    """One keep-alive connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._answer = cast(asyncio.Transport, transport), asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        if not self._answer.done():
            self._answer.set_result(data[9:10] == b"2")

    async def ask(self, message: bytes) -> bool:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return bool(await self._answer)


def subscription(uri: str, *selectors: dict[str, str]) -> dict[str, object]:
    told = {"endpoint": {"uri": uri}, "format": "keyValues"}
    return {"type": "Subscription", "entities": selectors, "notification": told}


async def prepare(url: str, count: int, port: int, dead: int) -> None:
    async with httpx.AsyncClient(base_url=f"{url}ngsi-ld/v1/", trust_env=False, timeout=60) as http:
        entities = [{"id": f"urn:x:{number}", "type": KIND, "n": -1} for number in range(count)]
        for begin in range(0, count, 1_000):
            (await http.post("entityOperations/upsert", json=entities[begin : begin + 1_000])).raise_for_status()
        limit = asyncio.Semaphore(16)

        async def make(data: dict[str, object]) -> None:
            async with limit:
                (await http.post("subscriptions", json=data)).raise_for_status()

        uri = f"http://127.0.0.1:{port}/told"
        alive = [make(subscription(uri, {"id": f"urn:x:{number}", "type": KIND})) for number in range(count)]
        gone = [make(subscription("http://127.0.0.1:9/dead", {"type": KIND}, {"type": "Known"})) for _ in range(dead)]
        await asyncio.gather(*alive, *gone)


async def drive(url: str, count: int, per_s: float, seconds: float) -> dict[int, float]:
    """When each update was asked for."""
    host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
    loop = asyncio.get_running_loop()
    free: asyncio.Queue[Sender] = asyncio.Queue()
    for _ in range(32):
        free.put_nowait((await loop.create_connection(Sender, host, int(port)))[1])
    asked: dict[int, float] = {}
    began, numbers, work = time.perf_counter(), itertools.count(), set()

    async def update(number: int) -> None:
        sender = await free.get()
        message = request("PATCH", f"entities/urn:x:{number % count}", {"n": {"type": "Property", "value": number}})
        asked[number] = time.perf_counter()
        await sender.ask(message)
        free.put_nowait(sender)

    while (passed := time.perf_counter() - began) < seconds:
        while len(asked) + len(work) < passed * per_s and free.qsize():
            task = asyncio.create_task(update(next(numbers)))
            work.add(task)
            task.add_done_callback(work.discard)
            await asyncio.sleep(0)
        await asyncio.sleep(0.001)
    await asyncio.gather(*work)
    return asked


async def main(url: str, count: int, per_s: float, seconds: float, dead: int) -> None:
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
    await prepare(url, count, server.sockets[0].getsockname()[1], dead)
    await asyncio.sleep(2)
    asked = await drive(url, count, per_s, seconds)
    until = time.perf_counter() + GRACE_S
    while len(TOLD) < len(asked) and time.perf_counter() < until:
        await asyncio.sleep(0.05)
    delays = sorted((TOLD[number] - when) * 1000 for number, when in asked.items() if number in TOLD)
    print(
        json.dumps(
            {
                "expected": len(asked),
                "delivered": len(delays),
                "ratio": round(len(delays) / len(asked), 4),
                "p50_ms": round(delays[len(delays) // 2], 1) if delays else None,
                "p99_ms": round(delays[len(delays) * 99 // 100], 1) if delays else None,
            }
        )
    )


if __name__ == "__main__":
    uvloop.run(
        main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), int((sys.argv[5:] or ["0"])[0]))
    )
