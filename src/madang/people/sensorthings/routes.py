"""/sensorthings/v1.1: the same entities, as clients of OGC SensorThings expect them. To be read only."""

from __future__ import annotations

import re

from madang.base.errors import MadangError, NotFound, TooManyResults
from madang.base.limits import QUERY_MAX_PAGE, SENSORTHINGS_MAX_ENTITIES
from madang.context.store import Query
from madang.history.past import Past
from madang.history.search import evolutions
from madang.history.window import Window
from madang.model.entity import Entity
from madang.model.kinds import check_id
from madang.people.http import Request, Response, nothing_here, pick_method, problem
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.contexts import base_of
from madang.people.sensorthings.asking import asked_of, bare, dressed, page
from madang.people.sensorthings.mapping import NAVIGATION, ONE_OF, SETS, Item, items, observation, related, senses

PREFIX = "/sensorthings/v1.1"
_MEMBER = re.compile(r"(\w+)\('(.*)'\)", re.DOTALL)
_SENSING = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
_CONFORMS = [_SENSING + name for name in ("datamodel", "resource-path/resource-path-to-entities", "request-data")]


class SensorThings:
    """Everything below `/sensorthings/v1.1`, of the city itself."""

    def __init__(self, broker: Broker, past: Past) -> None:
        self._broker, self._past = broker, past

    async def handle(self, request: Request) -> Response:
        try:
            return await pick_method(request, {"GET": self._get})(request)
        except MadangError as error:
            return problem(error, b"application/json")

    async def _get(self, request: Request) -> Response:
        """Grants of apps are about NGSI-LD. Raises Forbidden, NotFound, BadRequest, TooManyResults."""
        request.caller.require("read", "sensorthings")
        base = base_of(request) + PREFIX
        match request.parts:
            case []:
                sets = [{"name": name, "url": f"{base}/{name}"} for name in SETS]
                return Response.json({"value": sets, "serverSettings": {"conformance": _CONFORMS}})
            case [name] if name in SETS:
                asked = asked_of(request.query, name)
                return Response.json(page(items(name, await self._all()), asked, base, name, request.query))
            case [member, *further] if (found := _MEMBER.fullmatch(member)) and found[1] in SETS and len(further) < 2:
                item = await self._member(found[1], found[2].replace("''", "'"))
                return await self._shown(request, found[1], item, further, base)
        raise nothing_here(request)

    async def _shown(self, request: Request, name: str, item: Item, further: list[str], base: str) -> Response:
        if not further:
            asked = asked_of(request.query, name)
            return Response.json(dressed(item, bare(item, name, base), asked, base))
        (way,) = further
        if way not in NAVIGATION[name]:
            raise nothing_here(request)
        target = ONE_OF.get(way, way)
        asked = asked_of(request.query, target)
        reached = (
            await self._observations(item) if (name, way) == ("Datastreams", "Observations") else related(item, way)
        )
        if way not in ONE_OF:
            path = "/".join(request.scope["path"].split("/")[3:])
            return Response.json(page(reached, asked, base, path, request.query))
        if not reached:
            raise NotFound(f"{item.id} has no {way}")
        return Response.json(dressed(reached[0], bare(reached[0], target, base), asked, base))

    async def _member(self, name: str, identifier: str) -> Item:
        """One member of a set, of which only the entity behind it is read. Raises NotFound."""
        entities = await self._all() if name == "ObservedProperties" else await self._of(identifier.split(";")[0])
        for item in items(name, entities):
            if item.id == identifier:
                return item
        for stream in items("Datastreams", entities) if name == "Observations" else []:
            if identifier.startswith(f"{stream.id};"):
                past = [one for one in await self._observations(stream) if one.id == identifier]
                if past:
                    return past[0]
        raise NotFound(f"no {identifier[:200]} among {name}")

    async def _observations(self, stream: Item) -> list[Item]:
        """All that history knows of a Datastream, the newest first. Raises TooManyResults."""
        (entity,), attribute = stream.owners, stream.attribute or ""
        found, _ = await evolutions(
            self._past.history, [entity.id], Window(), frozenset({attribute}), frozenset({None})
        )
        events = found[entity.id].get(attribute, [])
        return [observation(entity, attribute, event[3]) for event in reversed(events) if "value" in event[3]]

    async def _of(self, identifier: str) -> list[Entity]:
        rows = await self._broker.store.list_by_id([check_id(identifier)])
        return [row.entity for row in rows if any(map(senses, row.entity.types))]

    async def _all(self) -> list[Entity]:
        """Every entity that senses. Raises TooManyResults."""
        types = tuple(name for name in await self._broker.discovery.types() if senses(name))
        found: list[Entity] = []
        after: str | None = None
        while types:
            read = await self._broker.store.find(Query(types=types, limit=QUERY_MAX_PAGE, after=after))
            found += [row.entity for row in read.rows]
            if len(found) > SENSORTHINGS_MAX_ENTITIES:
                raise TooManyResults(f"more than {SENSORTHINGS_MAX_ENTITIES} entities sense: ask for one of them")
            if not read.more:
                break
            after = found[-1].id
        return found
