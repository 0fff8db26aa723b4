"""/entities and /entities/{id} (clauses 6.4, 6.5)."""

from __future__ import annotations

from collections.abc import Collection

from madang.base.errors import BadRequest, MadangError, NotFound
from madang.base.limits import PURGE_MAX_ENTITIES
from madang.model.context import Context
from madang.model.entity import Entity, parse_entity
from madang.model.kinds import check_id
from madang.model.operations import Create, Operation, Replace
from madang.model.removals import Delete, DropAttributes
from madang.model.selection import Selection
from madang.people.http import Request, Response
from madang.people.ngsi.asked import asked_for_many, asked_for_one, made
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.conditions import guarded
from madang.people.ngsi.merges import is_simplified, merge_of
from madang.people.ngsi.pages import Pages
from madang.people.ngsi.parameters import GEO, accepted, link_context, read_payload
from madang.people.ngsi.queries import check_width, names, query_of

NO_CONTENT = Response(204)


class Entities:
    """Handlers of the entity resources."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._pages = Pages(broker)

    async def create(self, request: Request) -> Response:
        data, context = await read_payload(request, self._broker.contexts)
        entity = parse_entity(data, context)
        await self._broker.write(request.caller, Create(entity), entity.types)
        return made("entities", entity.id)

    async def query(self, request: Request) -> Response:
        context = await self._broker.contexts.get(link_context(request))
        check_geometry_property(request)
        return await self._pages.of_query(request, asked_for_many(request.raw_query, context), context)

    async def purge(self, request: Request, only: Collection[str] | None = None) -> Response:
        """Deletes what a query finds, or attributes of it: `drop` those, `keep` no others (clause 5.6.21); of `only` those
        entities, if that is given."""
        context = await self._broker.contexts.get(link_context(request))
        given = request.query
        query = query_of(given, context)
        check_width(given, query)
        drop, keep = names(given.get("drop"), context), names(given.get("keep"), context)
        if drop and keep:
            raise BadRequest("drop goes not with keep")
        if request.caller.writes.blind:
            raise request.caller.refusal("write entities")
        query = self._broker.restrict(request.caller, query)
        found = await self._broker.store.ids(query, PURGE_MAX_ENTITIES)
        found = [one for one in found if only is None or one in only]
        changed = frozenset(drop or keep)
        operations: list[Operation] = [
            DropAttributes(name, changed, bool(keep)) if changed else Delete(name, missing_ok=True) for name in found
        ]
        for operation in operations:
            await self._broker.check_write(request.caller, operation)
        for outcome in await self._broker.writer.submit_many(operations):
            if isinstance(outcome, MadangError) and outcome.status != 404:
                raise outcome
        return NO_CONTENT

    async def get(self, request: Request) -> Response:
        check_geometry_property(request)
        context = await self._broker.contexts.get(link_context(request))
        form, join, types = asked_for_one(request.raw_query, context)
        row = await self._broker.store.get(check_id(request.parts[1]))
        check_types(row.entity, types)
        return await self._pages.of_entity(request, row, self._broker.visible(request.caller, row, form), context, join)

    async def replace(self, request: Request) -> Response:
        entity, context = await read_fragment(request, self._broker)
        await self._broker.write(request.caller, guarded(request, Replace(entity), context), entity.types)
        return NO_CONTENT

    async def merge(self, request: Request) -> Response:
        data, context = await read_payload(request, self._broker.contexts)
        fragment = parse_entity(data, context, fragment=True, simplified=is_simplified(request.query))
        entity = _of_path(request, fragment)
        operation = guarded(request, merge_of(entity, request.query, context), context)
        await self._broker.write(request.caller, operation, entity.types)
        return NO_CONTENT

    async def delete(self, request: Request) -> Response:
        context = await self._broker.contexts.get(link_context(request))
        operation = guarded(request, Delete(check_id(request.parts[1])), context)
        await self._broker.write(request.caller, operation)
        return NO_CONTENT


def check_types(entity: Entity, types: Selection | None) -> None:
    """Raises NotFound unless the entity is of the types that `type` asks for."""
    if types is not None and not types.accepts(entity.types.__contains__):
        raise NotFound(f"no entity {entity.id} of such a type")


def check_geometry_property(request: Request) -> None:
    """Only GeoJSON has a geometry to choose (clause 5.7.2.4). Raises BadRequest, NotAcceptable."""
    if accepted(request) != GEO and "geometryProperty" in request.query:
        raise BadRequest("geometryProperty goes with application/geo+json only")


async def read_fragment(request: Request, broker: Broker) -> tuple[Entity, Context]:
    """The entity or fragment in the body, about the entity of the path, and its context. Raises BadRequest."""
    data, context = await read_payload(request, broker.contexts)
    return _of_path(request, parse_entity(data, context, fragment=True)), context


def _of_path(request: Request, entity: Entity) -> Entity:
    identifier = check_id(request.parts[1])
    if entity.id and entity.id != identifier:
        raise BadRequest("the id in the body is not the id in the path")
    entity.id = identifier
    return entity
