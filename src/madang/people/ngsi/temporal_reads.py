"""Reading the past: /temporal/entities and /temporal/entityOperations/query (clauses 6.18.3.2, 6.19.3.1, 6.24)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from madang.base.errors import BadRequest, NotFound
from madang.base.limits import QUERY_MAX_PAGE
from madang.context.query import Query
from madang.history.elsewhere import Part, merged
from madang.history.order import ordered
from madang.history.paging import cut
from madang.history.past import Past
from madang.history.represent import View, represent_series
from madang.history.search import Found, Page, Search, evolutions, search
from madang.history.series import Series, plain_series
from madang.history.store import Candidates
from madang.model.assembly import EQUAL
from madang.model.context import Context
from madang.model.kinds import check_id
from madang.model.sources import Spec
from madang.people.http import Request, Response
from madang.people.ngsi.asked import Asked, rest_of
from madang.people.ngsi.bodies import given_of, select
from madang.people.ngsi.broker import Broker, attributes_in
from madang.people.ngsi.parameters import Given, accepted_json, answer, link_context, read_payload
from madang.people.ngsi.queries import check_width, query_of
from madang.people.ngsi.shared_past import PastQuestion, SharedPast
from madang.people.ngsi.sharing import Warnings
from madang.people.ngsi.sifting import is_meant
from madang.people.ngsi.temporal_parameters import datasets_of, temporal_query, view_of
from madang.people.ngsi.temporal_views import (
    Sights,
    as_seen,
    in_datasets,
    names_of,
    picked,
    represent_all,
    terms_of,
    with_times,
)


@dataclass(frozen=True)
class AskedPast:
    """What a query of the past wants of this broker: which entities, and how to show them; `query` and `given` are it and its
    parameters as they came, `asked` is the temporal query, `body` the Query it came in."""

    search: Search
    view: View
    query: Query
    given: Given
    asked: Given
    body: dict[str, Any]


class TemporalReads:
    """Handlers that read the past; with `others` other brokers are asked too."""

    def __init__(self, broker: Broker, past: Past, others: SharedPast | None = None) -> None:
        self._broker, self._past, self._others = broker, past, others

    async def get(self, request: Request) -> Response:
        accepted_json(request)
        identifier = check_id(request.parts[2])
        context = await self._broker.contexts.get(link_context(request))
        asked = temporal_query(request.query)
        view = view_of(request.query, context, asked)
        if self._others is None:
            return await self._here(request, identifier, view)
        told, warnings = await self._told(request, identifier, view, asked, self._others)
        response = await (
            self._together(request, identifier, view, told) if told else self._here(request, identifier, view)
        )
        return self._others.sharing.warn(response, warnings)

    async def _here(self, request: Request, identifier: str, view: View) -> Response:
        known = await self._past.history.one(identifier)
        opened = await Sights(self._broker.store, request.caller).of_one(identifier, known)
        names = names_of(view, opened)
        series = await self._series(request, identifier, names, view)
        if series is not None:
            shown = represent_series(identifier, known.types, *series, view)
            return answer(request, with_times(shown, known, view), view.form.context)
        found, seen = await evolutions(self._past.history, [identifier], view.window, names, datasets_of(request.query))
        if names is not None and not names & seen[identifier]:
            raise NotFound(f"{identifier} never had what was asked for")
        return self._answer(request, [as_seen(Found(identifier, known, found[identifier]), opened)], view, one=True)

    async def _told(
        self, request: Request, identifier: str, view: View, asked: Given, others: SharedPast
    ) -> tuple[list[Part], Warnings]:
        """Of an entity that is known here, sources of its types are asked; of another one all that fit."""
        known = (await self._past.history.known([identifier])).get(identifier)
        types, names = tuple(known.types) if known else (), tuple(sorted(names_of(view) or ()))
        question = PastQuestion((Spec((identifier,), None, types, names),), view.window, asked, request.query, one=True)
        told, warnings = await others.ask(request, view.form.context, question)
        return [part for part in told if part.found.id == identifier], warnings

    async def _together(self, request: Request, identifier: str, view: View, told: list[Part]) -> Response:
        names, datasets = names_of(view), datasets_of(request.query)
        parts = [in_datasets(part, datasets) for part in told]
        known = (await self._past.history.known([identifier])).get(identifier)
        if known is not None:
            found, _ = await evolutions(self._past.history, [identifier], view.window, names, datasets)
            parts.append(Part(Found(identifier, known, found[identifier]), EQUAL))
        return self._answer(request, merged(parts, view.window), view, one=True)

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
        return await self._page(request, await self.asked(request))

    async def query_by_body(self, request: Request) -> Response:
        return await self._page(request, await self.asked_in_body(request))

    async def asked(self, request: Request) -> AskedPast:
        """What the URL asks for. Raises BadRequest, Forbidden, NotAcceptable."""
        accepted_json(request)
        context = await self._broker.contexts.get(link_context(request))
        return self._asked(request, query_of(request.query, context), request.query, context, request.query, {})

    async def asked_in_body(self, request: Request) -> AskedPast:
        """As `asked`, of a Query in the body."""
        data, context = await read_payload(request, self._broker.contexts)
        return self.asked_of(request, data, context)

    def asked_of(self, request: Request, data: Any, context: Context) -> AskedPast:
        """What a Query asks of the past. Raises BadRequest, Forbidden."""
        if not isinstance(data, dict) or data.get("type") != "Query":
            raise BadRequest('a query has "type": "Query"')
        asked = data.get("temporalQ") or {}
        if not isinstance(asked, dict):
            raise BadRequest("temporalQ must be an object")
        given = given_of(data, request.query)
        return self._asked(request, select(query_of(given, context), data, context), given, context, asked, data)

    def _asked(
        self,
        request: Request,
        query: Query,
        given: Given,
        context: Context,
        asked: Mapping[str, Any],
        body: dict[str, Any],
    ) -> AskedPast:
        check_width(given, query)
        asked = temporal_query(asked)
        view = view_of(given, context, asked)
        if view.window.relation is None:
            raise BadRequest("a temporal query needs a timerel")
        return AskedPast(self._search_of(request, query, view, given), view, query, given, asked, body)

    async def _page(self, request: Request, asked: AskedPast) -> Response:
        query, view = asked.query, asked.view
        page, warnings = (
            (await search(self._past.history, asked.search), [])
            if self._others is None
            else await self._shared_page(request, query, view, asked.given, asked.asked, self._others)
        )
        response = await self.shown(request, page.found, view)
        if page.total is not None:
            response.headers.append((b"ngsild-results-count", str(page.total).encode()))
        response.headers += Asked(query, view.form, None, rest_of(request.raw_query), "temporal/entities").links(
            page.more
        )
        return response if self._others is None else self._others.sharing.warn(response, warnings)

    async def find(self, wanted: Search) -> list[Found]:
        """The entities of one page, as far as they are here. Raises TooManyResults."""
        return (await search(self._past.history, wanted)).found

    async def shown(self, request: Request, found: list[Found], view: View) -> Response:
        """The evolutions of several entities, as far as the caller may see them."""
        opened = await Sights(self._broker.store, request.caller).of({one.id: one.known for one in found})
        return self._answer(request, [as_seen(one, opened[one.id]) for one in found], view, one=False)

    async def _shared_page(
        self, request: Request, query: Query, view: View, given: Given, asked: Given, others: SharedPast
    ) -> tuple[Page, Warnings]:
        """What is here up to the end of the page, with what sources have up to it."""
        reach = QUERY_MAX_PAGE if query.order else min(query.offset + query.limit + 1, QUERY_MAX_PAGE)
        here = await self._search(request, replace(query, offset=0, limit=reach), view, given)
        specs = tuple(Spec(one.ids, one.id_pattern, one.types, query.attrs) for one in query.any_of or (query,))
        question = PastQuestion(specs, view.window, asked, given, reach)
        told, warnings = await others.ask(request, view.form.context, question)
        datasets, names = datasets_of(given), names_of(view)
        parts = [in_datasets(part, datasets) for part in told]
        parts = [part for part in parts if is_meant(query, part.found.id, part.found.known.types)]
        parts = [*(Part(one, EQUAL) for one in here.found), *(picked(part, names) for part in parts)]
        hits = ordered(merged(parts, view.window), terms_of(query))
        end = query.offset + query.limit
        total = len(hits) + (here.total or 0) - len(here.found)
        return Page(hits[query.offset : end], total if query.count else None, len(hits) > end or here.more), warnings

    async def _search(self, request: Request, query: Query, view: View, given: Given) -> Page:
        return await search(self._past.history, self._search_of(request, query, view, given))

    def _search_of(self, request: Request, query: Query, view: View, given: Given) -> Search:
        """Of what is here. Raises Forbidden, BadRequest."""
        terms = terms_of(query)
        query = self._broker.restrict(request.caller, query, "history")
        return Search(
            Candidates(query.ids, query.id_pattern, query.types),
            view.window,
            query.attrs,
            names_of(view),
            frozenset(attributes_in(query)) | ({"scope"} if query.scopes else frozenset()),
            query.q,
            query.geo,
            query.scopes,
            partial(is_meant, query),
            datasets_of(given),
            terms,
            query.limit,
            query.offset,
            query.count,
            None
            if query.sight is None
            else partial(Sights(self._broker.store, request.caller).let_through, query.sight),
        )

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
