"""/entityOperations/* (clauses 6.14 to 6.17, 6.31)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from madang.base.errors import BadRequest, MadangError
from madang.context.store import Query
from madang.model.context import Context
from madang.model.entity import Entity, check_id, parse_entity
from madang.model.operations import Append, Create, Delete, Merge, Operation, Outcome, Replace, target_of
from madang.model.query import parse_query
from madang.people.http import Request, Response
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.entities import Entities
from madang.people.ngsi.parameters import form_of, geo_query, options, query_of, read_list, read_payload

Make = Callable[[Entity], Operation]


class Batches:
    """Handlers of the batch resources. A batch is not atomic: each item succeeds or fails by itself."""

    def __init__(self, broker: Broker, entities: Entities) -> None:
        self._broker = broker
        self._entities = entities

    async def create(self, request: Request) -> Response:
        return _created(*await self._run(request, Create))

    async def upsert(self, request: Request) -> Response:
        update = "update" in options(request)
        done, failed = await self._run(
            request,
            (lambda entity: Append(entity, create=True)) if update else (lambda entity: Replace(entity, create=True)),
        )
        return _created(done, failed)

    async def update(self, request: Request) -> Response:
        overwrite = "noOverwrite" not in options(request)
        return _updated(*await self._run(request, lambda entity: Append(entity, overwrite)))

    async def merge(self, request: Request) -> Response:
        return _updated(*await self._run(request, lambda entity: Merge(entity)))

    async def delete(self, request: Request) -> Response:
        items = await read_list(request, self._broker.contexts)
        results: list[tuple[str, Operation | MadangError]] = []
        for item, _ in items:
            try:
                results.append((str(item), Delete(check_id(item))))
            except MadangError as error:
                results.append((str(item), error))
        return _updated(*await self._submit(request, results, []))

    async def query(self, request: Request) -> Response:
        data, context = await read_payload(request, self._broker.contexts)
        if not isinstance(data, dict) or data.get("type") != "Query":
            raise BadRequest('a query has "type": "Query"')
        return await self._entities.run_query(
            request, body_query(data, request, context), form_of(request, context), context
        )

    async def _run(
        self, request: Request, make: Make
    ) -> tuple[list[tuple[str, Outcome]], list[tuple[str, MadangError]]]:
        items = await read_list(request, self._broker.contexts)
        results: list[tuple[str, Operation | MadangError]] = []
        types: list[list[str]] = []
        for item, context in items:
            try:
                entity = parse_entity(item, context)
                results.append((entity.id, make(entity)))
                types.append(entity.types)
            except MadangError as error:
                results.append((str(item.get("id", "")) if isinstance(item, dict) else "", error))
        return await self._submit(request, results, types)

    async def _submit(
        self, request: Request, items: list[tuple[str, Operation | MadangError]], types: list[list[str]]
    ) -> tuple[list[tuple[str, Outcome]], list[tuple[str, MadangError]]]:
        failed = [(name, item) for name, item in items if isinstance(item, MadangError)]
        operations = [item for _, item in items if not isinstance(item, MadangError)]
        declared = iter(types)
        for operation in operations if request.caller.role is None else operations[:1]:  # a role may all or nothing
            await self._broker.check_write(request.caller, operation, next(declared, None))
        done = []
        outcomes = await self._broker.writer.submit_many(operations)
        for operation, outcome in zip(operations, outcomes, strict=True):
            if isinstance(outcome, MadangError):
                if outcome.status >= 500:
                    raise outcome
                failed.append((target_of(operation), outcome))
            else:
                done.append((target_of(operation), outcome))
        return done, failed


def body_query(data: dict[str, Any], request: Request, context: Context) -> Query:
    """The Query data type of clause 5.2.23; pages and counts come from the URL."""
    base = query_of(request, context)
    selectors = data.get("entities") or [{}]
    if not isinstance(selectors, list) or not all(isinstance(one, dict) for one in selectors):
        raise BadRequest("entities must be a list of selectors")
    geo = data.get("geoQ")
    if geo is not None and not isinstance(geo, dict):
        raise BadRequest("geoQ must be an object")
    names = [name for one in selectors for name in _listed(one.get("type"))]
    return Query(
        ids=tuple(identifier for one in selectors for identifier in _listed(one.get("id"))),
        id_pattern=selectors[0].get("idPattern"),
        types=tuple(context.expand(name) for name in names if name != "*"),
        attrs=tuple(context.expand(name) for name in _listed(data.get("attrs"))),
        q=parse_query(data["q"], context) if isinstance(data.get("q"), str) else None,
        geo=geo_query(geo.get("georel"), geo.get("geometry"), geo.get("coordinates"), geo.get("geoproperty"), context)
        if geo
        else None,
        limit=base.limit,
        offset=base.offset,
        count=base.count,
    )


def _listed(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(item, str) for item in items):
        raise BadRequest("a selector holds names")
    return items


def _created(done: list[tuple[str, Outcome]], failed: list[tuple[str, MadangError]]) -> Response:
    if failed:
        return _multi(done, failed)
    created = [identifier for identifier, outcome in done if outcome.created]
    return Response.json(created, 201) if created else Response(204)


def _updated(done: list[tuple[str, Outcome]], failed: list[tuple[str, MadangError]]) -> Response:
    refused = any(outcome.refused for _, outcome in done)
    return _multi(done, failed) if failed or refused else Response(204)


def _multi(done: list[tuple[str, Outcome]], failed: list[tuple[str, MadangError]]) -> Response:
    """BatchOperationResult of clause 5.2.16."""
    errors: list[dict[str, Any]] = [{"entityId": name, "error": error.problem()} for name, error in failed]
    for name, outcome in done:
        if outcome.refused:
            why = "; ".join(f"{attribute}: {reason}" for attribute, reason in outcome.refused.items())
            errors.append({"entityId": name, "error": BadRequest(why).problem()})
    success = [name for name, outcome in done if not outcome.refused]
    return Response.json({"success": success, "errors": errors}, 207)
