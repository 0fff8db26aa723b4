"""What is told, corrected and taken back of a past that other brokers have a part in (clauses 5.6.11 to 5.6.16)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from madang.federation.matching import in_past
from madang.federation.peers import Call
from madang.history.past import Past
from madang.history.told import parse_told
from madang.model.context import Context
from madang.model.entity import META, Entity
from madang.model.kinds import check_id
from madang.model.registration import Registration
from madang.model.render import Form
from madang.model.sources import Spec
from madang.model.splitting import Share, Split, split, split_whole
from madang.people.http import Handler, Request, Response, encode
from madang.people.ngsi.asked import made
from madang.people.ngsi.distributed_writes import cut, payload_for
from madang.people.ngsi.parameters import link_context, read_payload
from madang.people.ngsi.shared_outcomes import (
    Part,
    answer_of,
    without_missing_anywhere,
)
from madang.people.ngsi.sharing import Sharing, parameters
from madang.people.ngsi.sharing_out import share_out

Body = Callable[[Share, Context], Any]


@dataclass(frozen=True)
class Telling:
    """One kind: its name among the distributed operations; `path` may hold `{id}`, `{name}` and `{instance}`."""

    operation: str
    method: str
    path: str
    local: Handler


class DistributedTellings:
    """Makes handlers that share out what is told of the past; what no registration is about goes to the local handler."""

    def __init__(self, sharing: Sharing, past: Past) -> None:
        self._sharing, self._past = sharing, past

    def of_entity(self, telling: Telling) -> Handler:
        """Of a body with an entity or, where the path has its id, more of one."""

        async def handle(request: Request) -> Response:
            request.caller.require_whole("write")
            data, context = await read_payload(request, self._sharing.broker.contexts)
            entity = parse_told(data, context, fragment="{id}" in telling.path)
            identifier = check_id(request.parts[2]) if "{id}" in telling.path else entity.id
            types = entity.types or await self._types_of(identifier)
            known = self._sources(request, identifier, types, context)
            found = split(identifier, types, entity.body, known, telling.operation)

            async def local() -> Response:
                kept = (found.local or frozenset()) | META
                return await telling.local(request.with_body(encode(cut(data, context, kept))))

            def body(share: Share, own: Context) -> Any:
                plain = {name: one for name, one in entity.body.items() if name != "scope"}
                return payload_for(data, Entity(identifier, entity.types, plain), share, context, Form(context=own))

            parts, done = await self._run(request, telling, identifier, context, found, body, local)
            return done if found.is_local else answer_of(identifier, parts, done)

        return handle

    def of_attribute(self, telling: Telling) -> Handler:
        """Of the attribute that the path names, or of one instance of it: whoever has it does it."""

        async def handle(request: Request) -> Response:
            request.caller.require_whole("write")
            contexts, identifier = self._sharing.broker.contexts, check_id(request.parts[2])
            data, context = (
                (None, await contexts.get(link_context(request)))
                if telling.method == "DELETE"
                else await read_payload(request, contexts)
            )
            types = await self._types_of(identifier)
            known = self._sources(request, identifier, types, context)
            found = split(identifier, types, [context.expand(request.parts[4])], known, telling.operation)
            return await self._anywhere(request, telling, identifier, context, found, data)

        return handle

    def of_all(self, telling: Telling) -> Handler:
        """Of everything that is known of the entity."""

        async def handle(request: Request) -> Response:
            request.caller.require_whole("write")
            identifier = check_id(request.parts[2])
            context = await self._sharing.broker.contexts.get(link_context(request))
            types = await self._types_of(identifier)
            known = self._sources(request, identifier, types, context)
            found = split_whole(identifier, types, known, telling.operation)
            return await self._anywhere(request, telling, identifier, context, found, None)

        return handle

    async def _anywhere(
        self, request: Request, telling: Telling, identifier: str, context: Context, found: Split, data: Any
    ) -> Response:
        said = {name: one for name, one in data.items() if name != "@context"} if isinstance(data, dict) else data
        parts, done = await self._run(
            request, telling, identifier, context, found, lambda share, own: said, lambda: telling.local(request)
        )
        return done if found.is_local else answer_of(identifier, without_missing_anywhere(parts), done)

    async def _types_of(self, identifier: str) -> list[str]:
        known = (await self._past.history.known([identifier])).get(identifier)
        return known.types if known is not None else []

    def _sources(self, request: Request, identifier: str, types: Iterable[str], context: Context) -> list[Registration]:
        """Those that hold the past of such an entity, of whatever interval. Raises LoopDetected."""
        self._sharing.origin(request)
        spec = Spec((identifier,), None, tuple(types))
        found = self._sharing.sources(request, spec, context, None, lambda known: in_past(known, None))
        return [known.registration for known in found]

    async def _run(
        self,
        request: Request,
        telling: Telling,
        identifier: str,
        context: Context,
        found: Split,
        body: Body,
        local: Callable[[], Awaitable[Response]],
    ) -> tuple[list[Part], Response]:
        """What each broker made of it, and the answer when all did it. Raises what failed here alone, or for no fault of the asker."""
        call = partial(self._call, request, telling, identifier, context, body)
        parts, done = await share_out(self._sharing, request, telling.operation, found, local, call)
        otherwise = Response(204) if "{id}" in telling.path else made("temporal/entities", identifier)
        return parts, done or otherwise

    async def _call(
        self, request: Request, telling: Telling, identifier: str, context: Context, body: Body, share: Share
    ) -> Call:
        own, url = await self._sharing.names_for(request, share.registration, context)
        name = own.compact(next(iter(share.names))) if "{name}" in telling.path else ""
        instance = request.parts[5] if "{instance}" in telling.path else ""
        places = {"id": identifier, "name": name, "instance": instance}
        path = telling.path.format(**{key: quote(place, safe=":") for key, place in places.items()})
        given = {key: request.query.get(key) for key in ("datasetId", "deleteAll")}
        asked = parameters(share.registration, **given)
        return Call(share.registration, telling.method, path, asked, body(share, own), url)
