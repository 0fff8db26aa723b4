"""/jsonldContexts (clauses 6.29, 6.30)."""

from __future__ import annotations

from madang.base.clock import SystemClock, to_iso
from madang.base.errors import BadRequest, InvalidRequest, UnprocessableOp
from madang.context.catalogue import KINDS, PATH, Stored
from madang.context.contexts import check_source
from madang.model.context import CORE_URL, Context, is_core_url
from madang.people.http import Request, Response
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.entities import NO_CONTENT
from madang.people.ngsi.queries import flag

RIGHT = "contexts"


class ContextResources:
    """Handlers of the stored contexts. The core context is part of the broker: it is neither stored nor deleted."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._since = to_iso(SystemClock().now())

    async def add(self, request: Request) -> Response:
        request.caller.require("write", RIGHT)
        data = await request.json()
        if not isinstance(data, dict) or "@context" not in data:
            raise InvalidRequest("the body must be a JSON object with an @context")
        check_source(data["@context"])
        stored = await self._broker.catalogue.add("Hosted", {"@context": data["@context"]})
        return Response(201, b"", [(b"Location", f"{PATH}{stored.id}".encode())])

    async def page(self, request: Request) -> Response:
        request.caller.require("read", RIGHT)
        kind = request.query.get("kind")
        if kind is not None and kind not in KINDS:
            raise BadRequest(f"kind: one of {', '.join(KINDS)}")
        details = flag(request.query, "details")
        found = await self._broker.catalogue.page(kind)
        base = base_of(request)
        return Response.json([one.describe(base) if details else one.address(base) for one in found])

    async def get(self, request: Request) -> Response:
        request.caller.require("read", RIGHT)
        details = flag(request.query, "details")
        if is_core_url(request.parts[1]):
            return self._serve_core(details)
        stored = await self._broker.catalogue.get(request.parts[1])
        if details:
            return Response.json(stored.describe(base_of(request)))
        if stored.kind == "Cached":
            raise UnprocessableOp(f"a cached @context is served by where it came from: {stored.url}")
        return Response.json(stored.body)

    def _serve_core(self, details: bool) -> Response:
        if not details:
            raise UnprocessableOp(f"the core @context is served by {CORE_URL}")
        return Response.json({"URL": CORE_URL, "localId": CORE_URL, "kind": "Cached", "createdAt": self._since})

    async def delete(self, request: Request) -> Response:
        request.caller.require("write", RIGHT)
        reload = flag(request.query, "reload")
        if is_core_url(request.parts[1]):
            if reload:
                return NO_CONTENT
            raise BadRequest("the core @context cannot be deleted")
        await self._remove(await self._broker.catalogue.get(request.parts[1]), reload)
        return NO_CONTENT

    async def _remove(self, stored: Stored, reload: bool) -> None:
        if reload and stored.kind != "Cached":
            raise BadRequest("only a cached @context can be loaded again")
        if reload:
            await self._broker.contexts.reload(stored)
            return
        await self._broker.catalogue.delete(stored.id)
        await self._broker.contexts.forget()


def base_of(request: Request) -> str:
    """The address under which the caller knows this broker."""
    return f"{request.scope.get('scheme', 'http')}://{request.header(b'host')}"


async def address_of(request: Request, broker: Broker, context: Context) -> str:
    """Where others find the names of a context: one that has no URL gets one here (clause 5.8.1.4)."""
    source = context.source[0] if isinstance(context.source, list) and len(context.source) == 1 else context.source
    if source is None or isinstance(source, str):
        return source or CORE_URL
    stored = await broker.catalogue.add("ImplicitlyCreated", {"@context": source})
    return stored.address(base_of(request))
