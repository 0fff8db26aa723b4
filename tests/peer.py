"""Another broker on loopback, and a port where nobody is."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any


class Peer:
    """A broker on loopback that answers what it was told to and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.port = 0
        self._hold = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = line.split(" ")
        self.asked.append((method, target, headers, json.loads(body or b"null")))
        status, answer = self.answers.get(f"{method} {target.partition('?')[0]}", (0, None))
        await (self._hold.wait() if not status else asyncio.sleep(0))
        data = json.dumps(answer).encode() if answer is not None else b""
        writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: {len(data)}\r\nconnection: close\r\n\r\n".encode() + data)
        await writer.drain()
        writer.close()

    def on(self, call: str, status: int, answer: Any = None) -> None:
        method, path = call.split(" ")
        self.answers[f"{method} /ngsi-ld/v1/{path}"] = (status, answer)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
