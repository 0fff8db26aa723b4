"""/types and /attributes (clauses 6.25 to 6.28). A caller learns only of what it may read."""

from __future__ import annotations

import uuid
from typing import Any

from madang.base.errors import NotFound
from madang.context.discovery import Discovery, Usage
from madang.model.context import Context, iri_of_internal
from madang.people.http import Request, Response
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.parameters import accepted_json, answer, link_context
from madang.people.ngsi.queries import flag
from madang.trust.caller import Caller


class DiscoveryResources:
    """Handlers of the discovery resources."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    @property
    def _discovery(self) -> Discovery:
        return self._broker.discovery

    async def types(self, request: Request) -> Response:
        context = await self._begin(request)
        if not flag(request.query, "details"):
            names = [name for name in await self._discovery.types() if _reads(request.caller, name)]
            listed = {"typeList": [context.compact(name) for name in names]}
            return answer(request, _list_of("EntityTypeList") | listed, context)
        grouped: dict[str, list[str]] = {}
        for kind, name in await self._discovery.pairs():
            if _reads(request.caller, kind, name):
                grouped.setdefault(kind, []).extend([context.compact(name)] if name else [])
        details = [_named("EntityType", kind, context) | {"attributeNames": names} for kind, names in grouped.items()]
        return answer(request, details, context)

    async def type(self, request: Request) -> Response:
        context = await self._begin(request)
        name = context.expand(request.parts[1])
        count = await self._discovery.count(name) if _reads(request.caller, name) else 0
        if not count:
            raise NotFound(f"no entity of type {request.parts[1]}")
        usages = [one for one in await self._discovery.attributes_of(name) if _reads(request.caller, name, one.name)]
        details = [_named("Attribute", one.name, context) | {"attributeTypes": one.kinds} for one in usages]
        shown = _named("EntityTypeInfo", name, context) | {"entityCount": count, "attributeDetails": details}
        return answer(request, shown, context)

    async def attributes(self, request: Request) -> Response:
        context = await self._begin(request)
        grouped: dict[str, list[str]] = {}
        for kind, name in await self._discovery.pairs():
            if name and _reads(request.caller, kind, name):
                grouped.setdefault(name, []).append(context.compact(kind))
        if not flag(request.query, "details"):
            listed = {"attributeList": [context.compact(name) for name in grouped]}
            return answer(request, _list_of("AttributeList") | listed, context)
        details = [_named("Attribute", name, context) | {"typeNames": kinds} for name, kinds in grouped.items()]
        return answer(request, details, context)

    async def attribute(self, request: Request) -> Response:
        context = await self._begin(request)
        name = context.expand(request.parts[1])
        usages = [one for one in await self._discovery.types_with(name) if _reads(request.caller, one.name, name)]
        if not usages:
            raise NotFound(f"no attribute {request.parts[1]}")
        return answer(request, _named("Attribute", name, context) | _summary(usages, context), context)

    async def _begin(self, request: Request) -> Context:
        accepted_json(request)
        return await self._broker.contexts.get(link_context(request))


def _summary(usages: list[Usage], context: Context) -> dict[str, Any]:
    """An entity of several types counts once for each."""
    return {
        "attributeCount": sum(one.count for one in usages),
        "attributeTypes": sorted({kind for one in usages for kind in one.kinds}),
        "typeNames": [context.compact(one.name) for one in usages],
    }


def _reads(caller: Caller, kind: str, attribute: str | None = None) -> bool:
    if caller.everything:
        return True
    if kind not in (caller.readable_types() or ()):
        return False
    open_to = caller.attributes("read", [kind])
    return attribute is None or open_to is None or attribute in open_to


def _list_of(kind: str) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:{kind}:{uuid.uuid4()}", "type": kind}


def _named(kind: str, name: str, context: Context) -> dict[str, Any]:
    member = "attributeName" if kind == "Attribute" else "typeName"
    return {"id": iri_of_internal(name), "type": kind, member: context.compact(name)}
