"""/madang/v1/persons and /madang/v1/erasures: what people show to an app, and what it must erase."""

from __future__ import annotations

from madang.base.errors import BadRequest, Forbidden
from madang.people.http import Handler, Request, Response, nothing_here, pick_method
from madang.people.personal.mine import JSON
from madang.trust.caller import Caller
from madang.trust.consent.erasures import Erasure
from madang.trust.consent.export import erasure_out
from madang.trust.consent.house import PersonalHouse
from madang.trust.consent.looking import Look

SERVICE = "persons"


def app_of(caller: Caller) -> str:
    """Raises Forbidden for who is no app."""
    caller.require("read", SERVICE)
    if caller.principal.kind != "app":
        raise Forbidden("only an app that people agreed to may ask this")
    return caller.principal.id


class Persons:
    """Handlers for apps; each sees the people who agreed, under names that mean nothing elsewhere."""

    def __init__(self, house: PersonalHouse) -> None:
        self._house = house
        self._table: dict[str, dict[str, Handler]] = {
            "persons": {"GET": self._list},
            "persons/*": {"GET": self._get},
            "erasures": {"GET": self._due},
            "erasures/*": {"POST": self._receipt},
        }

    @property
    def routes(self) -> set[tuple[str, str]]:
        return {(shape, method) for shape, methods in self._table.items() for method in methods}

    async def handle(self, request: Request) -> Response:
        handlers = self._table.get("/".join("*" if at else part for at, part in enumerate(request.parts)))
        if handlers is None:
            raise nothing_here(request)
        return await pick_method(request, handlers)(request)

    async def _list(self, request: Request) -> Response:
        app, (purpose, kind) = app_of(request.caller), _asked(request)
        text = request.query.get("limit", "100")
        if not text.isascii() or not text.isdigit() or len(text) > 6:
            raise BadRequest("limit: a whole number")
        after = request.query.get("after", "")
        found = await self._house.look(app, purpose, kind, after=after, limit=int(text))
        response = Response.json([look_out(one) for one in found])
        response.entities = len(found)
        return response

    async def _get(self, request: Request) -> Response:
        app, (purpose, kind) = app_of(request.caller), _asked(request)
        (found,) = await self._house.look(app, purpose, kind, request.parts[1])
        return Response.json(look_out(found))

    async def _due(self, request: Request) -> Response:
        found = await self._house.erasures.due(app_of(request.caller))
        return Response.json([due_out(one) for one in found])

    async def _receipt(self, request: Request) -> Response:
        app, told = app_of(request.caller), await request.json(JSON)
        return Response.json(due_out(await self._house.receipt(app, request.parts[1], told)))


def _asked(request: Request) -> tuple[str, str]:
    purpose, kind = request.query.get("purpose"), request.query.get("item")
    if not purpose or not kind:
        raise BadRequest("say the purpose and the kind of item: ?purpose=...&item=...")
    return purpose, kind


def look_out(look: Look) -> dict[str, object]:
    return {"pseudonym": look.pseudonym, "items": look.items}


def due_out(erasure: Erasure) -> dict[str, object]:
    """With the person's name as the app knows it."""
    return {"pseudonym": erasure.pseudonym, **erasure_out(erasure)}
