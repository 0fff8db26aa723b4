"""What a page does: subscribes on `/ws`, applies the frames, comes back after a loss."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import websockets

from tests.flow.load import end


class Page:
    """The entities of some types as the frames tell them, in simplified form; and every status frame."""

    def __init__(self, url: str, **wanted: Any) -> None:
        self._url = url.replace("http", "ws", 1) + "ws"
        self._wanted = {"op": "subscribe", "id": "p", "format": "simplified", **wanted}
        self.entities: dict[str, dict[str, Any]] = {}
        self.components: dict[str, dict[str, Any]] = {}
        self.states: set[tuple[str, str]] = set()
        self.complete = False
        self.connections = 0
        self._task = asyncio.create_task(self._for_ever())

    async def close(self) -> None:
        await end([self._task])

    async def _for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except (OSError, websockets.WebSocketException, TimeoutError):
                self.complete = False
                await asyncio.sleep(0.1)

    async def _listen(self) -> None:
        async with websockets.connect(self._url, compression=None, proxy=None, max_size=None) as socket:
            self.connections += 1
            await socket.send(msgspec.json.encode(self._wanted).decode())
            async for text in socket:
                self.apply(msgspec.json.decode(text))

    def apply(self, frame: dict[str, Any]) -> None:
        """The rules of docs/ARCHITECTURE.md: a first page starts over; `deleted` before `entities`; null removes."""
        if frame["op"] == "state":
            if frame["first"]:
                self.entities = {}
            self.complete = frame["last"]
        if frame["op"] == "status":
            self.components = frame["components"]
            self.states |= {(name, one["state"]) for name, one in self.components.items()}
        for gone in frame.get("deleted", []):
            self.entities.pop(gone, None)
        for entity in frame.get("entities", []):
            known = self.entities.get(entity["id"], {}) | entity
            self.entities[entity["id"]] = {name: value for name, value in known.items() if value is not None}
