"""/temporal/entities and what lies below, /temporal/entityOperations/query (clauses 6.18 to 6.24)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from madang.base.clock import short_iso
from madang.base.errors import BadRequest, NotFound
from madang.context.query import Query
from madang.history.evolution import Evolution
from madang.history.paging import cut
from madang.history.past import Past
from madang.history.represent import View, represent, represent_series
from madang.history.search import Found, Search, evolutions, search
from madang.history.series import Series, plain_series
from madang.history.store import Candidates, Known
from madang.history.told import parse_instance, parse_told
from madang.model.context import Context
from madang.model.kinds import check_id
from madang.model.operations import AppendTemporal
from madang.model.ordering import Term
from madang.people.http import Request, Response
from madang.people.ngsi.asked import Asked, made, rest_of
from madang.people.ngsi.bodies import given_of, select
from madang.people.ngsi.broker import Broker, attributes_in
from madang.people.ngsi.entities import NO_CONTENT
from madang.people.ngsi.parameters import Given, accepted_json, answer, link_context, read_payload
from madang.people.ngsi.queries import check_width, query_of
from madang.people.ngsi.temporal_parameters import datasets_of, temporal_query, view_of

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
        known = await self._known(identifier)
        entity.id, entity.types = identifier, entity.types or known.types
        await self._broker.write(request.caller, AppendTemporal(entity), entity.types)
        return NO_CONTENT

    async def delete(self, request: Request) -> Response:
        request.caller.require("write", "entities")
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
        request.caller.require("write", "entities")
        context = await self._broker.contexts.get(link_context(request))
        return check_id(request.parts[2]), context.expand(request.parts[4]), context

    async def _known(self, identifier: str) -> Known:
        known = (await self._past.history.known([identifier])).get(identifier)
        if known is None:
            raise NotFound(f"no history of {identifier}")
        return known

    async def get(self, request: Request) -> Response:
        accepted_json(request)
        identifier = check_id(request.parts[2])
        context = await self._broker.contexts.get(link_context(request))
        view = view_of(request.query, context, temporal_query(request.query))
        known = await self._known(identifier)
        names = _names(view, _open_to(request, known, identifier))
        series = await self._series(request, identifier, names, view)
        if series is not None:
            shown = represent_series(identifier, known.types, *series, view)
            return answer(request, _with_times(shown, known, view), view.form.context)
        found, seen = await evolutions(self._past.history, [identifier], view.window, names, datasets_of(request.query))
        if names is not None and names and not names & seen[identifier]:
            raise NotFound(f"{identifier} never had what was asked for")
        return self._answer(request, [Found(identifier, known, found[identifier])], view, one=True)

    async def _series(
        self, request: Request, identifier: str, names: frozenset[str] | None, view: View
    ) -> tuple[str, Series] | None:
        """The one attribute to aggregate, when it goes the short way."""
        if view.aggregation is None or names is None or len(names) != 1 or "datasetId" in request.query:
            return None
        (name,) = names
        series = await plain_series(self._past.history, identifier, name, view.window)
        return None if series is None else (name, series)

    async def query(self, request: Request) -> Response:
        accepted_json(request)
        context = await self._broker.contexts.get(link_context(request))
        return await self._query(request, query_of(request.query, context), request.query, context, request.query)

    async def query_by_body(self, request: Request) -> Response:
        data, context = await read_payload(request, self._broker.contexts)
        if not isinstance(data, dict) or data.get("type") != "Query":
            raise BadRequest('a query has "type": "Query"')
        asked = data.get("temporalQ") or {}
        if not isinstance(asked, dict):
            raise BadRequest("temporalQ must be an object")
        given = given_of(data, request.query)
        return await self._query(request, select(query_of(given, context), data, context), given, context, asked)

    async def _query(
        self, request: Request, query: Query, given: Given, context: Context, asked: Mapping[str, Any]
    ) -> Response:
        check_width(given, query)
        asked = temporal_query(asked)
        view = view_of(given, context, asked)
        if view.window.relation is None:
            raise BadRequest("a temporal query needs a timerel")
        terms = _terms(query)
        query, _ = self._broker.restrict(request.caller, query, view.form)
        page = await search(
            self._past.history,
            Search(
                Candidates(query.ids, query.id_pattern, query.types),
                view.window,
                query.attrs,
                _names(view, None),
                frozenset(attributes_in(query)) | ({"scope"} if query.scopes else frozenset()),
                query.q,
                query.geo,
                query.scopes,
                partial(_is_meant, query),
                datasets_of(given),
                terms,
                query.limit,
                query.offset,
                query.count,
            ),
        )
        response = self._answer(request, [_cut(request, one) for one in page.found], view, one=False)
        if page.total is not None:
            response.headers.append((b"ngsild-results-count", str(page.total).encode()))
        response.headers += Asked(query, view.form, None, rest_of(request.raw_query), "temporal/entities").links(
            page.more
        )
        return response

    def _answer(self, request: Request, found: list[Found], view: View, *, one: bool) -> Response:
        """200, or 206 with the range that the answer covers (clause 6.3.10)."""
        parts, covered = [each.evolution for each in found], None
        if view.aggregation is None:
            parts, covered = cut(parts, view.window, self._past.max_instances)
        cut_down = [Found(each.id, each.known, part) for each, part in zip(found, parts, strict=True)]
        shown = [entity for entity in represent_all(cut_down, view) if entity]
        if one and not shown:
            raise NotFound("nothing of the entity was picked")
        response = answer(request, shown[0] if one else shown, view.form.context, 206 if covered else 200)
        if covered is not None:
            response.headers.append((b"content-range", covered.header().encode()))
        return response


def represent_all(found: list[Found], view: View) -> list[dict[str, Any]]:
    return [_with_times(represent(one.id, one.known.types, one.evolution, view), one.known, view) for one in found]


def _with_times(shown: dict[str, Any], known: Known, view: View) -> dict[str, Any]:
    if view.form.sys_attrs and shown:
        shown |= {"createdAt": short_iso(known.first), "modifiedAt": short_iso(known.last)}
        if known.deleted:
            shown["deletedAt"] = short_iso(known.last)
    return shown


def _names(view: View, open_to: frozenset[str] | None) -> frozenset[str] | None:
    """The attributes worth reading; None for all."""
    picked = None if view.pick is None or view.pick <= _MEMBERS else view.pick - _MEMBERS
    return picked if open_to is None else open_to if picked is None else picked & open_to


def _open_to(request: Request, known: Known, identifier: str) -> frozenset[str] | None:
    """The attributes the caller may read. Raises NotFound, so that existence does not leak."""
    if request.caller.everything:
        return None
    open_to = request.caller.attributes("read", known.types)
    if open_to is not None and not open_to:
        raise NotFound(f"no history of {identifier}")
    return open_to


def _is_meant(query: Query, identifier: str, types: list[str]) -> bool:
    """What a list of ids, a pattern and a list of types cannot say of an entity, and the selectors of a body."""
    if query.selection is not None and not query.selection.accepts(types.__contains__):
        return False
    return not query.any_of or any(_is_selected(one, identifier, types) for one in query.any_of)


def _is_selected(one: Query, identifier: str, types: list[str]) -> bool:
    return (
        (not one.ids or identifier in one.ids)
        and (one.id_pattern is None or re.search(one.id_pattern, identifier) is not None)
        and (not one.types or not set(one.types).isdisjoint(types))
        and (one.selection is None or one.selection.accepts(types.__contains__))
    )


def _terms(query: Query) -> tuple[Term, ...]:
    if query.order is None:
        return ()
    if query.order.distance is not None or query.order.collation is not None:
        raise BadRequest("the past is ordered by members only, neither by distance nor in a language")
    return query.order.terms


def _cut(request: Request, one: Found) -> Found:
    if request.caller.everything:
        return one
    open_to = request.caller.attributes("read", one.known.types)
    evolution: Evolution = {
        name: events for name, events in one.evolution.items() if open_to is None or name in open_to
    }
    return Found(one.id, one.known, evolution)
