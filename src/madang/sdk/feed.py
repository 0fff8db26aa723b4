"""What changes, as it changes: the WebSocket of the kernel (protocol: docs/ARCHITECTURE.md, `/ws`)."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection, connect, unix_connect

from madang.sdk.http import Address

log = logging.getLogger(__name__)

RETRY_FIRST_S, RETRY_MAX_S = 0.3, 5.0
SILENT_AFTER_S = 15.0
FRAME_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Wanted:
    """One subscription: entity types with an optional narrowing, and who hears (entity or deletion, is it state)."""

    id: str
    types: tuple[str, ...]
    hear: Callable[[Mapping[str, Any]], Awaitable[None]]
    attrs: tuple[str, ...] = ()
    q: str = ""

    def frame(self) -> str:
        return json.dumps({"op": "subscribe"} | self._body())

    def _body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"id": self.id, "types": list(self.types), "format": "concise"}
        return body | ({"attrs": list(self.attrs)} if self.attrs else {}) | ({"q": self.q} if self.q else {})

    def lost(self) -> bool:
        """The city does not know any more what came after its place: whether it goes on all the same."""
        return False


@dataclass(frozen=True)
class Followed(Wanted):
    """A log, from the place that `after` tells when a connection is there (None: from the present)."""

    after: Callable[[], int | None] = lambda: None
    forget: Callable[[], None] = lambda: None

    def frame(self) -> str:
        place = self.after()
        return json.dumps({"op": "follow"} | self._body() | ({} if place is None else {"after": place}))

    def lost(self) -> bool:
        self.forget()
        return True


@dataclass
class Feed:
    """Keeps the subscriptions alive: reconnects with growing waits, subscribes anew, takes the state again.

    `on_status` hears each status frame; `on_tick` each second of a testbed, with which the app is done when it returns. A frame
    of state, changes or a log reaches `Wanted.hear` as it came (with `op`).
    """

    address: Address
    token: str
    wanted: list[Wanted] = field(default_factory=list)
    on_status: Callable[[Mapping[str, Any]], None] = lambda _: None
    on_tick: Callable[[str], Awaitable[None]] | None = None
    connects: int = 0

    async def run(self) -> None:
        """Until cancelled."""
        wait = RETRY_FIRST_S
        while True:
            try:
                async with self._connect() as socket:
                    self.connects, wait = self.connects + 1, RETRY_FIRST_S
                    for one in self.wanted:
                        await socket.send(one.frame())
                    async for frame in _frames(socket):
                        await self._take(frame, socket)
            except (OSError, websockets.WebSocketException, TimeoutError) as error:
                log.warning("lost the city (%s), trying again in %.1f s", error or type(error).__name__, wait)
            await asyncio.sleep(wait)
            wait = min(RETRY_MAX_S, wait * 2)

    def _connect(self) -> connect:
        # Compressing what goes through a socket of this machine costs more than it saves.
        how: dict[str, Any] = {"max_size": FRAME_MAX_BYTES, "compression": None, "proxy": None}
        how |= {"additional_headers": {"Authorization": f"Bearer {self.token}"} if self.token else {}}
        if self.address.socket:
            return unix_connect(self.address.socket, self.address.websocket, **how)
        return connect(self.address.websocket, **how)

    async def _take(self, frame: Mapping[str, Any], socket: ClientConnection) -> None:
        op, by_id = frame.get("op"), {one.id: one for one in self.wanted}
        if op == "status":
            self.on_status(frame)
        elif op == "tick" and self.on_tick is not None:
            await self.on_tick(str(frame["at"]))
            await socket.send(json.dumps({"op": "tock", "id": frame["at"]}))
        elif op in ("state", "changes", "log") and frame.get("id") in by_id:
            await by_id[str(frame["id"])].hear(frame)
        elif op == "resync":
            log.info("fell behind on %s, taking the state again", frame.get("id"))
        elif op == "error":
            log.error("the city refuses %s: %s", frame.get("id"), frame.get("problem"))
            one = by_id.get(str(frame.get("id")))
            if one is not None and frame.get("problem", {}).get("status") == 410 and one.lost():
                await socket.send(one.frame())


async def _frames(socket: ClientConnection) -> AsyncIterator[Mapping[str, Any]]:
    """Frames as JSON objects. The kernel speaks each second: silence for long raises TimeoutError."""
    while True:
        async with asyncio.timeout(SILENT_AFTER_S):
            text = await socket.recv()
        try:
            frame = json.loads(text)
        except ValueError:
            log.warning("a frame that is no JSON")
            continue
        if isinstance(frame, dict):
            yield frame
