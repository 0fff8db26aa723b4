"""A fast HTTP client in a process of its own: keep-alive connections that ask again as soon as they are answered.

    python -m bench.http_load HOST:PORT KIND SECONDS [CONNECTIONS]

Prints `{"done", "bad", "seconds", "p50_ms"}`. Kinds: write (half creates, half merges), batch (100 upserts), get, query, near
(one type, one attribute, 1 km around, of the entities of `bench.million`), whole and filtered (as query, with that word as a token).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import cast

import uvloop

from bench.million import near

Make = Callable[[], bytes]
KNOWN = 1_000
BATCH = 100
TOKENS = ("whole", "filtered")


def entity(number: int, kind: str) -> dict[str, object]:
    """A sensor as cities have them: five attributes, one of them a place."""
    when = "2026-11-22T00:00:00Z"
    return {
        "id": f"urn:ngsi-ld:{kind}:yard:{number}",
        "type": kind,
        "name": {"type": "Property", "value": f"sensor {number}"},
        "temperature": {"type": "Property", "value": number % 40 + 0.5, "unitCode": "CEL", "observedAt": when},
        "relativeHumidity": {"type": "Property", "value": 0.4, "observedAt": when},
        "refDevice": {"type": "Relationship", "object": f"urn:ngsi-ld:Device:yard:{number}"},
        "location": {
            "type": "GeoProperty",
            "value": {"type": "Point", "coordinates": [127 + number % 100 / 1e3, 37.5]},
        },
    }


def request(method: str, path: str, body: object = None) -> bytes:
    data = json.dumps(body).encode() if body is not None else b""
    head = f"{method} /ngsi-ld/v1/{path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(data)}\r\n"
    return (head + "content-type: application/json\r\n\r\n").encode() + data


def maker(kind: str, start: int) -> Make:
    """The next request of that kind."""
    numbers, chance = itertools.count(start), random.Random(start)
    known = [f"urn:ngsi-ld:Known:yard:{number}" for number in range(KNOWN)]
    queries = [request("GET", f"entities?type=Known{number}&limit=20&count=false") for number in range(10)]
    by_token = {
        token: [one.replace(b"host:", f"authorization: Bearer {token}\r\nhost:".encode(), 1) for one in queries]
        for token in TOKENS
    }
    reads = [request("GET", f"entities/{one}") for one in known]

    def write() -> bytes:
        number = next(numbers)
        if number % 2:
            return request("POST", "entities", entity(number, "Made"))
        value = {"type": "Property", "value": number, "unitCode": "CEL", "observedAt": "2026-11-22T00:00:01Z"}
        return request("PATCH", f"entities/{chance.choice(known)}", {"temperature": value})

    def batch() -> bytes:
        return request("POST", "entityOperations/upsert", [entity(next(numbers), "Many") for _ in range(BATCH)])

    makers: dict[str, Make] = {
        "write": write,
        "batch": batch,
        "get": lambda: chance.choice(reads),
        "query": lambda: chance.choice(queries),
        "whole": lambda: chance.choice(by_token["whole"]),
        "filtered": lambda: chance.choice(by_token["filtered"]),
        "near": lambda: request("GET", f"entities?{near(chance)}"),
    }
    return makers[kind]


class Connection(asyncio.Protocol):
    """One request after another until told to stop."""

    def __init__(self, make: Make, counts: dict[str, int], waits: list[float], until: float) -> None:
        self._make, self._counts, self._waits, self._until = make, counts, waits, until
        self._buffer, self._asked = b"", 0.0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class has the same methods
        self._ask()

    def _ask(self) -> None:
        self._asked = time.monotonic()
        self._transport.write(self._make())

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self._counts["bad"] += 1
            self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, blank, rest = self._buffer.partition(b"\r\n\r\n")
        if not blank or len(rest) < _length(head):
            return
        self._buffer = rest[_length(head) :]
        self._counts["done" if head[9:10] == b"2" else "bad"] += 1
        self._waits.append(time.monotonic() - self._asked)
        if time.monotonic() < self._until:
            self._ask()
        else:
            self.ended.set_result(None)
            self._transport.close()


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0] or 0)


async def main(where: str, kind: str, seconds: float, connections: int) -> None:
    host, _, port = where.partition(":")
    counts, waits, began = {"done": 0, "bad": 0}, list[float](), time.monotonic()
    make, loop = maker(kind, int(time.time() * 1000) % 10**9 * 1000), asyncio.get_running_loop()
    open_ones = [
        (await loop.create_connection(lambda: Connection(make, counts, waits, began + seconds), host, int(port)))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(one.ended for one in open_ones))
    p50_ms = round(statistics.median(waits) * 1000, 2)
    print(json.dumps({**counts, "seconds": time.monotonic() - began, "p50_ms": p50_ms}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int((sys.argv[4:] or ["64"])[0])))
