"""An app against a small real server on a unix socket: state, changes, beats, commands, a broken connection."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from madang.sdk import App, DoorError, intent, observed_at, value_of
from madang.sdk.city_time import CityTime
from madang.sdk.door import Door
from madang.sdk.http import Address
from madang.sdk.running import Running

STATUS = {"op": "status", "city_time": "2026-06-01T07:30:00Z", "speed": 20.0}
REAL = {"op": "status", "city_time": "2026-06-01T07:30:00Z", "speed": None}


class City:
    """Answers as the gateway does; hangs up on the first connection after its state."""

    def __init__(self) -> None:
        self.connections, self.commands, self.tokens = 0, [], set()
        self.erasures = [
            {"id": "e1", "pseudonym": "p1", "kind": "place", "purpose": "x", "upTo": "2026-06-01T07:30:00Z"}
        ]
        self.receipts: dict[str, Any] = {}

    async def socket(self, ws: WebSocket) -> None:
        await ws.accept()
        self.connections += 1
        told = json.loads(await ws.receive_text())
        loop = {
            "id": "urn:a",
            "type": told["types"][0],
            "intensity": {"value": 3, "observedAt": "2026-06-01T07:30:00Z"},
        }
        await ws.send_json({"op": "state", "id": told["id"], "seq": 1, "entities": [loop], "last": True})
        await ws.send_json(STATUS)
        if self.connections == 1:
            return await ws.close()
        await ws.send_text("no json")
        await ws.send_json({"op": "changes", "id": told["id"], "seq": 2, "entities": [loop], "deleted": ["urn:b"]})
        while True:
            await ws.receive_text()

    async def command(self, request: Request) -> JSONResponse:
        self.tokens.add(request.headers["authorization"])
        body = await request.json()
        many = body if isinstance(body, list) else [body]
        self.commands += many
        receipts = [{"id": str(i), "status": "accepted"} for i, _ in enumerate(many)]
        return JSONResponse(receipts if isinstance(body, list) else receipts[0], 201)

    async def due(self, request: Request) -> JSONResponse:
        return JSONResponse([one for one in self.erasures if one["id"] not in self.receipts])

    async def receipt(self, request: Request) -> JSONResponse:
        self.receipts[request.path_params["id"]] = await request.json()
        return JSONResponse({})

    async def entities(self, request: Request) -> JSONResponse:
        if request.query_params["type"] == "Secret":
            return JSONResponse({"title": "Not granted", "status": 403, "detail": "no grant for Secret"}, 403)
        start = int(request.query_params["offset"])
        return JSONResponse([{"id": f"urn:{i}"} for i in range(start, min(start + 1000, 1500))])


@pytest.fixture
async def city() -> AsyncIterator[tuple[City, str]]:
    made = City()
    routes = [
        WebSocketRoute("/ws", made.socket),
        Route("/madang/v1/commands", made.command, methods=["POST"]),
        Route("/ngsi-ld/v1/entities", made.entities),
        Route("/madang/v1/erasures", made.due),
        Route("/madang/v1/erasures/{id}", made.receipt, methods=["POST"]),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "door")
        config = uvicorn.Config(Starlette(routes=routes), uds=path, log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.02)
        yield made, path
        server.should_exit = True
        server.force_exit = True
        await task


async def test_app_lives(city: tuple[City, str], tmp_path: Path) -> None:
    made, path = city
    app, heard, beats = App(), [], []

    @app.on("TrafficFlowObserved", attrs=("intensity",))
    async def hear(entity: dict[str, Any], gone: bool) -> None:
        heard.append((entity["id"], gone))

    @app.every(2.0)
    async def beat() -> None:
        beats.append(app.time.now())
        await app.command("signal.stage", "urn:tl", {"stage": 1}, "queue")
        await app.commands([intent("signal.stage", "urn:tl", {"stage": n}, "queue") for n in (1, 2)])
        if ("urn:b", True) in heard and len(beats) > 3:
            app.stop()

    @app.on_stop
    async def bye() -> None:
        await app.command("signal.release", "urn:tl", {}, "stop")

    async with asyncio.timeout(20):
        await Running(app, path, "secret", tmp_path).main()
    assert made.connections == 2 and heard.count(("urn:a", False)) == 3
    assert made.commands[-1]["kind"] == "signal.release" and made.tokens == {"Bearer secret"}
    steps = [(b - a).total_seconds() for a, b in pairwise(beats)]
    assert all(step >= -25 for step in steps)


async def test_what_was_shown_is_erased_with_a_receipt(city: tuple[City, str], tmp_path: Path) -> None:
    made, path = city
    app, erased = App(), []

    @app.on_erase
    async def erase(due: Mapping[str, Any]) -> int:
        erased.append((due["pseudonym"], due["kind"], due["upTo"]))
        return 3

    @app.every(0.05, city_time=False)
    async def until_told() -> None:
        if made.receipts:
            app.stop()

    async with asyncio.timeout(20):
        await Running(app, path, "secret", tmp_path).main()
    assert (erased, made.receipts) == ([("p1", "place", "2026-06-01T07:30:00Z")], {"e1": {"erased": 3, "note": ""}})


async def test_a_city_that_is_no_simulation_has_a_time(tmp_path: Path) -> None:
    app = App()
    Running(app, "/nowhere", "", tmp_path)._note(REAL)
    assert (app.time.known, app.time.speed) == (True, 1.0)


async def test_queries_page_and_refusals_raise(city: tuple[City, str]) -> None:
    door = Door(Address.of(city[1]), "t")
    assert len(await door.query("Vehicle")) == 1500
    with pytest.raises(DoorError) as told:
        await door.query("Secret")
    assert told.value.status == 403 and "no grant" in told.value.detail
    await door.close()


def test_city_time_goes_on_between_frames() -> None:
    time = CityTime()
    with pytest.raises(RuntimeError):
        time.now()
    time.note("2026-06-01T07:30:00Z", 10.0, 100.0)
    assert time.now(102.0).isoformat() == "2026-06-01T07:30:20+00:00"


def test_values_and_addresses() -> None:
    assert (
        value_of({"value": 3, "unitCode": "KMH"}) == 3 and value_of({"json": [1]}) == [1] and value_of("bus") == "bus"
    )
    assert observed_at({"value": 1, "observedAt": "x"}) == "x" and observed_at(3) is None
    assert Address.of("unix:/a/b").socket == "/a/b" and Address.of("http://h:1/").websocket == "ws://h:1/ws"
    with pytest.raises(ValueError, match="empty"):
        Address.of("")
