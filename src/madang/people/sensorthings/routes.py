"""/sensorthings/v1.1: the same entities, as clients of OGC SensorThings expect them. To be read only."""

from __future__ import annotations

import re
from typing import Any

from madang.base.errors import MadangError, NotFound, TooManyResults
from madang.base.limits import QUERY_MAX_PAGE, SENSORTHINGS_MAX_ENTITIES
from madang.context.observed import Observed
from madang.context.query import Cursor, Query
from madang.context.row import Row
from madang.history.past import Past
from madang.history.search import evolutions
from madang.history.window import Window
from madang.model.entity import Entity
from madang.model.kinds import check_id
from madang.people.http import Request, Response, nothing_here, pick_method, problem
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.contexts import base_of
from madang.people.sensorthings.asking import Asked, asked_of, bare, dressed, page, told
from madang.people.sensorthings.mapping import (
    NAVIGATION,
    ONE_OF,
    SETS,
    Item,
    items,
    observation,
    property_of,
    related,
    senses,
)
from madang.trust.caller import Caller

PREFIX = "/sensorthings/v1.1"
_MEMBER = re.compile(r"(\w+)\('(.*)'\)", re.DOTALL)
_SENSING = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
KINDS = {
    "Things": "things",
    "Sensors": "things",
    "Locations": "places",
    "FeaturesOfInterest": "places",
    "Datastreams": "series",
    "Observations": "series",
    "ObservedProperties": "names",
}
_CONFORMS = [_SENSING + name for name in ("datamodel", "resource-path/resource-path-to-entities", "request-data")]


def as_seen(caller: Caller, rows: list[Row]) -> list[Entity]:
    """The entities with what of them is open to the caller."""
    if caller.everything:
        return [row.entity for row in rows]
    seen = ((row.entity, caller.reads.of(row.entity)) for row in rows)
    return [
        Entity(one.id, one.types, {name: value for name, value in one.body.items() if name in opened})
        for one, opened in seen
        if not opened.empty
    ]


