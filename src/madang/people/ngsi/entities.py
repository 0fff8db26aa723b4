"""/entities, /entities/{id} and its attributes (clauses 6.4 to 6.7)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from madang.base.errors import BadRequest
from madang.context.row import Row
from madang.context.store import Query
from madang.model.context import Context
from madang.model.entity import Entity, check_id, check_time, parse_attribute, parse_entity
from madang.model.operations import (
    Append,
    Create,
    Delete,
    DeleteAttribute,
    Merge,
    Outcome,
    PatchAttribute,
    Replace,
    Update,
)
from madang.model.render import Form, feature, geometry_of, render
from madang.people.http import Request, Response
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.parameters import GEO, accepted, answer, form_of, link_context, options, query_of, read_payload
from madang.trust.caller import Caller

PREFIX = "/ngsi-ld/v1"
NO_CONTENT = Response(204)


class Entities:
    """Handlers of the entity resources."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def create(self, request: Request) -> Response:
        data, context = await read_payload(request, self._broker.contexts)
        entity = parse_entity(data, context)
        await self._broker.write(request.caller, Create(entity), entity.types)
        location = f"{PREFIX}/entities/{quote(entity.id, safe=':')}"
        return Response(201, b"", [(b"location", location.encode())])

    async def query(self, request: Request) -> Response:
        context = await self._broker.contexts.get(link_context(request))
        query, form = query_of(request, context), form_of(request, context)
        if not (query.types or query.attrs or query.q or query.geo or query.ids or request.query.get("type") == "*"):
            raise BadRequest("a query names at least one of type, id, attrs, q, a geo-query or bbox")
        return await self.run_query(request, query, form, context)

    async def run_query(self, request: Request, query: Query, form: Form, context: Context) -> Response:
        """Runs, renders and pages a query; shared with POST /entityOperations/query."""
        query, form = self._broker.restrict(request.caller, query, form)
        page = await self._broker.store.find(query)
        cut, caller = self._broker.cut, request.caller
        shown: Any = [render(row.entity, cut(caller, row.entity.types, form), row.stamps) for row in page.rows]
        if accepted(request) == GEO:
            features = [feature(one, self._place(caller, row)) for one, row in zip(shown, page.rows, strict=True)]
            shown = {"type": "FeatureCollection", "features": features}
        response = answer(request, shown, context)
        if page.total is not None:
            response.headers.append((b"ngsild-results-count", str(page.total).encode()))
        response.headers += _page_links(request, query, page.more)
        return response

    def _place(self, caller: Caller, row: Row) -> Any:
        """The geometry of a feature, unless the caller may not see it."""
        seen = self._broker.cut(caller, row.entity.types, Form()).attrs
        return geometry_of(row.entity) if seen is None or "location" in seen else None

    async def get(self, request: Request) -> Response:
        context = await self._broker.contexts.get(link_context(request))
        row = await self._broker.store.get(check_id(request.parts[1]))
        form = self._broker.visible(request.caller, row, form_of(request, context))
        shown = render(row.entity, form, row.stamps)
        if accepted(request) == GEO:
            shown = feature(shown, self._place(request.caller, row))
        return answer(request, shown, context)

    async def replace(self, request: Request) -> Response:
        entity = await self._fragment(request)
        await self._broker.write(request.caller, Replace(entity), entity.types)
        return NO_CONTENT

    async def merge(self, request: Request) -> Response:
        entity = await self._fragment(request)
        observed = request.query.get("observedAt")
        operation = Merge(entity, observed_at=check_time(observed) if observed else None)
        await self._broker.write(request.caller, operation, entity.types)
        return NO_CONTENT

    async def delete(self, request: Request) -> Response:
        await self._broker.write(request.caller, Delete(check_id(request.parts[1])))
        return NO_CONTENT

    async def append(self, request: Request) -> Response:
        overwrite = "noOverwrite" not in options(request)
        entity, context = await self._fragment_and_context(request)
        outcome = await self._broker.write(request.caller, Append(entity, overwrite), entity.types)
        return _changes(outcome, context)

    async def update(self, request: Request) -> Response:
        entity, context = await self._fragment_and_context(request)
        outcome = await self._broker.write(request.caller, Update(entity), entity.types)
        return _changes(outcome, context)

    async def patch_attribute(self, request: Request) -> Response:
        return await self._attribute(request, replace=False)

    async def put_attribute(self, request: Request) -> Response:
        return await self._attribute(request, replace=True)

    async def _attribute(self, request: Request, *, replace: bool) -> Response:
        data, context = await read_payload(request, self._broker.contexts)
        name = request.parts[3]
        if isinstance(data, dict) and "@context" in data:
            data = {key: value for key, value in data.items() if key != "@context"}
        expanded = context.expand(name)
        fragment = parse_attribute(name, data, context, kind=await self._kind(request, expanded, data))
        operation = PatchAttribute(check_id(request.parts[1]), expanded, fragment, replace)
        await self._broker.write(request.caller, operation)
        return NO_CONTENT

    async def _kind(self, request: Request, name: str, data: Any) -> str | None:
        """A fragment without type or value (`{"unitCode": ...}`) is of the kind the attribute has."""
        if not isinstance(data, dict) or "type" in data:
            return None
        row = await self._broker.store.get(check_id(request.parts[1]))
        found = row.entity.body.get(name)
        first = found[0] if isinstance(found, list) else found
        return first["type"] if isinstance(first, dict) else None

    async def delete_attribute(self, request: Request) -> Response:
        context = await self._broker.contexts.get(link_context(request))
        query = request.query
        operation = DeleteAttribute(
            check_id(request.parts[1]),
            context.expand(request.parts[3]),
            query.get("datasetId"),
            query.get("deleteAll") == "true",
        )
        await self._broker.write(request.caller, operation)
        return NO_CONTENT

    async def _fragment(self, request: Request) -> Entity:
        return (await self._fragment_and_context(request))[0]

    async def _fragment_and_context(self, request: Request) -> tuple[Entity, Context]:
        data, context = await read_payload(request, self._broker.contexts)
        entity = parse_entity(data, context, fragment=True)
        identifier = check_id(request.parts[1])
        if entity.id and entity.id != identifier:
            raise BadRequest("the id in the body is not the id in the path")
        entity.id = identifier
        return entity, context


def _changes(outcome: Outcome, context: Context) -> Response:
    """204 when everything was done, 207 with what was and what was not (clause 5.2.18)."""
    if not outcome.refused:
        return NO_CONTENT
    refused = [{"attributeName": context.compact(name), "reason": why} for name, why in outcome.refused.items()]
    body = {"updated": [context.compact(name) for name in outcome.updated], "notUpdated": refused}
    return Response.json(body, 207)


def _page_links(request: Request, query: Query, more: bool) -> list[tuple[bytes, bytes]]:
    links = []
    if query.offset > 0:
        links.append((max(0, query.offset - query.limit), "prev"))
    if more:
        links.append((query.offset + query.limit, "next"))
    rest = "&".join(
        f"{quote(name)}={quote(value, safe='')}"
        for name, value in request.query.items()
        if name not in ("offset", "limit")
    )
    return [
        (b"link", f'<{PREFIX}/entities?{rest}&limit={query.limit}&offset={offset}>;rel="{relation}"'.encode())
        for offset, relation in links
    ]
