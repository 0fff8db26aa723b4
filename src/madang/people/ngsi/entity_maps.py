"""/entityMaps and /temporal/entityMaps, and the queries and reads that use them (clauses 5.14, 6.32, 6.34, 6.35)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from madang.base.clock import from_iso, to_iso
from madang.base.errors import BadRequest, UnprocessableOp
from madang.base.limits import ENTITY_MAP_LIFETIME_MAX_S, ENTITY_MAP_LIFETIME_S, ENTITY_MAP_MAX_ENTITIES
from madang.context.entity_maps import LOCAL, EntityMap, EntityMaps, Entry
from madang.model.context import Context
from madang.model.kinds import check_id, check_time
from madang.people.http import Handler, Request, Response
from madang.people.ngsi.asked import Asked, asked_for_many, rest_of
from madang.people.ngsi.batch import asked_in_body
from madang.people.ngsi.distributed_reads import DistributedReads
from madang.people.ngsi.entities import NO_CONTENT, Entities, check_geometry_property
from madang.people.ngsi.lifetimes import until
from madang.people.ngsi.map_pages import MapPages, Question, location, named_map, owner_of, wants_map
from madang.people.ngsi.mapped_queries import EntityQuestion
from madang.people.ngsi.mapped_temporal import TemporalQuestion
from madang.people.ngsi.parameters import Given, accepted_json, answer, link_context, read_payload
from madang.people.ngsi.queries import flag
from madang.people.ngsi.sharing import Sharing, is_shared
from madang.people.ngsi.temporal_reads import AskedPast, TemporalReads

_WHERE = (
    *("type", "id", "idPattern", "attrs", "pick", "q", "scopeQ", "georel", "geometry", "coordinates", "geoproperty"),
    *("bbox", "csf", "expandValues", "jsonKeys", "local", "splitEntities", "orderBy", "orderFrom", "collation"),
    *("timerel", "timeAt", "endTimeAt", "timeproperty", "lastN", "datasetId"),
)


class MapResources:
    """Handlers of the entity maps of one tenant, and of what is asked through them."""

    def __init__(
        self, maps: EntityMaps, entities: Entities, sharing: Sharing, reads: DistributedReads, past: TemporalReads
    ) -> None:
        self._maps, self._entities, self._sharing, self._reads, self._past = maps, entities, sharing, reads, past
        self._pages = MapPages(maps)

    async def create(self, request: Request) -> Response:
        return await self._made(request, await self._asked(request))

    async def create_by_body(self, request: Request) -> Response:
        return await self._made(request, await self._asked_in_body(request))

    async def create_temporal(self, request: Request) -> Response:
        return await self._made(request, self._past_question(request, await self._past.asked(request)))

    async def create_temporal_by_body(self, request: Request) -> Response:
        return await self._made(request, self._past_question(request, await self._past.asked_in_body(request)))

    async def _made(self, request: Request, question: Question) -> Response:
        accepted_json(request)
        made = await self._pages.make(question)
        response = await self._shown(request, made, 201)
        response.headers.append((b"ngsild-entitymap", location(made.id).encode()))
        return self._sharing.warn(response, question.warnings)

    async def _shown(self, request: Request, made: EntityMap, status: int = 200) -> Response:
        """The EntityMap data type of clause 5.2.39."""
        entries = await self._maps.part(made.id, 0, ENTITY_MAP_MAX_ENTITIES)
        shown = {
            "id": made.id,
            "type": "EntityMap",
            "expiresAt": to_iso(made.expires),
            "entityMap": {one.entity_id: list(one.sources) for one in entries},
            "linkedMaps": made.linked,
        }
        return answer(request, shown, await self._sharing.broker.contexts.get(link_context(request)), status)

    async def get(self, request: Request) -> Response:
        accepted_json(request)
        return await self._shown(request, await self._maps.get(check_id(request.parts[1]), owner_of(request.caller)))

    async def update(self, request: Request) -> Response:
        """Clause 5.14.2: of what a client may say only `expiresAt` is not output-only."""
        made = await self._own(request)
        data, _ = await read_payload(request, self._sharing.broker.contexts)
        if not isinstance(data, dict) or data.get("type", "EntityMap") != "EntityMap":
            raise BadRequest('an entity map has "type": "EntityMap"')
        if "expiresAt" in data:
            now, wanted = self._maps.clock.now(), from_iso(check_time(data["expiresAt"], "expiresAt"))
            if wanted <= now:
                raise BadRequest("expiresAt is over already")
            most = until(None, now, ENTITY_MAP_LIFETIME_MAX_S, ENTITY_MAP_LIFETIME_MAX_S)
            await self._maps.extend(made.id, min(wanted, most))
        return NO_CONTENT

    async def delete(self, request: Request) -> Response:
        await self._maps.delete((await self._own(request)).id)
        return NO_CONTENT

    async def _own(self, request: Request) -> EntityMap:
        """The map to be changed: by who made it, or by who manages maps. Raises NotFound."""
        return await self._maps.get(check_id(request.parts[1]), owner_of(request.caller))

    async def query(self, request: Request, without: Handler) -> Response:
        """GET /entities; `without` answers when no map is wanted."""
        if not wants_map(request, request.query):
            return await without(request)
        return await self._pages.page(await self._asked(request))

    async def query_by_body(self, request: Request, without: Handler) -> Response:
        """POST /entityOperations/query."""
        outside = b"ngsild-entitymap" in request.headers or b"entityMap" in request.raw_query
        if not outside and b'"entityMap"' not in await request.body():
            return await without(request)
        question = await self._asked_in_body(request)
        return await (self._pages.page(question) if wants_map(request, question.given) else without(request))

    async def query_past(self, request: Request, without: Handler) -> Response:
        """GET /temporal/entities."""
        if not wants_map(request, request.query):
            return await without(request)
        return await self._pages.page(self._past_question(request, await self._past.asked(request)))

    async def query_past_by_body(self, request: Request, without: Handler) -> Response:
        """POST /temporal/entityOperations/query."""
        asked = await self._past.asked_in_body(request)
        if not wants_map(request, asked.given):
            return await without(request)
        return await self._pages.page(self._past_question(request, asked))

    async def purge(self, request: Request, without: Handler) -> Response:
        """DELETE /entities: with a map nothing but what is in it goes (clause 6.4.3.3)."""
        named = named_map(request)
        if named is None:
            return await without(request)
        if is_shared(request) and len(self._sharing.federation):
            raise UnprocessableOp("a purge by an entity map is done here alone: with local=true")
        made = await self._maps.get(named, owner_of(request.caller))
        entries = await self._maps.part(made.id, 0, ENTITY_MAP_MAX_ENTITIES)
        response = await self._entities.purge(request, {one.entity_id for one in entries})
        return Response(response.status, b"", [(b"ngsild-entitymap", location(made.id).encode())])

    async def retrieve(self, request: Request, without: Handler) -> Response:
        """GET /entities/{id}: only the sources in the map that is named are asked (clause 5.7.1.4)."""
        if not wants_map(request, request.query):
            return await without(request)
        identifier, owner = check_id(request.parts[1]), owner_of(request.caller)
        named = named_map(request)
        made = None if named is None else await self._maps.find(named, owner)
        if made is None or made.temporal:
            made = await self._map_of_one(request, identifier)
        entry = await self._maps.of_entity(made.id, identifier)
        only = frozenset(entry.sources if entry is not None else ())
        response = await (self._reads.get(request, only) if is_shared(request) else without(request))
        response.headers.append((b"ngsild-entitymap", location(made.id).encode()))
        return response

    async def _map_of_one(self, request: Request, identifier: str) -> EntityMap:
        context = await self._sharing.broker.contexts.get(link_context(request))
        here = await self._sharing.broker.store.list_by_id([identifier])
        there = await self._reads.sources_of(request, identifier, context) if is_shared(request) else []
        sources = (*([LOCAL] if here else []), *there)
        now = self._maps.clock.now()
        expires = until(request.query.get("entityMapLifetime"), now, ENTITY_MAP_LIFETIME_S, ENTITY_MAP_LIFETIME_MAX_S)
        made = EntityMap(False, identifier, expires, {}, request.caller.name)
        await self._maps.create(made, [Entry(identifier, sources)] if sources else [])
        return made

    async def _asked(self, request: Request) -> EntityQuestion:
        check_geometry_property(request)
        context = await self._sharing.broker.contexts.get(link_context(request))
        return self._question(request, asked_for_many(request.raw_query, context), request.query, context, {})

    async def _asked_in_body(self, request: Request) -> EntityQuestion:
        data, context = await read_payload(request, self._sharing.broker.contexts)
        return self.question_of(request, data, context)

    def question_of(self, request: Request, data: Any, context: Context) -> EntityQuestion:
        """What a Query asks, here and at other brokers. Raises BadRequest, Forbidden."""
        asked, given = asked_in_body(request, data, context)
        return self._question(request, asked, given, context, data)

    def _question(
        self, request: Request, asked: Asked, given: Given, context: Context, data: Mapping[str, Any]
    ) -> EntityQuestion:
        broker = self._sharing.broker
        whole = (
            request.caller.everything
        )  # which entities of others somebody may find, nobody knows before they are read
        shared = bool(len(self._sharing.federation)) and whole and is_shared(request)
        query = broker.restrict(request.caller, asked.query)
        asked = Asked(query, asked.form, asked.join, asked.rest)
        return EntityQuestion(
            request=request,
            given=given,
            limit=query.limit,
            offset=query.offset,
            count=query.count,
            rest=asked.rest,
            path="entities",
            temporal=False,
            text=_text(given, data, context.source),
            asked=asked,
            context=context,
            sharing=self._sharing,
            reads=self._reads,
            shared=shared,
            split=shared and flag(given, "splitEntities"),
        )

    def _past_question(self, request: Request, asked: AskedPast) -> TemporalQuestion:
        """Raises UnprocessableOp where others tell of the past too: which of theirs it is about nobody could say."""
        if is_shared(request) and any(one.is_temporal for one in self._sharing.federation.every()):
            raise UnprocessableOp("an entity map of the past is made of this broker alone: with local=true")
        search = asked.search
        return TemporalQuestion(
            request=request,
            given=asked.given,
            limit=search.limit,
            offset=search.offset,
            count=search.count,
            rest=rest_of(request.raw_query),
            path="temporal/entities",
            temporal=True,
            text=_text(asked.given, asked.body, asked.view.form.context.source),
            asked=asked,
            reads=self._past,
        )


def _text(given: Given, data: Mapping[str, Any], source: Any) -> str:
    """The same for the same entities asked for."""
    said = {name: given[name] for name in _WHERE if given.get(name)}
    body = {name: data[name] for name in ("entities", "temporalQ") if name in data}
    return msgspec.json.encode([said, body, source], order="sorted").decode()
