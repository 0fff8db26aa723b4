"""Other brokers for `bench.federated`: HTTP servers that answer every query with the same entities.

    python -m bench.peers COUNT ENTITIES

Prints the ports as a JSON list, and answers until its input ends.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import cast

import uvloop

_TYPE = re.compile(rb"[?&]type=(\w+)")


class Peer(asyncio.Protocol):
    """Entities of the type that is asked for; every peer of a process holds the same number, under ids of its own."""

    def __init__(self, number: int, entities: int) -> None:
        self._number, self._entities = number, entities

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._buffer = cast(asyncio.Transport, transport), b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
            found = _TYPE.search(head)
            body = answer(self._number, found[1].decode() if found else "T", self._entities)
            fields = b"content-type: application/json\r\ncontent-length: %d" % len(body)
            self._transport.write(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n" + body)


def answer(peer: int, kind: str, entities: int) -> bytes:
    value = {"type": "Property", "value": 7.5, "unitCode": "CEL", "observedAt": "2026-01-01T00:00:00.000Z"}
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [24.94, 60.17]}}
    listed = [
        {"id": f"urn:x:{kind}:{peer}:{number}", "type": kind, "temperature": value, "location": place}
        for number in range(entities)
    ]
    return json.dumps(listed).encode()


async def main(count: int, entities: int) -> None:
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(lambda n=n: Peer(n, entities), "127.0.0.1", 0) for n in range(count)]  # type: ignore[misc]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
