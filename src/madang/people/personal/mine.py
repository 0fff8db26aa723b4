"""/madang/v1/me: a person's own space. Nobody else comes in here, whatever their role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from madang.base.errors import BadRequest, Forbidden, NotAcceptable
from madang.people.http import Handler, Request, Response, encode, nothing_here, pick_method
from madang.people.personal.asking import Asking
from madang.trust.caller import Caller
from madang.trust.consent.export import Rows, as_zip, consent_out, erasure_out, item_out, seen_out
from madang.trust.consent.house import PersonalHouse

JSON = frozenset({"application/json"})
SERVICE = "me"


def person_of(caller: Caller) -> str:
    """Whose space it is. Raises Forbidden for who is no person."""
    caller.require("write", SERVICE)
    if caller.principal.kind != "person":
        raise Forbidden("a personal space belongs to a person: sign in")
    return caller.principal.id


class Mine:
    """Handlers of what is a person's own. `asking` knows what installed apps ask people for."""

    def __init__(self, house: PersonalHouse, asking: Asking) -> None:
        self._house, self._asking = house, asking
        self._table: dict[str, dict[str, Handler]] = {
            "": {"GET": self._overview, "DELETE": self._forget},
            "items": {"GET": self._items},
            "items/*": {"GET": self._items},
            "items/*/*": {"PUT": self._put, "DELETE": self._remove},
            "apps": {"GET": self._apps},
            "consents": {"GET": self._consents, "POST": self._grant},
            "consents/*": {"PATCH": self._narrow, "DELETE": self._withdraw},
            "reads": {"GET": self._reads},
            "erasures": {"GET": self._erasures},
            "export": {"GET": self._export},
        }

    @property
    def routes(self) -> set[tuple[str, str]]:
        return {(f"me/{shape}".rstrip("/"), method) for shape, methods in self._table.items() for method in methods}

    async def handle(self, request: Request) -> Response:
        """`request.parts` are what follows `me`."""
        handlers = self._table.get("/".join("*" if at else part for at, part in enumerate(request.parts)))
        if handlers is None:
            raise nothing_here(request)
        return await pick_method(request, handlers)(request)

    async def _overview(self, request: Request) -> Response:
        return Response.json(
            {"person": person_of(request.caller), **await self._house.tables(person_of(request.caller))}
        )

    async def _items(self, request: Request) -> Response:
        kind = request.parts[1] if len(request.parts) > 1 else None
        found = await self._house.space.items(person_of(request.caller), kind)
        return Response.json([item_out(one) for one in found])

    async def _put(self, request: Request) -> Response:
        _, kind, key = request.parts
        item = await self._house.space.put(person_of(request.caller), kind, key, await request.json(JSON))
        return Response.json(item_out(item))

    async def _remove(self, request: Request) -> Response:
        _, kind, key = request.parts
        await self._house.space.remove(person_of(request.caller), kind, key)
        return Response(204)

    async def _apps(self, request: Request) -> Response:
        person_of(request.caller)
        return Response.json(await self._asking.page())

    async def _consents(self, request: Request) -> Response:
        found = await self._house.consents.of_person(person_of(request.caller))
        return Response.json([consent_out(one) for one in found])

    async def _grant(self, request: Request) -> Response:
        person, told = person_of(request.caller), await _object(request, {"app", "kind", "purpose"})
        given = await self._house.grant(
            person, _text(told, "app"), _text(told, "kind"), _text(told, "purpose"), _members(told), _days(told)
        )
        return Response.json(consent_out(given), 201)

    async def _narrow(self, request: Request) -> Response:
        person, told = person_of(request.caller), await _object(request, set())
        consent = await self._house.narrow(person, request.parts[1], _members(told), _days(told))
        return Response.json(consent_out(consent))

    async def _withdraw(self, request: Request) -> Response:
        return Response.json(consent_out(await self._house.withdraw(person_of(request.caller), request.parts[1])))

    async def _reads(self, request: Request) -> Response:
        person = person_of(request.caller)
        limit, before = whole(request, "limit", 100, 1_000), whole(request, "before", None, 2**62)
        found = await self._house.looking.seen(person, before, limit or 100)
        return Response.json([{"seq": seq, **seen_out(seen)} for seq, seen in found])

    async def _erasures(self, request: Request) -> Response:
        found = await self._house.erasures.of_person(person_of(request.caller))
        return Response.json([erasure_out(one) for one in found])

    async def _export(self, request: Request) -> Response:
        tables = await self._house.export(person_of(request.caller))
        return export_of(tables, request.query.get("form", "json"))

    async def _forget(self, request: Request) -> Response:
        return Response.json({"erasures": await self._house.forget(person_of(request.caller))})


def export_of(tables: Mapping[str, Rows], form: str) -> Response:
    """All of it to take away. Raises NotAcceptable for a form that is not there."""
    if form not in ("json", "csv"):
        raise NotAcceptable("form: json or csv")
    media, body = (b"application/zip", as_zip(tables)) if form == "csv" else (b"application/json", encode(tables))
    name = b"my-space.zip" if form == "csv" else b"my-space.json"
    disposition = (b"content-disposition", b'attachment; filename="' + name + b'"')
    return Response(200, body, [(b"content-type", media), disposition, (b"cache-control", b"no-store")])


async def _object(request: Request, needed: set[str]) -> dict[str, Any]:
    told = await request.json(JSON)
    if not isinstance(told, dict) or not needed <= told.keys() <= needed | {"members", "retentionDays"}:
        raise BadRequest(f"an object with {', '.join(sorted(needed)) or 'members or retentionDays'}")
    return told


def _text(told: dict[str, Any], name: str) -> str:
    value = told[name]
    if not isinstance(value, str) or not 0 < len(value) <= 200 or "\x00" in value:
        raise BadRequest(f"{name}: a text of at most 200 characters")
    return value


def _members(told: dict[str, Any]) -> list[str] | None:
    members = told.get("members")
    if members is not None and not (isinstance(members, list) and all(isinstance(one, str) for one in members)):
        raise BadRequest("members: a list of names")
    return members


def _days(told: dict[str, Any]) -> int | None:
    days = told.get("retentionDays")
    if days is not None and (type(days) is not int or days < 0):
        raise BadRequest("retentionDays: a whole number of days")
    return days


def whole(request: Request, name: str, default: int | None, most: int) -> int | None:
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 18 or not 1 <= int(text) <= most:
        raise BadRequest(f"{name}: a whole number from 1 to {most}")
    return int(text)
