"""/csourceRegistrations (clauses 5.9, 5.10, 6.8, 6.9)."""

from __future__ import annotations

from typing import Any

from madang.base.clock import to_iso
from madang.base.errors import BadRequest, Conflict
from madang.engine.sealing import hide_body
from madang.federation.federation import Federation
from madang.model.context import Context
from madang.model.kinds import NULL, check_id
from madang.model.registration import READ_ONLY, parse_registration
from madang.model.registration_names import renamed_registration
from madang.model.sources import conflict
from madang.people.conditional import is_conditional, seen_in, tagged, version_of
from madang.people.http import Request, Response
from madang.people.ngsi.asked import made, page_links
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.entities import NO_CONTENT
from madang.people.ngsi.parameters import LD, accepted_json, answer, link_context, read_payload
from madang.people.ngsi.queries import paging
from madang.people.ngsi.source_queries import source_query

_NOTHING = (None, NULL)


class RegistrationResources:
    """Handlers of the registration resources. Who registers has this broker call out, so it needs the right to write."""

    def __init__(self, broker: Broker, federation: Federation) -> None:
        self._broker, self._federation = broker, federation

    async def create(self, request: Request) -> Response:
        request.caller.require("write", "registrations")
        data, context = await read_payload(request, self._broker.contexts)
        registration = parse_registration(data, context)
        body = _written(data) | {"id": registration.id}
        await self._check(body, context)
        await self._federation.kept.create(registration.id, body, context)
        await self._federation.reload()
        return made("csourceRegistrations", registration.id)

    async def update(self, request: Request) -> Response:
        """Clause 5.9.3: members replace those of the same name, null takes them away."""
        request.caller.require("write", "registrations")
        identifier = check_id(request.parts[1])
        data, context = await read_payload(request, self._broker.contexts)
        if not isinstance(data, dict):
            raise BadRequest("a registration fragment is a JSON object")
        if data.get("type", "ContextSourceRegistration") != "ContextSourceRegistration":
            raise BadRequest('a registration has "type": "ContextSourceRegistration"')
        old = await self._federation.kept.get(identifier)
        seen = seen_in(request, old["modified_at"])
        own = await self._broker.contexts.get(old["context"])
        if not link_context(request) and "@context" not in data:
            context = own
        stored = renamed_registration(old["body"], lambda name: context.compact(own.expand(name)))
        merged = {name: value for name, value in {**stored, **_written(data)}.items() if value not in _NOTHING}
        merged["id"] = identifier
        await self._check(merged, context)
        await self._federation.kept.replace(identifier, merged, context, seen)
        await self._federation.reload()
        return NO_CONTENT

    async def delete(self, request: Request) -> Response:
        request.caller.require("write", "registrations")
        identifier = check_id(request.parts[1])
        seen = None
        if is_conditional(request):
            seen = seen_in(request, (await self._federation.kept.get(identifier))["modified_at"])
        await self._federation.kept.delete(identifier, seen)
        await self._federation.reload()
        return NO_CONTENT

    async def _check(self, body: dict[str, Any], context: Context) -> None:
        """Raises BadRequest, Conflict with a proxied registration of the same (clause 5.9.2.4)."""
        registration = parse_registration(body, context)
        if registration.expires_at is not None and registration.expires_at <= to_iso(self._broker.writer.clock.now()):
            raise BadRequest("expiresAt is over already")
        if registration.context_url is not None:
            await self._broker.contexts.get(registration.context_url)
        await self._federation.reload()
        for other in self._federation.every() if registration.is_proxied else ():
            if other.id != registration.id and conflict(registration, other):
                raise Conflict(f"{other.id} holds the same attributes of the same entities")

    async def get(self, request: Request) -> Response:
        request.caller.require("read", "registrations")
        accepted_json(request)
        context = await self._broker.contexts.get(link_context(request))
        record = await self._federation.kept.get(check_id(request.parts[1]))
        response = answer(request, await self._shown(request, record["body"], record["context"], context), context)
        return tagged(request, response, version_of(record["modified_at"]))

    async def page(self, request: Request) -> Response:
        """Clause 5.10.2."""
        request.caller.require("read", "registrations")
        accepted_json(request)
        context = await self._broker.contexts.get(link_context(request))
        given = request.query
        limit, offset, count = paging(given)
        await self._federation.reload()
        found = self._federation.search(source_query(given, context))
        shown = [
            await self._shown(request, one.data, one.context.source, context) for one in found[offset : offset + limit]
        ]
        response = answer(request, shown, context)
        more = len(found) > offset + limit
        response.headers += page_links("csourceRegistrations", request.raw_query, limit, offset, more, LD)
        if count:
            response.headers.append((b"ngsild-results-count", str(len(found)).encode()))
        return response

    async def _shown(self, request: Request, body: dict[str, Any], source: Any, context: Context) -> dict[str, Any]:
        """With the names that the asker's context has, and how its requests went; secrets for who may change it alone."""
        own = await self._broker.contexts.get(source)
        health = self._federation.peers.health(body["id"]).describe()
        shown = renamed_registration(body, lambda name: context.compact(own.expand(name))) | health
        return shown if request.caller.may("write", "registrations") else hide_body(shown)


def _written(data: dict[str, Any]) -> dict[str, Any]:
    """What is kept of what a client wrote: nothing that only the broker may say (table 5.2.9-2)."""
    return {name: value for name, value in data.items() if name != "@context" and name not in READ_ONLY}
