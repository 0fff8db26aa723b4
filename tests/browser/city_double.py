"""A double of the gateway for the page's own browser tests: it speaks docs/ARCHITECTURE.md over a toy city.

Never part of the product. By hand: `python tests/browser/city_double.py --port 8765 [--tiles FILE] [--entities FILE]`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from double_world import BBOX, CITY, Entity, World, streets_of
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

STATIC = Path(__file__).parents[2] / "src/madang/people/static"
CSP = (
    "default-src 'none'; script-src 'self'; worker-src blob:; connect-src 'self'; img-src 'self' data: blob:; "
    "style-src 'self'; font-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'self'"
)


class Headers:
    """The headers the real gateway must send with the page."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"content-security-policy", CSP.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        await self.app(scope, receive, sending)


class CityDouble:
    """The state of the double, and the handles by which a test makes things go wrong."""

    def __init__(self, tiles: Path, cars: int = 120, entities: Path | None = None, rate_s: float = 0.25) -> None:
        self.tiles, self.rate_s = tiles, rate_s
        self.world = World(cars=cars, lines=streets_of(entities) if entities else None)
        if entities:
            self.world.adopt(entities)
        self.sockets: dict[WebSocket, dict[str, list[str]]] = {}
        self.commands: list[Entity] = []
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

    # --- HTTP

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

    async def city(self, _: Request) -> Response:
        return JSONResponse(
            {
                "id": CITY,
                "name": {"ko": "헬싱키 도심", "en": "Central Helsinki"},
                "timezone": "Europe/Helsinki",
                "bbox": list(BBOX),
                "attribution": "© OpenStreetMap contributors, ODbL",
                "tiles": "/tiles/helsinki.pmtiles",
                "simulated": True,
            }
        )

    async def apps(self, _: Request) -> Response:
        grants = [
            {
                "action": "read",
                "type": "TrafficFlowObserved",
                "attributes": ["occupancy", "intensity"],
                "area": "city",
                "purpose": "signal timing",
                "retention_s": 3600,
            },
            {
                "action": "command",
                "type": "TrafficSignalController",
                "attributes": ["signal.stage"],
                "rank": "efficiency",
            },
        ]
        return JSONResponse(
            [
                {
                    "id": "signals",
                    "name": {"ko": "신호 최적화", "en": "Adaptive signals"},
                    "state": self.app_state,
                    "sandbox": "landlock",
                    "grants": grants,
                }
            ]
        )

    async def switch_app(self, request: Request) -> Response:
        if self.refuse_apps:
            problem = {
                "type": "about:blank",
                "title": "Sandbox below the floor",
                "status": 409,
                "detail": "no sandbox on this machine",
            }
            return JSONResponse(problem, 409, media_type="application/problem+json")
        self.app_state = "running" if request.path_params["act"] == "start" else "stopped"
        return JSONResponse({"id": "signals", "state": self.app_state})

    async def list_commands(self, request: Request) -> Response:
        wanted = request.query_params.get("status")
        rows = [c for c in reversed(self.commands) if wanted in (None, c["status"])]
        return JSONResponse(rows[: int(request.query_params.get("limit", 50))])

    async def command(self, request: Request) -> Response:
        intent = await request.json()
        status = (
            "refused"
            if intent["kind"] == "simulation.event" and any(c["kind"] == "simulation.event" for c in self.commands)
            else "accepted"
        )
        receipt = {
            "id": f"cmd-{len(self.commands) + 1}",
            "status": status,
            "reason": "an event is already running" if status == "refused" else "",
        }
        self.commands.append(
            {
                **receipt,
                "at": self.world.iso(),
                "by": "person:operator",
                "kind": intent["kind"],
                "target": intent["target"],
                "why": intent.get("reason", ""),
            }
        )
        if status == "accepted":
            await self.send_changes(*self.world.inject(intent["kind"]))
        return JSONResponse(receipt, 201)

    async def query(self, request: Request) -> Response:
        types = request.query_params["type"].split(",")
        pattern = re.search(r'name~="([^"]*)"', request.query_params.get("q", ""))
        found = [
            e
            for e in self.world.entities.values()
            if e["type"] in types
            and (not pattern or re.search(pattern[1], json.dumps(e.get("name", ""), ensure_ascii=False)))
        ]
        return JSONResponse(found[: int(request.query_params.get("limit", 20))])

    async def entity(self, request: Request) -> Response:
        found = self.world.entities.get(request.path_params["id"])
        return JSONResponse(found, 200 if found else 404)

    def routes(self) -> list[Any]:
        async def status(_: Request) -> Response:
            return JSONResponse(self.status())

        async def types(_: Request) -> Response:
            return JSONResponse(
                {
                    "id": "urn:ngsi-ld:EntityTypeList:1",
                    "type": "EntityTypeList",
                    "typeList": sorted({e["type"] for e in self.world.entities.values()}),
                }
            )

        async def letters(_: Request) -> Response:
            return JSONResponse(self.letters)

        async def tiles(_: Request) -> Response:
            return FileResponse(self.tiles, media_type="application/vnd.pmtiles")

        return [
            Route("/madang/v1/city", self.city),
            Route("/madang/v1/status", status),
            Route("/madang/v1/apps", self.apps),
            Route("/madang/v1/apps/{id}/{act}", self.switch_app, methods=["POST"]),
            Route("/madang/v1/deadletters", letters),
            Route("/madang/v1/commands", self.list_commands),
            Route("/madang/v1/commands", self.command, methods=["POST"]),
            Route("/ngsi-ld/v1/types", types),
            Route("/ngsi-ld/v1/entities", self.query),
            Route("/ngsi-ld/v1/entities/{id}", self.entity),
            Route("/tiles/helsinki.pmtiles", tiles),
            WebSocketRoute("/ws", self.socket),
            Mount("/", StaticFiles(directory=STATIC, html=True)),
        ]

    def app(self) -> Starlette:
        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            task = asyncio.create_task(self.run())
            yield
            task.cancel()

        return Starlette(routes=self.routes(), middleware=[Middleware(Headers)], lifespan=lifespan)


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
