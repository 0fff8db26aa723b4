"""/entities/{id}/attrs and its attributes (clauses 6.6, 6.7)."""

from __future__ import annotations

from typing import Any

from madang.base.errors import BadRequest
from madang.model.context import iri_of_internal
from madang.model.entity import META, parse_attribute
from madang.model.kinds import check_id
from madang.model.operations import Append, PatchAttribute, Update
from madang.model.outcome import Outcome
from madang.model.removals import DeleteAttribute
from madang.people.http import Request, Response
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.conditions import guarded
from madang.people.ngsi.entities import NO_CONTENT, read_fragment
from madang.people.ngsi.parameters import link_context, options, read_payload
from madang.people.ngsi.queries import flag


class Attributes:
    """Handlers of the attribute resources of one entity."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def append(self, request: Request) -> Response:
        overwrite = "noOverwrite" not in options(request.query)
        entity, context = await read_fragment(request, self._broker)
        operation = guarded(request, Append(entity, overwrite), context)
        return _changes(await self._broker.write(request.caller, operation, entity.types))

    async def update(self, request: Request) -> Response:
        entity, context = await read_fragment(request, self._broker)
        return _changes(
            await self._broker.write(request.caller, guarded(request, Update(entity), context), entity.types)
        )

    async def patch(self, request: Request) -> Response:
        return await self._write(request, replace=False)

    async def put(self, request: Request) -> Response:
        return await self._write(request, replace=True)

    async def _write(self, request: Request, *, replace: bool) -> Response:
        data, context = await read_payload(request, self._broker.contexts)
        name = request.parts[3]
        if isinstance(data, dict) and "@context" in data:
            data = {key: value for key, value in data.items() if key != "@context"}
        expanded = context.expand(name)
        if expanded in META:
            raise BadRequest(f"{name} is no attribute")
        fragment = parse_attribute(name, data, context, kind=await self._kind(request, expanded, data))
        operation = PatchAttribute(check_id(request.parts[1]), expanded, fragment, replace)
        await self._broker.write(request.caller, guarded(request, operation, context))
        return NO_CONTENT

    async def _kind(self, request: Request, name: str, data: Any) -> str | None:
        """A fragment without type or value (`{"unitCode": ...}`) is of the kind the attribute has."""
        if not isinstance(data, dict) or "type" in data:
            return None
        row = await self._broker.store.get(check_id(request.parts[1]))
        found = row.entity.body.get(name)
        first = found[0] if isinstance(found, list) else found
        return first["type"] if isinstance(first, dict) else None

    async def delete(self, request: Request) -> Response:
        context = await self._broker.contexts.get(link_context(request))
        given = request.query
        dataset = given.get("datasetId")
        operation = DeleteAttribute(
            check_id(request.parts[1]),
            context.expand(request.parts[3]),
            None if dataset in (None, "@none") else check_id(dataset),
            flag(given, "deleteAll"),
        )
        await self._broker.write(request.caller, guarded(request, operation, context))
        return NO_CONTENT


def _changes(outcome: Outcome) -> Response:
    """204 when everything was done, 207 with what was and what was not (clause 5.2.18), in full names (clause 6.3.6)."""
    if not outcome.refused:
        return NO_CONTENT
    refused = [{"attributeName": iri_of_internal(name), "reason": why} for name, why in outcome.refused.items()]
    return Response.json({"updated": [iri_of_internal(name) for name in outcome.updated], "notUpdated": refused}, 207)
