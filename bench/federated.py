"""Queries that other brokers are asked for, too, at a steady rate: open loop, counted from the instant each was due.

    python -m bench.federated HTTP_URL REGISTRATIONS QUERIES_PER_S SECONDS

Each type has a registration for each of `PEERS` brokers of another process, so every query asks all of them; each holds `ENTITIES`
of any type. Prints `{"asked", "bad", "peers_a_query", "p50_ms", "p99_ms"}`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import cast

import httpx
import uvloop

from bench.http_load import request

PEERS, ENTITIES = 10, 5
WARM_UP_S = 2.0


def registration(number: int, port: int) -> dict[str, object]:
    return {
        "id": f"urn:x:registration:{number}",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": f"Far{number // PEERS}"}]}],
        "endpoint": f"http://127.0.0.1:{port}",
    }


async def prepare(url: str, count: int, ports: list[int]) -> int:
    """Registers; how many brokers one query asks."""
    async with httpx.AsyncClient(base_url=f"{url}ngsi-ld/v1/", trust_env=False, timeout=60) as http:
        for number in range(count):
            data = registration(number, ports[number % PEERS])
            (await http.post("csourceRegistrations", json=data)).raise_for_status()
        found = (await http.get("entities?type=Far0&limit=1000")).json()
    return len(found) // ENTITIES


class Asker(asyncio.Protocol):
    """One keep-alive connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._buffer = cast(asyncio.Transport, transport), b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, _, body = self._buffer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        if b"\r\n\r\n" in self._buffer and len(body) >= length:
            good = head[9:12] == b"200" and b"ngsild-warning" not in head.lower()
            self._buffer = b""
            self._answer.set_result(good)

    async def ask(self, message: bytes) -> bool:
        """Whether it was answered as a whole, without a warning."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return bool(await self._answer)


class Crowd:
    """Clients that do not wait for each other: one more connection whenever none is free."""

    def __init__(self, url: str, types: int) -> None:
        self._types = types
        host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
        self._where, self._free = (host, int(port)), list[Asker]()
        self.delays_ms: list[float] = []
        self.bad = 0

    async def ask(self, number: int, due: float) -> None:
        if not self._free:
            self._free.append((await asyncio.get_running_loop().create_connection(Asker, *self._where))[1])
        sender = self._free.pop()
        self.bad += not await sender.ask(request("GET", f"entities?type=Far{number % self._types}&limit=100", None))
        self.delays_ms.append((time.perf_counter() - due) * 1000)
        self._free.append(sender)


async def drive(url: str, types: int, per_s: float, seconds: float) -> Crowd:
    crowd, began, work = Crowd(url, types), time.perf_counter(), []
    for number in range(int(per_s * seconds)):
        due = began + number / per_s
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        work.append(asyncio.create_task(crowd.ask(number, due)))
    await asyncio.gather(*work)
    return crowd


async def main(url: str, count: int, per_s: float, seconds: float) -> None:
    pipe = asyncio.subprocess.PIPE
    argv = [sys.executable, "-m", "bench.peers", str(PEERS), str(ENTITIES)]
    peers = await asyncio.create_subprocess_exec(*argv, cwd=Path(__file__).parents[1], stdin=pipe, stdout=pipe)
    assert peers.stdin is not None and peers.stdout is not None
    try:
        width = await prepare(url, count, json.loads(await peers.stdout.readline()))
        await drive(url, count // PEERS, per_s, WARM_UP_S)
        crowd = await drive(url, count // PEERS, per_s, seconds)
    finally:
        peers.stdin.close()
        await peers.wait()
    ordered = sorted(crowd.delays_ms)
    found = {"asked": len(ordered), "bad": crowd.bad, "peers_a_query": width}
    found |= {f"p{share}_ms": round(ordered[len(ordered) * share // 100], 1) for share in (50, 99)}
    print(json.dumps(found))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
