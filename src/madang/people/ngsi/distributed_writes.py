"""Writes of one entity that other brokers have a part in (clauses 5.6.1 to 5.6.6, 5.6.17 to 5.6.19, 5.6.21)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from madang.federation.peers import Call
from madang.model.context import Context, iri_of_internal
from madang.model.entity import META, Entity, parse_entity, require_values
from madang.model.kinds import check_id
from madang.model.registration import Registration
from madang.model.render import Form, render
from madang.model.sources import Spec
from madang.model.splitting import Share, Split, split, split_whole
from madang.people.conditional import refuse_condition
from madang.people.http import Handler, Request, Response, encode
from madang.people.ngsi.asked import made
from madang.people.ngsi.merges import is_simplified
from madang.people.ngsi.parameters import link_context, read_payload
from madang.people.ngsi.shared_outcomes import (
    Part,
    answer_of,
    update_result,
    without_missing,
)
from madang.people.ngsi.sharing import Sharing, parameters
from madang.people.ngsi.sharing_out import share_out

_PASSED = ("options", "observedAt", "lang", "datasetId", "deleteAll", "type", "format")
_WITH_VALUES = frozenset({"createEntity", "appendAttrs", "replaceEntity"})


@dataclass(frozen=True)
class Write:
    """One kind of write: its name among the distributed operations and where a source takes it."""

    operation: str
    method: str
    path: str
    local: Handler


class DistributedWrites:
    """Makes handlers that share writes out; what no registration is about goes to the local handler untouched."""

    def __init__(self, sharing: Sharing) -> None:
        self._sharing = sharing

    def of_entity(self, operation: str, method: str, path: str, local: Handler) -> Handler:
        """Of a body with an entity or a fragment of one; `path` may hold `{id}`."""
        write = Write(operation, method, path, local)

        async def handle(request: Request) -> Response:
            return await self._entity(request, write)

        return handle

    def of_attribute(self, operation: str, method: str, local: Handler) -> Handler:
        """Of the one attribute that the path names."""
        write = Write(operation, method, "entities/{id}/attrs/{name}", local)

        async def handle(request: Request) -> Response:
            return await self._attribute(request, write)

        return handle

    async def types_of(self, identifiers: Iterable[str]) -> dict[str, list[str]]:
        """The types of entities that are known here."""
        rows = await self._sharing.broker.store.list_by_id(list(identifiers))
        return {row.entity.id: row.entity.types for row in rows}

    def registrations(
        self, request: Request, identifier: str, types: list[str], context: Context
    ) -> list[Registration]:
        """Those that may hold something of the entity. Raises LoopDetected."""
        found = self._sharing.sources(request, Spec((identifier,), None, tuple(types)), context)
        return [known.registration for known in found]

    async def _entity(self, request: Request, write: Write) -> Response:
        request.caller.require_whole("write")
        self._sharing.origin(request)
        data, context = await read_payload(request, self._sharing.broker.contexts)
        simplified = write.operation == "mergeEntity" and is_simplified(request.query)
        entity = parse_entity(data, context, fragment=write.operation != "createEntity", simplified=simplified)
        identifier = entity.id if write.operation == "createEntity" else check_id(request.parts[1])
        if write.operation in _WITH_VALUES:
            require_values(entity.body)
        types = entity.types or (await self.types_of([identifier])).get(identifier, [])
        known = self.registrations(request, identifier, types, context)
        found = split(identifier, types, entity.body, known, write.operation)
        if found.is_local:
            return await write.local(request)
        refuse_condition(request)

        async def local() -> Response:
            assert found.local is not None
            return await write.local(request.with_body(encode(cut(data, context, found.local | META))))

        def payload(share: Share, own: Context) -> Any:
            form = Form("simplified" if simplified else "normalized", context=own)
            return payload_for(data, Entity(identifier, entity.types, entity.body), share, context, form)

        parts, done = await self._run(request, write, identifier, context, found, payload, local)
        if write.path.endswith("/attrs") and not all(part.ok for part in parts) and len(parts) > 1:
            return update_result(_names_given(found), parts)
        return answer_of(identifier, parts, done)

    async def _attribute(self, request: Request, write: Write) -> Response:
        request.caller.require_whole("write")
        self._sharing.origin(request)
        identifier, contexts = check_id(request.parts[1]), self._sharing.broker.contexts
        data, context = (
            (None, await contexts.get(link_context(request)))
            if write.method == "DELETE"
            else await read_payload(request, contexts)
        )
        types = (await self.types_of([identifier])).get(identifier, [])
        known = self.registrations(request, identifier, types, context)
        found = split(identifier, types, [context.expand(request.parts[3])], known, write.operation)
        if found.is_local:
            return await write.local(request)
        refuse_condition(request)

        def payload(share: Share, own: Context) -> Any:
            return (
                {name: value for name, value in data.items() if name != "@context"} if isinstance(data, dict) else data
            )

        parts, done = await self._run(request, write, identifier, context, found, payload, lambda: write.local(request))
        return answer_of(identifier, parts, done)

    async def delete(self, request: Request, local: Handler) -> Response:
        """Clause 5.6.6: wherever it may be."""
        request.caller.require_whole("write")
        self._sharing.origin(request)
        identifier = check_id(request.parts[1])
        context = await self._sharing.broker.contexts.get(link_context(request))
        types = (await self.types_of([identifier])).get(identifier, [])
        known = self.registrations(request, identifier, types, context)
        found = split_whole(identifier, types, known, "deleteEntity")
        if found.is_local:
            return await local(request)
        refuse_condition(request)
        write = Write("deleteEntity", "DELETE", "entities/{id}", local)
        parts, done = await self._run(
            request, write, identifier, context, found, lambda share, own: None, lambda: local(request)
        )
        return answer_of(identifier, without_missing(parts), done)

    async def _run(
        self,
        request: Request,
        write: Write,
        identifier: str,
        context: Context,
        found: Split,
        payload: Callable[[Share, Context], Any],
        local: Callable[[], Any],
    ) -> tuple[list[Part], Response]:
        """What each broker made of it, and the answer when all did it. Raises what failed here for no fault of the asker."""
        call = partial(self._call, request, write, identifier, context, payload)
        parts, done = await share_out(self._sharing, request, write.operation, found, local, call)
        otherwise = made("entities", identifier) if write.operation == "createEntity" else Response(204)
        return parts, done or otherwise

    async def _call(
        self,
        request: Request,
        write: Write,
        identifier: str,
        context: Context,
        payload: Callable[[Share, Context], Any],
        share: Share,
    ) -> Call:
        own, url = await self._sharing.names_for(request, share.registration, context)
        name = own.compact(next(iter(share.names))) if "{name}" in write.path else ""
        path = write.path.format(id=quote(identifier, safe=":"), name=quote(name, safe=":"))
        given = {key: request.query.get(key) for key in _PASSED}
        return Call(
            share.registration, write.method, path, parameters(share.registration, **given), payload(share, own), url
        )


def cut(data: dict[str, Any], context: Context, names: Iterable[str]) -> dict[str, Any]:
    """The body as it was said, with those attributes only."""
    kept = frozenset(names) | {"id", "type", "@id", "@type", "@context"}
    return {name: value for name, value in data.items() if name in kept or context.expand(name) in kept}


def payload_for(data: dict[str, Any], entity: Entity, share: Share, context: Context, form: Form) -> dict[str, Any]:
    """What a source gets: the words of the asker, or the same in the form and the names that the source wants."""
    whole = any(not one.names for one in share.registration.information)
    names = share.names | (META if whole else frozenset())
    if form.context is context:
        return {name: value for name, value in cut(data, context, names).items() if name != "@context"}
    kept = Entity(entity.id, entity.types, {name: one for name, one in entity.body.items() if name in names})
    shown = render(Entity(kept.id, kept.types or ["-"], kept.body), form)
    return shown if kept.types else {name: value for name, value in shown.items() if name != "type"}


def _names_given(found: Split) -> dict[str, list[str]]:
    given = {share.registration.id: share.names for share in (*found.shares, *found.refused)}
    return {
        key: sorted(map(iri_of_internal, names)) for key, names in {**given, "": found.local or frozenset()}.items()
    }
