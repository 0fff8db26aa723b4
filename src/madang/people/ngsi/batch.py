"""/entityOperations/* (clauses 6.14 to 6.17, 6.31)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from madang.base.errors import BadRequest, Forbidden, MadangError
from madang.model.context import Context
from madang.model.entity import Entity, parse_entity
from madang.model.kinds import check_id
from madang.model.operations import Append, Create, Operation, Replace
from madang.model.outcome import Outcome
from madang.model.removals import Delete
from madang.people.http import Request, Response
from madang.people.ngsi.asked import Asked, rest_of
from madang.people.ngsi.bodies import given_of, select
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.forms import form_of, join_of
from madang.people.ngsi.merges import is_simplified, merge_of
from madang.people.ngsi.pages import Pages
from madang.people.ngsi.parameters import Given, options, read_list, read_payload
from madang.people.ngsi.queries import check_width, query_of

Make = Callable[[Entity, Context], Operation]


class Batches:
    """Handlers of the batch resources. A batch is not atomic: each item succeeds or fails by itself."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._pages = Pages(broker)

    async def create(self, request: Request) -> Response:
        return _created(*await self._run(request, lambda entity, _: Create(entity)))

    async def upsert(self, request: Request) -> Response:
        update = "update" in options(request.query)
        done, failed = await self._run(
            request,
            (lambda entity, _: Append(entity, create=True))
            if update
            else (lambda entity, _: Replace(entity, create=True)),
        )
        return _created(done, failed)

    async def update(self, request: Request) -> Response:
        overwrite = "noOverwrite" not in options(request.query)
        return _updated(*await self._run(request, lambda entity, _: Append(entity, overwrite)))

    async def merge(self, request: Request) -> Response:
        simplified = is_simplified(request.query)
        return _updated(
            *await self._run(request, lambda entity, context: merge_of(entity, request.query, context), simplified)
        )

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
        asked, _ = asked_in_body(request, data, context)
        return await self._pages.of_query(request, asked, context)

    async def _run(
        self, request: Request, make: Make, simplified: bool = False
    ) -> tuple[list[tuple[str, Outcome]], list[tuple[str, MadangError]]]:
        items = await read_list(request, self._broker.contexts)
        results: list[tuple[str, Operation | MadangError]] = []
        types: list[list[str]] = []
        for item, context in items:
            try:
                if isinstance(context, MadangError):
                    raise context
                entity = parse_entity(item, context, simplified=simplified)
                results.append((entity.id, make(entity, context)))
                types.append(entity.types)
            except MadangError as error:
                results.append((str(item.get("id", "")) if isinstance(item, dict) else "", error))
        return await self._submit(request, results, types)

    async def _submit(
        self, request: Request, items: list[tuple[str, Operation | MadangError]], types: list[list[str]]
    ) -> tuple[list[tuple[str, Outcome]], list[tuple[str, MadangError]]]:
        failed = [(name, item) for name, item in items if isinstance(item, MadangError)]
        operations = [item for _, item in items if not isinstance(item, MadangError)]
        if not request.caller.writes.whole:
            operations, refused = await self._permitted(request, operations, types)
            failed += refused
        done = []
        outcomes = await self._broker.writer.submit_many(operations)
        for operation, outcome in zip(operations, outcomes, strict=True):
            if isinstance(outcome, MadangError):
                if outcome.status >= 500:
                    raise outcome
                failed.append((operation.target, outcome))
            else:
                done.append((operation.target, outcome))
        return done, failed

    async def _permitted(
        self, request: Request, operations: list[Operation], types: list[list[str]]
    ) -> tuple[list[Operation], list[tuple[str, MadangError]]]:
        """Those that the caller may do, and the errors of the others. Raises Forbidden when they are all."""
        kept, refused = list[Operation](), list[tuple[str, MadangError]]()
        for operation, declared in zip(operations, types or [[] for _ in operations], strict=True):
            try:
                await self._broker.check_write(request.caller, operation, declared)
                kept.append(operation)
            except Forbidden as error:
                refused.append((operation.target, error))
        if refused and not kept:
            raise refused[0][1]
        return kept, refused


def asked_in_body(request: Request, data: Any, context: Context) -> tuple[Asked, Given]:
    """What a Query in a body asks for, and its members as parameters. Raises BadRequest."""
    if not isinstance(data, dict) or data.get("type") != "Query":
        raise BadRequest('a query has "type": "Query"')
    given = given_of(data, request.query)
    query = select(query_of(given, context), data, context)
    check_width(given, query)
    return Asked(query, form_of(given, context), join_of(given), rest_of(request.raw_query)), given


def _created(done: list[tuple[str, Outcome]], failed: list[tuple[str, MadangError]]) -> Response:
    if failed:
        return _multi(done, failed)
    created = [identifier for identifier, outcome in done if outcome.created]
    response = Response.json(created, 201) if created else Response(204)
    response.written = len(done)
    return response


def _updated(done: list[tuple[str, Outcome]], failed: list[tuple[str, MadangError]]) -> Response:
    refused = any(outcome.refused for _, outcome in done)
    return _multi(done, failed) if failed or refused else Response(204, written=len(done))


def _multi(done: list[tuple[str, Outcome]], failed: list[tuple[str, MadangError]]) -> Response:
    """BatchOperationResult of clause 5.2.16."""
    errors: list[dict[str, Any]] = [{"entityId": name, "error": error.problem()} for name, error in failed]
    for name, outcome in done:
        if outcome.refused:
            why = "; ".join(f"{attribute}: {reason}" for attribute, reason in outcome.refused.items())
            errors.append({"entityId": name, "error": BadRequest(why).problem()})
    success = [name for name, outcome in done if not outcome.refused]
    response = Response.json({"success": success, "errors": errors}, 207)
    response.written = len(done)
    return response
