"""The gateway: one ASGI app behind two doors. People and devices come by TCP, apps by their own unix socket.

The door decides who an anonymous caller is: on the app door nobody; on the people's door what the instance was opened with.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol
from urllib.parse import urlsplit

from madang import __version__
from madang.base.city import DefenceSettings
from madang.base.errors import Forbidden, TooMany, Unauthorized
from madang.people.app_door import AppDoor
from madang.people.http import (
    Handler,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    guarded,
    nothing_here,
    problem,
    send_response,
    split_path,
)
from madang.people.openapi import document as openapi
from madang.people.personal.door import PersonalDoor
from madang.trust.caller import UNKNOWN, Caller, Claim
from madang.trust.defence.guard import Guard

CSP = (
    "default-src 'none'; script-src 'self'; worker-src blob:; connect-src 'self'; img-src 'self' data: blob:; "
    "style-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
API_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
]
PAGE_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", CSP.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]
HSTS = [(b"strict-transport-security", b"max-age=31536000")]
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SHOWN = frozenset({b"authorization", b"cookie"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Mount(Protocol):
    async def handle(self, request: Request) -> Response: ...


class Identifying(Mount, Protocol):
    """The doors of identity, which admit by themselves, and whose credential a request of other doors shows."""

    @property
    def mounts(self) -> frozenset[str]: ...

    async def claim_of(self, headers: Mapping[bytes, bytes]) -> Claim | None: ...


Again = Callable[[], Awaitable[Caller]]
"""Who shows these credentials by now. Raises Unauthorized when nobody does any more."""
Sockets = Callable[[Scope, Receive, Send, Again], Awaitable[None]]
ByToken = Callable[[str], Awaitable[Caller | None]]


class Gateway:
    """Routes by the first path segment; the longest mount wins by being asked first."""

    def __init__(
        self,
        ngsi: Mount,
        manage: Mount,
        tiles: Mount,
        pages: Mount,
        metrics: Handler,
        sockets: Sockets,
        by_token: ByToken,
        anonymous: Caller,
        sensorthings: Mount | None = None,
        identity: Identifying | None = None,
        personal: PersonalDoor | None = None,
        guard: Guard | None = None,
        is_secure: bool = False,
        refused: Callable[[str, str, str], None] | None = None,
        further: Mapping[str, Mount] = MappingProxyType({}),
        frames: Mount | None = None,
        app_door: AppDoor | None = None,
    ) -> None:
        """`further`: mounts by the first segment of their paths."""
        self._ngsi, self._manage, self._tiles, self._pages, self._metrics = ngsi, manage, tiles, pages, metrics
        self._sensorthings, self._identity, self._personal = sensorthings, identity, personal
        self._sockets, self._by_token, self._anonymous = sockets, by_token, anonymous
        self._further = further
        self._guard, self._refused = guard or Guard(DefenceSettings()), refused
        self._always, self._app_door = HSTS if is_secure else [], app_door
        self._frames = frames

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope["raw_path"].decode("latin-1") if scope.get("raw_path") else scope["path"]
        parts = split_path(raw.partition("?")[0])
        if self._identity is not None and parts and parts[0] in self._identity.mounts:
            request = Request(scope, receive, parts)
            response = await guarded(self._admit_anybody, self._identity.handle, request)
            extra: list[tuple[bytes, bytes]] = []
        elif self._frames is not None and parts[:1] == ["frames"]:  # the ticket in the path is the right
            request = Request(scope, receive, parts[1:])
            response, extra = await guarded(self._admit_anybody, self._frames.handle, request), []
            raw = "/frames"  # a ticket is a right: it goes on no record
        else:
            handler, rest, extra = self._route(parts)
            request = Request(scope, receive, rest)
            response = await guarded(self._admit, handler, request)
        if self._app_door is not None:
            self._app_door.saw(request, raw, response)
        await send_response(send, response, extra + self._always if self._always else extra)
        if response.status == 403 and self._refused is not None:
            self._refused(request.caller.name, request.method, raw)
        self._guard.saw(
            request.caller.name, request.source, request.method, raw, response.status, response.entities,
            len(response.body), request.raw_query,
        )  # fmt: skip

    async def _admit_anybody(self, request: Request) -> None:
        """Knows from where it comes. Raises Forbidden, TooMany."""
        request.source = self._guard.source(request.scope.get("client"), request.headers)
        self._guard.admit_source(request.source)

    async def _admit(self, request: Request) -> None:
        """Knows who calls, and from where. Raises Unauthorized, Forbidden, TooMany."""
        await self._admit_anybody(request)
        request.caller = await self._caller(request.scope, request.headers)
        self._guard.admit_principal(request.caller.name, request.source)
        if self._app_door is not None:
            await self._app_door.admit(request.caller, request.scope)
        _same_origin(request.method, request.headers, request.caller)

    def _route(self, parts: list[str]) -> tuple[Handler, list[str], list[tuple[bytes, bytes]]]:
        match parts:
            case ["ngsi-ld", "v1", *rest]:
                return self._ngsi.handle, rest, API_HEADERS
            case ["madang", "v1", "me", *rest] if self._personal is not None:
                return self._personal.mine.handle, rest, [*API_HEADERS, (b"cache-control", b"no-store")]
            case ["madang", "v1", "persons" | "erasures", *_] if self._personal is not None:
                return self._personal.persons.handle, parts[2:], API_HEADERS
            case ["madang", "v1", *rest]:
                return self._manage.handle, rest, API_HEADERS
            case ["sensorthings", "v1.1", *rest] if self._sensorthings is not None:
                return self._sensorthings.handle, rest, API_HEADERS
            case [first, *rest] if first in self._further:
                named = not any("\x00" in part for part in rest)  # which no database takes
                return self._further[first].handle if named else _nothing, rest, API_HEADERS
            case ["tiles", *rest]:
                return reading("files", self._tiles.handle), rest, API_HEADERS
            case ["version"]:
                return _version, [], API_HEADERS
            case ["openapi.json"]:
                return openapi.serve, [], API_HEADERS
            case ["metrics"]:
                return reading("metrics", self._metrics), [], API_HEADERS
            case ["ngsi-ld" | "madang", *rest]:
                return _nothing, rest, API_HEADERS
        return self._pages.handle, parts, PAGE_HEADERS

    async def _caller(self, scope: Scope, headers: dict[bytes, bytes]) -> Caller:
        authorization = headers.get(b"authorization")
        claim = await self._claim(scope, headers)
        if claim is not None:
            return self._anonymous.known_as(at_least(claim, self._anonymous))
        if authorization is None:
            anonymous = self._anonymous.now()
            return anonymous.known_as(UNKNOWN) if _app_door(scope) else anonymous
        kind, _, token = authorization.decode("latin-1").partition(" ")
        caller = await self._by_token(token.strip()) if kind.lower() == "bearer" else None
        if caller is None:
            if self._app_door is not None and _app_door(scope):
                await self._app_door.stranger(scope)
            raise Unauthorized("this token opens nothing here")
        return caller

    async def _claim(self, scope: Scope, headers: dict[bytes, bytes]) -> Claim | None:
        """Of a credential that identity knows."""
        if self._identity is None or _app_door(scope) or not headers.keys() & SHOWN:
            return None
        return await self._identity.claim_of(headers)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])

        async def again() -> Caller:
            if opened is not None and await self._claim(scope, headers) is None:
                raise Unauthorized("what this socket was opened with has ended")
            return await self._caller(scope, headers)

        opened, source = None, self._guard.source(scope.get("client"), headers)
        try:
            self._guard.admit_source(source)
            opened = await self._claim(scope, headers)
            caller = await again()
            self._guard.admit_principal(caller.name, source)
            if self._app_door is not None:
                await self._app_door.admit(caller, scope)
            _same_origin("WEBSOCKET", headers, caller)
            if scope["path"] != "/ws" or (caller.reads.blind and not caller.claim.grants):
                raise Forbidden("no socket for you here")
        except (Unauthorized, Forbidden, TooMany) as error:
            self._guard.saw("anonymous", source, "WEBSOCKET", scope["path"], error.status, 0, 0, b"")
            await receive()
            await send({"type": "websocket.close", "code": 4000 + error.status, "reason": error.detail})
            return
        await self._sockets(scope, receive, send, again)


def at_least(claim: Claim, door: Caller) -> Claim:
    """A person none of whose roles count, for want of a second factor or of any, may what whoever comes by the door may:
    signing in takes nothing away."""
    if claim.principal.kind != "person" or claim.principal.roles:
        return claim
    return replace(claim, principal=replace(claim.principal, roles=door.principal.roles))


def reading(service: str, handler: Handler) -> Handler:
    """The handler behind the gate."""

    async def handle(request: Request) -> Response:
        request.caller.require("read", service)
        return await handler(request)

    return handle


async def _version(request: Request) -> Response:
    """What clients of other brokers ask first; nothing in it is secret, the source is public."""
    return Response.json({"name": "madang", "version": __version__, "ngsi-ld": "1.9.1"})


async def _nothing(request: Request) -> Response:
    return problem(nothing_here(request))


def _app_door(scope: Scope) -> bool:
    """A unix socket has no port."""
    server = scope.get("server")
    return server is None or server[1] is None


def _same_origin(method: str, headers: dict[bytes, bytes], caller: Caller) -> None:
    """A page of another site in the operator's browser must not act, nor listen, in the operator's name; nor may a name
    that was made to point at this machine (DNS rebinding) read in it."""
    check_name(headers, caller)
    origin = headers.get(b"origin")
    if method in SAFE or origin is None or caller.principal.kind == "app":
        return
    if urlsplit(origin.decode("latin-1")).netloc != headers.get(b"host", b"").decode("latin-1"):
        raise Forbidden("a page of another origin may not act here")


def check_name(headers: Mapping[bytes, bytes], caller: Caller) -> None:
    """Who may act without a credential must name this machine by a name of its own. Raises Forbidden."""
    host = headers.get(b"host", b"").decode("latin-1")
    if caller.name == "anonymous" and not caller.writes.blind and _hostname(host) not in LOOPBACK:
        raise Forbidden("this name does not belong to this machine")


@lru_cache(maxsize=256)
def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