class SensorThings:
    """Everything below `/sensorthings/v1.1`, of the city itself."""

    def __init__(self, broker: Broker, past: Past, observed: Observed) -> None:
        self._broker, self._past, self._observed = broker, past, observed

    async def handle(self, request: Request) -> Response:
        try:
            return await pick_method(request, {"GET": self._get})(request)
        except MadangError as error:
            return problem(error, b"application/json")

    async def _get(self, request: Request) -> Response:
        """Raises Forbidden, NotFound, BadRequest, TooManyResults."""
        request.caller.require("read", "sensorthings")
        base = base_of(request) + PREFIX
        match request.parts:
            case []:
                sets = [{"name": name, "url": f"{base}/{name}"} for name in SETS]
                return Response.json({"value": sets, "serverSettings": {"conformance": _CONFORMS}})
            case [name] if name in SETS:
                return Response.json(await self._page(request, asked_of(request.query, name), base, name))
            case [member, *further] if (found := _MEMBER.fullmatch(member)) and found[1] in SETS and len(further) < 2:
                item = await self._member(
                    request.caller, found[1], found[2].replace("''", "'"), "$expand" in request.query
                )
                return await self._shown(request, found[1], item, further, base)
        raise nothing_here(request)

    async def _page(
        self, request: Request, asked: Asked, base: str, path: str, attribute: str | None = None
    ) -> dict[str, Any]:
        """A page of a set (of one attribute, if given): read as a page by the database, unless it is to be sifted, sorted, cut
        down to what the caller may see or, for properties, expanded, which takes the whole set. Raises TooManyResults."""
        name, given = asked.set_name, request.query
        caller, sifted = request.caller, asked.test is not None or asked.order
        if sifted or not caller.everything or (name == "ObservedProperties" and asked.expand):
            whole = [one for one in items(name, await self._all(caller)) if attribute in (None, one.attribute)]
            return page(whole, asked, base, path, given)
        found = await self._observed.page(
            KINDS[name], await self._types(), asked.top, asked.skip, count=asked.count, name=attribute
        )
        chosen = [(one, bare(one, name, base)) for one in await self._items(name, found.pairs)]
        return told(chosen, found.more, found.total, asked, base, path, given)

    async def _items(self, name: str, pairs: list[tuple[str | None, str | None]]) -> list[Item]:
        """What was found, as far as it still is there."""
        if name == "ObservedProperties":
            return [property_of(attribute) for _, attribute in pairs if attribute is not None]
        rows = await self._broker.store.list_by_id(list(dict.fromkeys(one for one, _ in pairs if one is not None)))
        members = {(one.owners[0].id, one.attribute): one for row in rows for one in items(name, [row.entity])}
        return [members[pair] for pair in pairs if pair in members]

    async def _types(self) -> tuple[str, ...]:
        return tuple(name for name in await self._broker.discovery.types() if senses(name))

    async def _shown(self, request: Request, name: str, item: Item, further: list[str], base: str) -> Response:
        if not further:
            asked = asked_of(request.query, name)
            return Response.json(dressed(item, bare(item, name, base), asked, base))
        (way,) = further
        if way not in NAVIGATION[name]:
            raise nothing_here(request)
        target = ONE_OF.get(way, way)
        asked = asked_of(request.query, target)
        if name == "ObservedProperties":
            path = "/".join(request.scope["path"].split("/")[3:])
            return Response.json(await self._page(request, asked, base, path, item.attribute))
        reached = (
            await self._observations(request.caller, item)
            if (name, way) == ("Datastreams", "Observations")
            else related(item, way)
        )
        if way not in ONE_OF:
            path = "/".join(request.scope["path"].split("/")[3:])
            return Response.json(page(reached, asked, base, path, request.query))
        if not reached:
            raise NotFound(f"{item.id} has no {way}")
        return Response.json(dressed(reached[0], bare(reached[0], target, base), asked, base))

    async def _member(self, caller: Caller, name: str, identifier: str, expanded: bool) -> Item:
        """One member of a set, of which only the entity behind it is read. Raises NotFound."""
        if name == "ObservedProperties":
            return await self._property(caller, identifier, expanded)
        entities = await self._of(caller, identifier.split(";")[0])
        for item in items(name, entities):
            if item.id == identifier:
                return item
        for stream in items("Datastreams", entities) if name == "Observations" else []:
            if identifier.startswith(f"{stream.id};"):
                past = [one for one in await self._observations(caller, stream) if one.id == identifier]
                if past:
                    return past[0]
        raise NotFound(f"no {identifier[:200]} among {name}")

    async def _property(self, caller: Caller, identifier: str, expanded: bool) -> Item:
        """With its owners, if `expanded`. Raises NotFound, TooManyResults."""
        if not caller.everything:
            known = [one for one in items("ObservedProperties", await self._all(caller)) if one.id == identifier]
            if known:
                return known[0]
            raise NotFound(f"no {identifier[:200]} among ObservedProperties")
        if "\0" not in identifier:
            found = await self._observed.page(
                "series", await self._types(), SENSORTHINGS_MAX_ENTITIES if expanded else 1, name=identifier
            )
            if found.more and expanded:
                raise TooManyResults(
                    f"more than {SENSORTHINGS_MAX_ENTITIES} entities have it: ask for its Datastreams in pages"
                )
            ids = [one for one, _ in found.pairs if one is not None]
            if ids:
                rows = await self._broker.store.list_by_id(ids) if expanded else []
                return property_of(identifier, (row.entity for row in rows))
        raise NotFound(f"no {identifier[:200]} among ObservedProperties")

    async def _observations(self, caller: Caller, stream: Item) -> list[Item]:
        """All that history knows of a Datastream, the newest first; of a caller to whom the past is closed, the newest alone.
        Raises TooManyResults."""
        (entity,), attribute = stream.owners, stream.attribute or ""
        if attribute not in caller.sight("history").of(entity):
            return [one for one in items("Observations", [entity]) if one.attribute == attribute]
        found, _ = await evolutions(
            self._past.history, [entity.id], Window(), frozenset({attribute}), frozenset({None})
        )
        events = found[entity.id].get(attribute, [])
        return [observation(entity, attribute, event[3]) for event in reversed(events) if "value" in event[3]]

    async def _of(self, caller: Caller, identifier: str) -> list[Entity]:
        rows = await self._broker.store.list_by_id([check_id(identifier)])
        return [one for one in as_seen(caller, rows) if any(map(senses, one.types))]

    async def _all(self, caller: Caller) -> list[Entity]:
        """Every entity that senses, as the caller sees it. Raises TooManyResults."""
        types = tuple(name for name in await self._types() if not caller.reads.of_types((name,)).blind)
        sight = caller.reads.filter(frozenset(), types)
        found: list[Entity] = []
        after: Cursor | None = None
        while types:
            read = await self._broker.store.find(Query(types=types, limit=QUERY_MAX_PAGE, after=after, sight=sight))
            found += as_seen(caller, read.rows)
            if len(found) > SENSORTHINGS_MAX_ENTITIES:
                raise TooManyResults(f"more than {SENSORTHINGS_MAX_ENTITIES} entities sense: ask for one of them")
            if not read.more:
                break
            after = read.last
        return found
