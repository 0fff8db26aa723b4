"""Telling of the past and taking it back: /temporal/entities and what lies below (clauses 6.18 to 6.22)."""

from __future__ import annotations

from madang.base.errors import BadRequest
from madang.history.past import Past
from madang.history.told import parse_instance, parse_told
from madang.model.context import Context
from madang.model.kinds import check_id
from madang.model.operations import AppendTemporal
from madang.people.http import Request, Response
from madang.people.ngsi.asked import made
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.entities import NO_CONTENT
from madang.people.ngsi.parameters import link_context, read_payload

_MEMBERS = frozenset({"id", "type"})


class Temporal:
    """Handlers of the temporal resources. Only people may take back what was told."""

    def __init__(self, broker: Broker, past: Past) -> None:
        self._broker, self._past = broker, past

    async def create(self, request: Request) -> Response:
        data, context = await read_payload(request, self._broker.contexts)
        entity = parse_told(data, context)
        known = await self._past.history.known([entity.id])
        await self._broker.write(request.caller, AppendTemporal(entity), entity.types)
        if known:
            return NO_CONTENT
        return made("temporal/entities", entity.id)

    async def append(self, request: Request) -> Response:
        identifier = check_id(request.parts[2])
        data, context = await read_payload(request, self._broker.contexts)
        entity = parse_told(data, context, fragment=True)
        if entity.id and entity.id != identifier:
            raise BadRequest("the id in the body is not the id in the path")
        known = await self._past.history.one(identifier)
        entity.id, entity.types = identifier, entity.types or known.types
        await self._broker.write(request.caller, AppendTemporal(entity), entity.types)
        return NO_CONTENT

    async def delete(self, request: Request) -> Response:
        request.caller.require_whole("write")
        await self._past.editor.erase_entity(check_id(request.parts[2]))
        return NO_CONTENT

    async def delete_attribute(self, request: Request) -> Response:
        identifier, name, _ = await self._attribute(request)
        dataset, every = request.query.get("datasetId"), request.query.get("deleteAll") == "true"
        await self._past.editor.erase_attribute(identifier, name, None if dataset == "@none" else dataset, every)
        return NO_CONTENT

    async def delete_instance(self, request: Request) -> Response:
        identifier, name, _ = await self._attribute(request)
        await self._past.editor.erase_instance(identifier, name, check_id(request.parts[5]))
        return NO_CONTENT

    async def change_instance(self, request: Request) -> Response:
        identifier, name, _ = await self._attribute(request)
        instance_id = check_id(request.parts[5])
        data, context = await read_payload(request, self._broker.contexts)
        old = await self._past.editor.instance(identifier, name, instance_id)
        fragment = parse_instance(request.parts[4], data, context, old["type"])
        await self._past.editor.change_instance(identifier, name, instance_id, fragment)
        return NO_CONTENT

    async def _attribute(self, request: Request) -> tuple[str, str, Context]:
        request.caller.require_whole("write")
        context = await self._broker.contexts.get(link_context(request))
        return check_id(request.parts[2]), context.expand(request.parts[4]), context
