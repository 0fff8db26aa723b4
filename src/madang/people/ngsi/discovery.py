"""/types and /attributes (clauses 6.25 to 6.28). A caller learns only of what it may read."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from madang.base.errors import NotFound
from madang.context.discovery import Discovery, Usage
from madang.context.query import Query
from madang.model.context import Context, iri_of_internal
from madang.model.formula import FALSE, TRUE
from madang.model.sources import Spec
from madang.people.http import Request, Response
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.parameters import accepted_json, answer, link_context
from madang.people.ngsi.queries import flag
from madang.people.ngsi.shared_discovery import Question, SharedDiscovery, Told, read_all
from madang.people.ngsi.sharing import Warnings
from madang.trust.caller import Caller


class DiscoveryResources:
    """Handlers of the discovery resources; with `others` other brokers are asked too."""

    def __init__(self, broker: Broker, others: SharedDiscovery | None = None) -> None:
        self._broker, self._others = broker, others

    @property
    def _discovery(self) -> Discovery:
        return self._broker.discovery

    async def types(self, request: Request) -> Response:
        context = await self._begin(request)
        if flag(request.query, "details"):
            return await self._types_in_detail(request, context)
        names = {name for name in await self._discovery.types() if await self._reads(request.caller, name)}
        told, warnings = await self._elsewhere(
            request, context, Question("retrieveEntityTypes", "types"), lambda one: one.types()
        )
        listed = {"typeList": [context.compact(name) for name in sorted(names.union(*told))]}
        return self._answer(request, _list_of("EntityTypeList") | listed, context, warnings)

    async def _types_in_detail(self, request: Request, context: Context) -> Response:
        pairs = {pair for pair in await self._discovery.pairs() if await self._reads(request.caller, *pair)}
        question = Question("retrieveEntityTypeDetails", "types", details=True)
        told, warnings = await self._elsewhere(request, context, question, lambda one: one.pairs())
        grouped = _grouped(pairs.union(*told))
        details = [
            _named("EntityType", kind, context) | {"attributeNames": [context.compact(name) for name in names]}
            for kind, names in grouped.items()
        ]
        return self._answer(request, details, context, warnings)

    async def type(self, request: Request) -> Response:
        context = await self._begin(request)
        name = context.expand(request.parts[1])
        caller = request.caller
        count = await self._count(caller, name) if await self._reads(caller, name) else 0
        found = await self._discovery.attributes_of(name)
        usages = [one for one in found if await self._reads(caller, name, one.name)]
        question = Question("retrieveEntityTypeInfo", "types/{name}", Spec(types=(name,)), name)
        told, warnings = await self._elsewhere(request, context, question, lambda one: one.usages(name))
        if not count and not told:
            raise NotFound(f"no entity of type {request.parts[1]}")
        kinds = _kinds([*usages, *(usage for _, some in told for usage in some)])
        details = [
            _named("Attribute", attribute, context) | {"attributeTypes": sorted(kinds[attribute])}
            for attribute in sorted(kinds)
        ]
        shown = _named("EntityTypeInfo", name, context) | {
            "entityCount": count + sum(one for one, _ in told),
            "attributeDetails": details,
        }
        return self._answer(request, shown, context, warnings)

    async def attributes(self, request: Request) -> Response:
        context = await self._begin(request)
        pairs = {(name, kind) for kind, name in await self._discovery.pairs() if name}
        pairs = {(name, kind) for name, kind in pairs if await self._reads(request.caller, kind, name)}
        if not flag(request.query, "details"):
            question = Question("retrieveAttrTypes", "attributes")
            told, warnings = await self._elsewhere(request, context, question, lambda one: one.attributes())
            names = {name for name, _ in pairs}.union(*told)
            listed = {"attributeList": [context.compact(name) for name in sorted(names)]}
            return self._answer(request, _list_of("AttributeList") | listed, context, warnings)
        question = Question("retrieveAttrTypeDetails", "attributes", details=True)
        told, warnings = await self._elsewhere(request, context, question, lambda one: one.pairs_by_attribute())
        grouped = _grouped(pairs.union({(name, kind) for some in told for kind, name in some}))
        details = [
            _named("Attribute", name, context) | {"typeNames": [context.compact(kind) for kind in kinds]}
            for name, kinds in grouped.items()
        ]
        return self._answer(request, details, context, warnings)

    async def attribute(self, request: Request) -> Response:
        context = await self._begin(request)
        name = context.expand(request.parts[1])
        found = await self._discovery.types_with(name)
        usages = [one for one in found if await self._reads(request.caller, one.name, name)]
        question = Question("retrieveAttrTypeInfo", "attributes/{name}", Spec(names=(name,)), name)
        told, warnings = await self._elsewhere(request, context, question, lambda one: one.usage(name))
        whole = request.caller.everything
        here = [one.count if whole else await self._count(request.caller, one.name, name) for one in usages]
        count = sum(here) + sum(one for one, _ in told)
        kinds = _kinds([*usages, *(usage for _, some in told for usage in some)])
        if not kinds:
            raise NotFound(f"no attribute {request.parts[1]}")
        summary = {
            "attributeCount": count,
            "attributeTypes": sorted(set().union(*kinds.values())),
            "typeNames": [context.compact(kind) for kind in sorted(kinds)],
        }
        return self._answer(request, _named("Attribute", name, context) | summary, context, warnings)

    async def _reads(self, caller: Caller, kind: str, attribute: str | None = None) -> bool:
        """Whether the caller finds entities of that type, and that attribute in them."""
        if caller.everything:
            return True
        here = caller.reads.of_types((kind,))
        open_in = here.visible if attribute is None else here.about(attribute)
        return open_in == TRUE or (open_in != FALSE and await self._count(caller, kind, attribute) > 0)

    async def _count(self, caller: Caller, kind: str, attribute: str | None = None) -> int:
        """Entities of a type, of those with an attribute, that the caller may find."""
        attributes = () if attribute is None else (attribute,)
        query = self._broker.restrict(caller, Query(types=(kind,), attrs=attributes, limit=0, count=True))
        if query.sight is None and attribute is None:
            return await self._discovery.count(kind)
        return (await self._broker.store.find(query)).total or 0

    async def _begin(self, request: Request) -> Context:
        accepted_json(request)
        return await self._broker.contexts.get(link_context(request))

    async def _elsewhere(
        self, request: Request, context: Context, question: Question, read: Callable[[Told], Any]
    ) -> tuple[list[Any], Warnings]:
        """What is read of each other broker's answer, and what went wrong. Raises LoopDetected."""
        if self._others is None:
            return [], []
        told, warnings = await self._others.ask(request, context, question)
        return read_all(told, warnings, read), warnings

    def _answer(self, request: Request, shown: Any, context: Context, warnings: Warnings) -> Response:
        response = answer(request, shown, context)
        return response if self._others is None else self._others.sharing.warn(response, warnings)


def _kinds(usages: Iterable[Usage]) -> dict[str, set[str]]:
    """An entity of several types counts once for each, one that several brokers hold once for each."""
    out: dict[str, set[str]] = {}
    for one in usages:
        out.setdefault(one.name, set()).update(one.kinds)
    return out


def _grouped(pairs: Iterable[tuple[str, str | None]]) -> dict[str, list[str]]:
    """In the order of names."""
    out: dict[str, list[str]] = {}
    for first, second in sorted(pairs, key=lambda pair: (pair[0], pair[1] or "")):
        out.setdefault(first, []).extend([second] if second else [])
    return out


def _list_of(kind: str) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:{kind}:{uuid.uuid4()}", "type": kind}


def _named(kind: str, name: str, context: Context) -> dict[str, Any]:
    member = "attributeName" if kind == "Attribute" else "typeName"
    return {"id": iri_of_internal(name), "type": kind, member: context.compact(name)}
