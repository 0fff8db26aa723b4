"""/madang/v1: commands, status, dead letters, the city's page configuration, and the tables of the other rooms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from madang.base.clock import from_iso
from madang.base.errors import BadRequest
from madang.ingest.deadletters import DeadLetters
from madang.operations.incidents.book import Book
from madang.people.apps.interface import AppsInterface
from madang.people.audit import AuditDoor
from madang.people.http import Handler, Request, Response, nothing_here, pick_method
from madang.people.operations.interface import IncidentsInterface
from madang.people.policies import PolicyDoor
from madang.people.privacy import Privacy, PrivacyDoor
from madang.people.registers import RegistersDoor
from madang.people.replay import ReplayDoor
from madang.people.store.charges import ChargeDoor
from madang.people.verdicts import VerdictDoor
from madang.runtime.apps import Apps
from madang.store.house import StoreHouse
from madang.trust.audit.recorder import Recorder
from madang.trust.defence.verdicts import Verdicts
from madang.trust.identity.house import Identity

JSON = frozenset({"application/json"})
Desk = Any  # the command desk: submit(caller, intent), submit_many(caller, intents), page(...), get(id); wired in cli/


class Management:
    """Handlers of the management resources."""

    def __init__(
        self,
        city: dict[str, Any],
        apps: Apps,
        desk: Desk,
        letters: DeadLetters,
        status: Callable[[], dict[str, Any]],
        app_folders: Callable[[], Awaitable[list[dict[str, Any]]]],
        explain: Handler,
        notified: Handler,
        recorder: Recorder,
        policies: PolicyDoor,
        identity: Identity | None = None,
        privacy: Privacy | None = None,
        verdicts: Verdicts | None = None,
        store: StoreHouse | None = None,
        incidents: Book | None = None,
        replay: ReplayDoor | None = None,
    ) -> None:
        self._city, self._desk, self._letters, self._status = city, desk, letters, status
        self._table: dict[str, dict[str, Handler]] = {
            "city": {"GET": self._get_city},
            "status": {"GET": self._get_status},
            "deadletters": {"GET": self._get_letters},
            "explain": {"GET": explain},
            "commands": {"GET": self._list_commands, "POST": self._command},
            "commands/*": {"GET": self._get_command},
            "notifications/*": {"POST": notified},
            **AppsInterface(apps, recorder, lambda: dict(status()["components"]), app_folders).table,
            **AuditDoor(recorder).table,
            **policies.table,
            **RegistersDoor(identity).table,
            **PrivacyDoor(privacy, recorder).table,
            **VerdictDoor(verdicts, recorder).table,
            **ChargeDoor(store, recorder).table,
            **IncidentsInterface(incidents, recorder).table,
            **(replay or ReplayDoor()).table,
        }

    @property
    def routes(self) -> set[tuple[str, str]]:
        """`(shape, method)` of everything that is answered; `*` stands for an id."""
        return {(shape, method) for shape, methods in self._table.items() for method in methods}

    async def handle(self, request: Request) -> Response:
        handlers = self._table.get("/".join(request.parts)) or self._table.get(_shape(request.parts))
        if handlers is None or any("\x00" in part for part in request.parts):
            raise nothing_here(request)
        return await pick_method(request, handlers)(request)

    async def _get_city(self, request: Request) -> Response:
        request.caller.require("read", "city")
        return Response.json(self._city | {"incidents": request.caller.may("read", "incidents")})

    async def _get_status(self, request: Request) -> Response:
        request.caller.require("read", "status")
        return Response.json(self._status())

    async def _get_letters(self, request: Request) -> Response:
        request.caller.require("read", "deadletters")
        return Response.json(await self._letters.latest(_limit(request)))

    async def _command(self, request: Request) -> Response:
        data = await request.json(JSON)
        if isinstance(data, list):
            if not data or len(data) > 200:
                raise BadRequest("a list of commands has 1 to 200 items")
            response = Response.json(await self._desk.submit_many(request.caller, data), 201)
            response.written = len(data)
            return response
        receipt = await self._desk.submit(request.caller, data)
        return Response.json(receipt, 201)

    async def _list_commands(self, request: Request) -> Response:
        request.caller.require("read", "commands")
        query = request.query
        until = _until(request)
        rows = await self._desk.page(_limit(request), query.get("status"), query.get("target"), until)
        return Response.json(rows)

    async def _get_command(self, request: Request) -> Response:
        request.caller.require("read", "commands")
        return Response.json(await self._desk.get(request.parts[1]))


def _shape(parts: list[str]) -> str:
    return "/".join("*" if index == 1 else part for index, part in enumerate(parts))


def _until(request: Request) -> datetime | None:
    text = request.query.get("until")
    try:
        return from_iso(text) if text else None
    except ValueError:
        raise BadRequest("until: a time, ISO 8601") from None


def _limit(request: Request) -> int:
    text = request.query.get("limit", "50")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= 1_000:
        raise BadRequest("limit: a whole number from 1 to 1000")
    return int(text)
