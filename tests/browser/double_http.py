"""The HTTP side of the double, answer by answer as docs/ARCHITECTURE.md says. Not part of the product."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import double_twin
from double_ground import BBOX, CITY
from double_past import DoublePast
from double_world import Entity, World
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from madang.people.gateway import PAGE_HEADERS

STATIC = Path(__file__).parents[2] / "src/madang/people/static"


class Headers:
    """The headers the real gateway must send with the page."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *PAGE_HEADERS]
            await send(message)

        await self.app(scope, receive, sending)


class HttpSide:
    world: World
    commands: list[Entity]
    letters: list[Entity]
    incidents: list[Entity]
    incidents_wait_s: float
    app_state: str
    refuse_apps: bool
    tiles: Path
    past: DoublePast

    def status(self) -> Entity:
        raise NotImplementedError

    async def send_changes(self, changed: list[Entity], deleted: list[str]) -> None:
        raise NotImplementedError

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
                "incidents": True,
            }
        )

    async def apps(self, _: Request) -> Response:
        purpose = {"ko": "신호 시간 조정", "en": "signal timing"}
        loops = {"action": "read", "type": "TrafficFlowObserved", "attributes": ["occupancy"], "purpose": purpose}
        grants = [loops, {"action": "command", "kind": "signal.stage", "attributes": None, "purpose": purpose}]
        return JSONResponse(
            [
                {
                    "id": "signals",
                    "name": {"ko": "신호 최적화", "en": "Adaptive signals"},
                    "state": self.app_state,
                    "sandbox": 2,
                    "grants": grants,
                    "reasons": {"most_served": {"ko": "{n}대가 기다림", "en": "{n} are waiting"}},
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

    async def list_incidents(self, _: Request) -> Response:
        await asyncio.sleep(self.incidents_wait_s)
        return JSONResponse(self.incidents)

    async def take_incident(self, request: Request) -> Response:
        (found,) = [one for one in self.incidents if str(one["id"]) == request.path_params["id"]]
        found["state"] = "acknowledged"
        return JSONResponse(found)

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
            "reason": "held_by_other" if status == "refused" else "",
            "parameters": {"who": "app:signals"} if status == "refused" else {},
            "detail": "app:signals holds it" if status == "refused" else "",
        }
        self.commands.append(
            {
                **receipt,
                "at": self.world.iso(),
                "who": "person:operator",
                "by": "arbiter",
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
            for e in [*self.world.entities.values(), *double_twin.ENTITIES]
            if e["type"] in types
            and (not pattern or re.search(pattern[1], json.dumps(e.get("name", ""), ensure_ascii=False)))
        ]
        return JSONResponse(found[: int(request.query_params.get("limit", 20))])

    async def entity(self, request: Request) -> Response:
        twin = {one["id"]: one for one in double_twin.ENTITIES}
        found = (self.world.entities | twin).get(request.path_params["id"])
        return JSONResponse(found, 200 if found else 404)

    def routes(self) -> list[BaseRoute]:
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
            Route("/madang/v1/incidents", self.list_incidents),
            Route("/madang/v1/incidents/{id}/acknowledge", self.take_incident, methods=["POST"]),
            Route("/madang/v1/commands", self.list_commands),
            Route("/madang/v1/commands", self.command, methods=["POST"]),
            Route("/ngsi-ld/v1/types", types),
            Route("/ngsi-ld/v1/entities", self.query),
            Route("/ngsi-ld/v1/entities/{id}", self.entity),
            Route("/tiles/helsinki.pmtiles", tiles),
            *double_twin.routes(),
            *self.past.routes(),
            Mount("/", StaticFiles(directory=STATIC, html=True)),
        ]
