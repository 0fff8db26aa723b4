"""Queries of what is true now, through entity maps, here and at other brokers (clauses 5.14.4, 5.7.2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from madang.base.errors import BadRequest, MadangError
from madang.base.limits import ENTITY_MAP_MAX_ENTITIES, PEER_IDS_AT_ONCE, QUERY_MAX_PAGE
from madang.context.entity_maps import LOCAL, EntityMap, Entry
from madang.context.query import Query
from madang.context.row import Row
from madang.federation.peers import Call, Reply
from madang.model.assembly import Piece, assemble, gathered
from madang.model.context import Context
from madang.model.kinds import check_id
from madang.model.registration import Registration
from madang.model.sources import Spec, joined, narrowed
from madang.people.http import Response
from madang.people.ngsi.asked import Asked
from madang.people.ngsi.distributed_reads import Ask, DistributedReads
from madang.people.ngsi.map_pages import Candidates, Question
from madang.people.ngsi.pages import Pages
from madang.people.ngsi.sharing import Sharing, parameters
from madang.people.ngsi.sifting import sifted

_FILTERS = ("q", "scopeQ", "georel", "geometry", "coordinates", "geoproperty", "expandValues", "jsonKeys")
_UNKNOWN_THERE = frozenset({400, 404, 405, 422, 501})
"""What a broker without entity maps answers when it is asked for one."""


@dataclass(slots=True, kw_only=True)
class EntityQuestion(Question):
    """`shared`: whether other brokers are asked; `split`: whether an entity's attributes may lie in several of them."""

    asked: Asked
    context: Context
    sharing: Sharing
    reads: DistributedReads
    shared: bool
    split: bool

    async def candidates(self) -> Candidates:
        query = without_conditions(self.asked.query) if self.split else self.asked.query
        ids = await self.sharing.broker.store.ids(query, ENTITY_MAP_MAX_ENTITIES)
        if not self.shared:
            return Candidates([Entry(one) for one in ids])
        there, out = await self._ask_sources(query)
        if there and self.asked.query.order is not None:
            raise BadRequest("orderBy goes with local=true where other brokers are asked (clause 5.7.2.4)")
        sources: dict[str, list[str]] = {one: [LOCAL] for one in ids}
        for identifier, registration in there:
            known = sources.setdefault(identifier, [])
            if registration not in known:
                known.append(registration)
        names = sorted(sources) if there else ids
        out.entries = [Entry(one, tuple(sources[one])) for one in names[:ENTITY_MAP_MAX_ENTITIES]]
        return out

    async def _ask_sources(self, query: Query) -> tuple[list[tuple[str, str]], Candidates]:
        """`(entity, registration)` of what lies elsewhere: by the maps of the sources, or by what they answer to the query."""
        out = Candidates()
        parts = self._parts(query)
        asks = [await self._map_call(registration, part) for registration, part in parts]
        mapped = [ask for ask in asks if ask is not None]
        plain = [pair for pair, ask in zip(parts, asks, strict=True) if ask is None]
        pairs_of = [pair for pair, ask in zip(parts, asks, strict=True) if ask is not None]
        origin = self.sharing.origin(self.request)
        replies = await self.sharing.ask(mapped, origin)
        found: list[tuple[str, str]] = []
        for pair, reply in zip(pairs_of, replies, strict=True):
            registration = pair[0]
            if reply.status in _UNKNOWN_THERE:
                plain.append(pair)
                continue
            try:
                ids, identifier = _map_told(reply)
            except MadangError as error:
                out.warnings.append((registration, error.detail))
                continue
            found += [(one, registration.id) for one in ids]
            # A registration of several parts has several maps, and linkedMaps has room for one.
            if sum(one[0].id == registration.id for one in pairs_of) == 1:
                out.linked[registration.id] = identifier
        given = {**self._filters(), "limit": str(QUERY_MAX_PAGE)}
        further = [
            await self.reads.call(self.request, one, part, self.context, given, one=False) for one, part in plain
        ]
        for ask in filter(None, further):
            pieces, warnings = await self.reads.collect(self.request, [ask])
            found += [(piece.entity.id, ask.call.registration.id) for piece in pieces]
            out.warnings += warnings
        return found, out

    def _parts(self, query: Query) -> list[tuple[Registration, Spec]]:
        specs = [Spec(one.ids, one.id_pattern, one.types, query.attrs) for one in query.any_of or (query,)]
        return [
            pair
            for spec in specs
            for known in self.sharing.sources(self.request, spec, self.context, self.given)
            for pair in _joined(known.registration, spec)
        ]

    def _filters(self) -> dict[str, str]:
        return {} if self.split else {name: self.given[name] for name in _FILTERS if self.given.get(name)}

    async def _map_call(self, registration: Registration, part: Spec) -> Call | None:
        if not registration.supports("createEntityMapQueryEntity"):
            return None
        own, url = await self.sharing.names_for(self.request, registration, self.context)
        said = self._filters() if own is self.context else {}
        query = parameters(
            registration,
            type=",".join(map(own.compact, part.types)),
            id=",".join(part.ids),
            idPattern=part.id_pattern,
            attrs=",".join(map(own.compact, part.names)),
            splitEntities="true" if self.split else "",
            entityMapLifetime=self.given.get("entityMapLifetime"),
            **said,
        )
        return Call(registration, "GET", "entityMaps", query, None, url)

    async def fitting(self, made: EntityMap, entries: Sequence[Entry]) -> dict[str, Row]:
        query = self.asked.query
        wanted = [one for one in entries if not query.ids or one.entity_id in query.ids]
        here = tuple(one.entity_id for one in wanted if LOCAL in one.sources)
        broad = without_conditions(query) if self.split else query
        page = replace(broad, ids=here, order=None, limit=len(here), offset=0, count=False)
        rows = (await self.sharing.broker.store.find(page)).rows if here else []
        asks = await self._asks(made, wanted) if self.shared else []
        if not asks:
            return {row.entity.id: row for row in rows if sifted(row.entity, query, whole=self.split)}
        told, warnings = await self.reads.collect(self.request, asks)
        self.warnings += [one for one in warnings if one not in self.warnings]
        asked = {one.entity_id for one in wanted}
        pieces = [*(Piece(row.entity, row.stamps) for row in rows), *(one for one in told if one.entity.id in asked)]
        assembled = [Row(*assemble(one), 0) for one in gathered(pieces).values()]
        return {row.entity.id: row for row in assembled if sifted(row.entity, query, whole=self.split)}

    async def _asks(self, made: EntityMap, entries: list[Entry]) -> list[Ask]:
        """Each source is asked for the entities that the map says it has, some at a time, and for no others."""
        query, asks = self.asked.query, []
        ids: dict[str, list[str]] = {}
        for entry in entries:
            for source in entry.sources:
                ids.setdefault(source, []).append(entry.entity_id)
        types = tuple(dict.fromkeys(name for one in query.any_of or (query,) for name in one.types))
        for source, some in ids.items():
            for begin in range(0, len(some), PEER_IDS_AT_ONCE) if source != LOCAL else ():
                spec = Spec(tuple(some[begin : begin + PEER_IDS_AT_ONCE]), None, types, query.attrs)
                asks += await self._asks_of(source, spec, made.linked.get(source))
        return asks

    async def _asks_of(self, source: str, spec: Spec, linked: str | None) -> list[Ask]:
        given = {**self._filters(), "limit": str(QUERY_MAX_PAGE)}
        parts = [
            pair
            for known in self.sharing.sources(self.request, spec, self.context, self.given)
            if known.registration.id == source
            for pair in _joined(known.registration, spec)
        ]
        headers = (("ngsild-entitymap", linked),) if linked else ()
        asks = [
            await self.reads.call(self.request, registration, part, self.context, given, one=False)
            for registration, part in parts
        ]
        return [replace(ask, call=replace(ask.call, headers=headers)) for ask in asks if ask is not None]

    async def shown(self, found: list[Row]) -> Response:
        response = await Pages(self.sharing.broker).of_rows(self.request, found, self.asked, self.context)
        return self.sharing.warn(response, self.warnings)


def _joined(registration: Registration, spec: Spec) -> list[tuple[Registration, Spec]]:
    """What a source is asked of a request. Never two registrations at once: a map says which of them has what."""
    return joined([(registration, part) for part in narrowed(registration, spec)], PEER_IDS_AT_ONCE)


def without_conditions(query: Query) -> Query:
    """What is asked of entities whose attributes lie apart: ids and types only (clause 5.7.2.4)."""
    return replace(query, q=None, geo=None, scopes=None, attrs=())


def _map_told(reply: Reply) -> tuple[list[str], str]:
    """The entities of a source's map, and its id. Raises MadangError for what is none."""
    if not reply.ok:
        raise MadangError(reply.why or f"answered {reply.status}")
    body: Any = reply.body
    if not isinstance(body, dict) or not isinstance(body.get("entityMap"), dict):
        raise MadangError("the answer is no entity map")
    return [check_id(one) for one in body["entityMap"]], check_id(body.get("id"))
