"""Pages of a query through an entity map: every entity on one page only, pages full (clauses 5.5.9.3, 5.7.2.4, 6.4.3.2)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from madang.base.errors import BadRequest
from madang.base.limits import ENTITY_MAP_LIFETIME_MAX_S, ENTITY_MAP_LIFETIME_S, QUERY_MAX_PAGE
from madang.context.entity_maps import EntityMap, EntityMaps, Entry
from madang.people.http import Request, Response
from madang.people.ngsi.asked import PREFIX, page_turns
from madang.people.ngsi.lifetimes import until
from madang.people.ngsi.parameters import Given
from madang.people.ngsi.queries import flag
from madang.people.ngsi.sharing import Warnings
from madang.trust.caller import Caller


@dataclass(slots=True)
class Candidates:
    """What a query found: entities, the maps that sources made of it, and what went wrong there."""

    entries: list[Entry] = field(default_factory=list)
    linked: dict[str, str] = field(default_factory=dict)
    warnings: Warnings = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Question(ABC):
    """A query whose answer goes out in pages."""

    request: Request
    given: Given
    limit: int
    offset: int
    count: bool
    rest: str
    path: str
    temporal: bool
    text: str
    """The same for the same query, whatever its page and form."""
    warnings: Warnings = field(default_factory=list)

    @abstractmethod
    async def candidates(self) -> Candidates:
        """Everything it finds now. Raises BadRequest, TooManyResults."""

    @abstractmethod
    async def fitting(self, made: EntityMap, entries: Sequence[Entry]) -> dict[str, Any]:
        """Those of `entries` that meet the query now, by id."""

    @abstractmethod
    async def shown(self, found: list[Any]) -> Response: ...


def owner_of(caller: Caller) -> str | None:
    """Whose maps a caller may use: its own, or with the right to manage them all."""
    return None if caller.may("manage", "maps") else caller.name


def location(identifier: str) -> str:
    return f"{PREFIX}/entityMaps/{identifier}"


def named_map(request: Request) -> str | None:
    """The id in the NGSILD-EntityMap field, which holds the URI of the resource, or the id alone."""
    text = request.header(b"ngsild-entitymap")
    return unquote(text.rsplit("/entityMaps/", 1)[-1]) if text else None


def wants_map(request: Request, given: Given) -> bool:
    """Raises BadRequest."""
    return flag(given, "entityMap") or b"ngsild-entitymap" in request.headers


class MapPages:
    """Answers questions through the maps of one tenant."""

    def __init__(self, maps: EntityMaps) -> None:
        self._maps = maps

    async def make(self, question: Question) -> EntityMap:
        """A new map. Raises BadRequest, TooManyResults."""
        asked, now = question.given.get("entityMapLifetime"), self._maps.clock.now()
        expires = until(asked, now, ENTITY_MAP_LIFETIME_S, ENTITY_MAP_LIFETIME_MAX_S)
        found = await question.candidates()
        made = EntityMap(question.temporal, question.text, expires, found.linked, question.request.caller.name)
        await self._maps.create(made, found.entries)
        question.warnings += found.warnings
        return made

    async def page(self, question: Question) -> Response:
        """One page; 201 when the map was made for it."""
        if not question.limit and not question.count:
            raise BadRequest("limit: 0 only together with count=true")
        made, status = await self._used(question), 200
        if made is None:
            made, status = await self.make(question), 201
        found, following = await self._walk(question, made)
        response = await question.shown(found)
        response.status = status
        response.headers.append((b"ngsild-entitymap", location(made.id).encode()))
        if question.count:
            response.headers.append((b"ngsild-results-count", str(await self._maps.count(made.id)).encode()))
        response.headers += page_turns(question.path, question.rest, question.limit, question.offset, following)
        return response

    async def _used(self, question: Question) -> EntityMap | None:
        """The map that the request names, unless it is over, not there, or of another kind."""
        named = named_map(question.request)
        found = None if named is None else await self._maps.find(named, owner_of(question.request.caller))
        return found if found is not None and found.temporal == question.temporal else None

    async def _walk(self, question: Question, made: EntityMap) -> tuple[list[Any], int | None]:
        """The page, and where in the map the next one begins; None after the last. What fits no more goes out of the map,
        which leaves the offsets of all that follow as they are told here; for another query than its own it stays in."""
        found: list[Any] = []
        gone: list[str] = []
        at, following, size = question.offset, None, question.limit + 1
        while following is None:
            entries = await self._maps.part(made.id, at, size)
            if not entries:
                break
            fitting = await question.fitting(made, entries)
            for place, entry in enumerate(entries, at):
                if entry.entity_id not in fitting:
                    gone.append(entry.entity_id)
                elif len(found) < question.limit:
                    found.append(fitting[entry.entity_id])
                else:
                    following = place
                    break
            at, size = at + len(entries), QUERY_MAX_PAGE
        if gone and made.question == question.text:
            await self._maps.remove(made.id, gone)
            following = None if following is None else following - len(gone)
        return found, following
