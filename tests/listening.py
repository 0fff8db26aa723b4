"""An HTTP endpoint for notifications."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec


class Listener:
    """An HTTP endpoint that keeps what it was told, and answers while it is open."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.heads: list[str] = []
        self.url = ""
        self.open = asyncio.Event()
        self.open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().partition("content-length:")[2].split("\r\n")[0])
        self.heads.append(head)
        self.bodies.append(msgspec.json.decode(await reader.readexactly(length)))
        await self.open.wait()
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    @property
    def shown(self) -> list[Any]:
        return [entity for body in self.bodies for entity in body["data"]]
