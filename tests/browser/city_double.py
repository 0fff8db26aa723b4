"""A double of the gateway for the page's own browser tests: it speaks docs/ARCHITECTURE.md over a toy city.

Never part of the product. By hand: `python tests/browser/city_double.py --port 8765 [--tiles FILE] [--entities FILE]`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from double_ground import streets_of
from double_http import Headers, HttpSide
from double_past import DoublePast
from double_world import Entity, World
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect


class CityDouble(HttpSide):
    """The state of the double, and the handles by which a test makes things go wrong."""

    def __init__(self, tiles: Path, cars: int = 120, entities: Path | None = None, rate_s: float = 0.25) -> None:
        self.tiles, self.rate_s, self.past = tiles, rate_s, DoublePast()
        self.world = World(cars=cars, lines=streets_of(entities) if entities else None)
        if entities:
            self.world.adopt(entities)
        self.sockets: dict[WebSocket, dict[str, list[str]]] = {}
        self.commands: list[Entity] = []
        self.incidents: list[Entity] = []
        self.incidents_wait_s = 0.0
        self.app_state = "running"
        self.seq = 0
        self.url = ""
        self.silent = False  # accept sockets, send nothing: a dead feed
        self.refuse_apps = False  # answer start/stop with a problem
        self.shut = False  # turn sockets away: the gateway is down
        self.letters: list[Entity] = [
            {
                "at": self.world.iso(),
                "source": "mqtt city/helsinki/loop/loop9",
                "reason": "not JSON: line 1 column 2",
                "payload": "{]",
            }
        ]

    async def run(self) -> None:
        beat = 0.0
        while True:
            await asyncio.sleep(self.rate_s)
            beat += self.rate_s
            changed, deleted = self.world.step(self.rate_s)
            await self.send_changes(changed, deleted)
            if beat >= 1:
                beat = 0
                await self.each(lambda socket, subs: self.send(socket, {"op": "status", **self.status()}))

    async def each(self, act: Any) -> None:
        for socket, subs in list(self.sockets.items()):
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await act(socket, subs)

    async def send(self, socket: WebSocket, frame: Entity) -> None:
        if not self.silent:
            await socket.send_text(json.dumps(frame, separators=(",", ":")))

    async def send_changes(self, changed: list[Entity], deleted: list[str]) -> None:
        self.seq += 1

        async def act(socket: WebSocket, subs: dict[str, list[str]]) -> None:
            for name, types in list(subs.items()):
                mine = [e for e in changed if e["type"] in types]
                gone = [i for i in deleted if i.split(":")[2] in types]
                if mine or gone:
                    await self.send(
                        socket, {"op": "changes", "id": name, "seq": self.seq, "entities": mine, "deleted": gone}
                    )

        await self.each(act)

    async def send_state(self, socket: WebSocket, name: str, types: list[str]) -> None:
        entities = [e for e in self.world.entities.values() if e["type"] in types]
        pages = [entities[i : i + 500] for i in range(0, len(entities), 500)] or [[]]
        for page in pages:
            await self.send(
                socket, {"op": "state", "id": name, "seq": self.seq, "entities": page, "last": page is pages[-1]}
            )

    async def resync(self) -> None:
        async def act(socket: WebSocket, subs: dict[str, list[str]]) -> None:
            for name, types in list(subs.items()):
                await self.send(socket, {"op": "resync", "id": name})
                await self.send_state(socket, name, types)

        await self.each(act)

    async def drop_sockets(self) -> None:
        await self.each(lambda socket, subs: socket.close(1012))

    def status(self) -> Entity:
        since = self.world.iso()
        parts = {
            n: {"state": "running", "since": since, "restarts": 0, "detail": ""}
            for n in ("postgres", "nats", "gateway", "ingest", "courier", "field", "shadow", "app:signals")
        }
        parts["app:signals"]["state"] = self.app_state
        refused = sum(c["status"] == "refused" for c in self.commands)
        return {
            "city_time": self.world.iso(),
            "wall_time": since,
            "seed": 7,
            "speed": 1,
            "simulated": True,
            "components": parts,
            "counters": {
                "entities": len(self.world.entities),
                "observations": self.seq * 190,
                "observations_per_s": 512.4,
                "dead_letters": len(self.letters),
                "commands_accepted": len(self.commands) - refused,
                "commands_refused": refused,
                "subscriptions": len(self.sockets),
                "latency_ms_p95": 38.2,
            },
        }

    async def socket(self, socket: WebSocket) -> None:
        if self.shut:
            await socket.close(1013)
            return
        await socket.accept()
        self.sockets[socket] = {}
        await self.send(socket, {"op": "status", **self.status()})
        try:
            while True:
                message = json.loads(await socket.receive_text())
                if message["op"] == "subscribe":
                    self.sockets[socket][message["id"]] = message["types"]
                    await self.send_state(socket, message["id"], message["types"])
                elif message["op"] == "unsubscribe":
                    self.sockets[socket].pop(message["id"], None)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self.sockets.pop(socket, None)

    def app(self) -> Starlette:
        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            task = asyncio.create_task(self.run())
            yield
            task.cancel()

        return Starlette(
            routes=[WebSocketRoute("/ws", self.socket), *self.routes()],
            middleware=[Middleware(Headers)],
            lifespan=lifespan,
        )


if __name__ == "__main__":
    import tempfile

    import uvicorn
    from double_tiles import make_tiles

    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--tiles", type=Path)
    parser.add_argument("--entities", type=Path)
    parser.add_argument("--cars", type=int, default=120)
    options = parser.parse_args()
    tiles = options.tiles or make_tiles(Path(tempfile.mkdtemp()) / "city.pmtiles")
    uvicorn.run(CityDouble(tiles, options.cars, options.entities).app(), port=options.port, log_level="warning")
