"""Entities that lie in several brokers, read as one (clauses 5.7.1, 5.7.2)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from madang.base.errors import MadangError, NotFound
from madang.base.limits import PEER_IDS_AT_ONCE, QUERY_MAX_PAGE
from madang.context.query import Query
from madang.context.row import Row
from madang.federation.peers import Call, Reply
from madang.model.assembly import Piece, assemble, gathered
from madang.model.context import Context
from madang.model.kinds import check_id
from madang.model.registration import Registration
from madang.model.sources import Spec, joined, narrowed
from madang.people.http import Request, Response, problem
from madang.people.ngsi.asked import Asked, asked_for_many, asked_for_one
from madang.people.ngsi.batch import asked_in_body
from madang.people.ngsi.entities import check_geometry_property, check_types
from madang.people.ngsi.pages import Pages
from madang.people.ngsi.parameters import Given, link_context, read_payload
from madang.people.ngsi.queries import flag
from madang.people.ngsi.sharing import Sharing, Warnings, parameters
from madang.people.ngsi.sifting import in_order, sifted

_PASSED = ("q", "scopeQ", "georel", "geometry", "coordinates", "geoproperty", "expandValues", "jsonKeys")


@dataclass(frozen=True)
class Ask:
    """A call and what to make of its answer: the context of its names, the attributes it may tell (none: all)."""

    call: Call
    context: Context
    names: tuple[str, ...]


class DistributedReads:
    """Handlers that ask other brokers too."""

    def __init__(self, sharing: Sharing) -> None:
        self._sharing, self._pages = sharing, Pages(sharing.broker)

    async def get(self, request: Request, only: Collection[str] | None = None) -> Response:
        """Clause 5.7.1. Of an entity that is known here, sources of its types are asked; of another one all that fit; `only`
        those registrations, if that is given."""
        check_geometry_property(request)
        broker, identifier = self._sharing.broker, check_id(request.parts[1])
        context = await broker.contexts.get(link_context(request))
        form, join, types = asked_for_one(request.raw_query, context)
        rows = await broker.store.list_by_id([identifier])
        names = tuple(form.attrs or ()) or (form.pick.names if form.pick is not None else ())
        spec = Spec((identifier,), None, tuple(rows[0].entity.types) if rows else (), names)
        asks = [
            ask
            for ask in await self._asks_for_one(request, spec, context)
            if only is None or ask.call.registration.id in only
        ]
        found, warnings = await self.collect(request, asks)
        pieces = [
            *(Piece(row.entity, row.stamps) for row in rows),
            *(one for one in found if one.entity.id == identifier),
        ]
        if not pieces:
            missing = problem(NotFound(f"no entity {identifier}"), b"application/json")
            return self._sharing.warn(missing, warnings)
        row = Row(*assemble(pieces), 0) if asks else rows[0]
        check_types(row.entity, types)
        form = broker.visible(request.caller, row, form)
        return self._sharing.warn(await self._pages.of_entity(request, row, form, context, join), warnings)

    async def _asks_for_one(self, request: Request, spec: Spec, context: Context) -> list[Ask]:
        asks = []
        for known in self._sharing.sources(request, spec, context):
            registration, parts = known.registration, narrowed(known.registration, spec)
            whole = any(not part.names for part in parts)
            names = () if whole else tuple(dict.fromkeys(name for part in parts for name in part.names))
            types = tuple(dict.fromkeys(name for part in parts for name in part.types))
            call = await self.call(request, registration, Spec(spec.ids, None, types, names), context, {}, one=True)
            asks += [call] if call else []
        return asks

    async def sources_of(self, request: Request, identifier: str, context: Context) -> list[str]:
        """The registrations that may hold something of an entity and can be asked for it."""
        rows = await self._sharing.broker.store.list_by_id([identifier])
        spec = Spec((identifier,), None, tuple(rows[0].entity.types) if rows else ())
        asks = await self._asks_for_one(request, spec, context)
        return list(dict.fromkeys(ask.call.registration.id for ask in asks))

    async def call(
        self, request: Request, registration: Registration, part: Spec, context: Context, given: Given, *, one: bool
    ) -> Ask | None:
        """What a source is asked, by the first operation that it supports; None when it supports none."""
        own, url = await self._sharing.names_for(request, registration, context)
        attrs = ",".join(own.compact(name) for name in part.names)
        said = {name: given[name] for name in _PASSED if given.get(name) and own is context}
        if one and registration.supports("retrieveEntity"):
            query = parameters(registration, attrs=attrs, options="sysAttrs")
            return Ask(
                Call(registration, "GET", f"entities/{quote(part.ids[0], safe=':')}", query, None, url), own, part.names
            )
        types = ",".join(own.compact(name) for name in part.types)
        page = {
            "limit": str(max(int(given.get("limit") or 0), len(part.ids))),
            "count": given.get("count"),
            "options": "sysAttrs",
        }
        if registration.supports("queryEntity"):
            query = parameters(
                registration, type=types, id=",".join(part.ids), idPattern=part.id_pattern, attrs=attrs, **said, **page
            )
            return Ask(Call(registration, "GET", "entities", query, None, url), own, part.names)
        if registration.supports("queryBatch"):
            body = _body(part, types, attrs, said)
            query = parameters(registration, **page)
            return Ask(Call(registration, "POST", "entityOperations/query", query, body, url), own, part.names)
        return None

    async def query(self, request: Request) -> Response:
        """Clause 5.7.2."""
        check_geometry_property(request)
        context = await self._sharing.broker.contexts.get(link_context(request))
        return await self._query(request, asked_for_many(request.raw_query, context), request.query, context)

    async def query_batch(self, request: Request) -> Response:
        """As `query`, by POST."""
        data, context = await read_payload(request, self._sharing.broker.contexts)
        asked, given = asked_in_body(request, data, context)
        return await self._query(request, asked, given, context)

    async def _query(self, request: Request, asked: Asked, given: Given, context: Context) -> Response:
        query = self._sharing.broker.restrict(request.caller, asked.query)
        split = flag(given, "splitEntities")
        reach = reach_of(query, split)
        passed = {
            **({"csf": given.get("csf", "")} if split else given),
            "limit": str(reach.limit),
            "count": "true" if query.count else "",
        }
        asks = await self.asks_for_many(request, reach, context, passed)
        if not asks:
            return await self._pages.of_query(request, asked, context)
        page = await self._sharing.broker.store.find(reach)
        found, warnings = await self.collect(request, asks)
        pieces = [*(Piece(row.entity, row.stamps) for row in page.rows), *found]
        rows = [Row(*assemble(one), 0) for one in gathered(pieces).values()]
        kept = [row for row in rows if row.passes(query.sight) and sifted(row.entity, query, whole=split)]
        rows = in_order(kept, query.order)
        total = len(rows)
        if not split and (page.total or 0) > len(page.rows):
            total += (page.total or 0) - len(page.rows)
        shown = rows[query.offset : query.offset + query.limit]
        response = await self._pages.of_rows(request, shown, asked, context)
        if query.count:
            response.headers.append((b"ngsild-results-count", str(total).encode()))
        response.headers += asked.links(len(rows) > query.offset + query.limit or page.more)
        return self._sharing.warn(response, warnings)

    async def asks_for_many(self, request: Request, query: Query, context: Context, given: Given) -> list[Ask]:
        """What is asked of all sources that a query may concern."""
        parts = [
            (known.registration, part)
            for spec in (Spec(one.ids, one.id_pattern, one.types, query.attrs) for one in query.any_of or (query,))
            for known in self._sharing.sources(request, spec, context, given)
            for part in narrowed(known.registration, spec)
        ]
        calls = [
            await self.call(request, registration, part, context, given, one=False)
            for registration, part in joined(parts, PEER_IDS_AT_ONCE)
        ]
        return [call for call in calls if call is not None]

    async def collect(self, request: Request, asks: list[Ask]) -> tuple[list[Piece], Warnings]:
        """What the sources told, and what went wrong with some."""
        replies = await self._sharing.ask([ask.call for ask in asks], self._sharing.origin(request))
        pieces: list[Piece] = []
        warnings: Warnings = []
        for ask, reply in zip(asks, replies, strict=True):
            if reply.status == 404:
                continue
            try:
                pieces += await self._read(ask, reply)
            except MadangError as error:
                warnings.append((ask.call.registration, error.detail))
            except RecursionError:
                warnings.append((ask.call.registration, "the answer is nested too deeply"))
        return pieces, warnings

    async def _read(self, ask: Ask, reply: Reply) -> list[Piece]:
        """Raises MadangError."""
        if not reply.ok:
            raise MadangError(reply.why or f"answered {reply.status}")
        return await self._sharing.pieces(ask.call, reply, ask.context, ask.names)


def reach_of(query: Query, split: bool) -> Query:
    """All up to the end of the asked page. Of entities whose attributes lie apart, no condition is asked of the parts
    (clause 4.3.6.7)."""
    reach = replace(query, offset=0, limit=min(query.offset + query.limit + 1, QUERY_MAX_PAGE), order=query.order)
    return replace(reach, q=None, geo=None, scopes=None, attrs=(), limit=QUERY_MAX_PAGE) if split else reach


def _body(part: Spec, types: str, attrs: str, said: Given) -> dict[str, Any]:
    selector: dict[str, Any] = {"type": types or "*"}
    selector |= {"id": part.ids[0] if len(part.ids) == 1 else list(part.ids)} if part.ids else {}
    selector |= {"idPattern": part.id_pattern} if part.id_pattern else {}
    body: dict[str, Any] = {"type": "Query", "entities": [selector]}
    body |= {"attrs": attrs.split(",")} if attrs else {}
    body |= {name: said[name] for name in ("q", "scopeQ") if name in said}
    geo = {name: said[name] for name in ("georel", "geometry", "coordinates", "geoproperty") if name in said}
    return body | ({"geoQ": geo} if geo else {})
