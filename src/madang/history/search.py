"""Entities by their past (clause 5.7.4): candidates by id and type, everything else asked of their evolution."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from madang.base.errors import TooManyResults
from madang.base.limits import HISTORY_MAX_CANDIDATES, HISTORY_MAX_EVENTS, HISTORY_READ_ENTITIES
from madang.history.evolution import Collector, Evolution
from madang.history.order import ordered
from madang.history.store import Candidates, History, Known
from madang.history.window import Window
from madang.model.evaluate import satisfies
from madang.model.geometry import GeoQuery
from madang.model.ordering import Term
from madang.model.patterns import found_in
from madang.model.query import Node
from madang.model.selection import Selection

Datasets = frozenset[str | None]


@dataclass(frozen=True)
class Search:
    """`meant`: whether an entity with that id and types is asked for at all; `attrs`: any
    of them must have an instance in the window. `show`: the attributes whose instances are wanted beside
    those the conditions need; None for all. Names are internal. `let_through`: which of those who asks may find."""

    candidates: Candidates
    window: Window
    attrs: tuple[str, ...] = ()
    show: frozenset[str] | None = None
    needed: frozenset[str] = frozenset()
    q: Node | None = None
    geo: GeoQuery | None = None
    scopes: Selection | None = None
    meant: Callable[[str, list[str]], bool] = lambda _id, _types: True
    datasets: Datasets | None = None
    order: tuple[Term, ...] = ()
    limit: int = 20
    offset: int = 0
    count: bool = False
    let_through: Callable[[Mapping[str, Known]], Awaitable[Collection[str]]] | None = None


@dataclass(slots=True)
class Found:
    id: str
    known: Known
    evolution: Evolution


@dataclass(slots=True)
class Page:
    found: list[Found] = field(default_factory=list)
    total: int | None = None
    more: bool = False


async def evolutions(
    history: History, ids: list[str], window: Window, names: frozenset[str] | None, datasets: Datasets | None = None
) -> tuple[dict[str, Evolution], dict[str, set[str]]]:
    """The evolution of each entity within the window, and every attribute name met on the way. Raises TooManyResults."""
    collectors = {identifier: Collector(window, names) for identifier in ids}
    async for identifier, rows in history.rows(ids, window, names):
        collectors[identifier].add(rows)
        if sum(collector.size for collector in collectors.values()) > HISTORY_MAX_EVENTS:
            raise TooManyResults("too many instances: ask for a shorter time, or for fewer attributes")
    found = {identifier: of_datasets(collector.evolution(), datasets) for identifier, collector in collectors.items()}
    return found, {identifier: collector.seen for identifier, collector in collectors.items()}


def of_datasets(evolution: Evolution, datasets: Datasets | None) -> Evolution:
    """Without instances of other data sets; None: all."""
    if datasets is None:
        return evolution
    kept = {
        name: [event for event in events if event[3].get("datasetId") in datasets] for name, events in evolution.items()
    }
    return {name: events for name, events in kept.items() if events}


async def search(history: History, asked: Search) -> Page:
    """One page of the entities that match, by id or as ordered. Raises TooManyResults."""
    page, after, seen = Page(), "", 0
    names = None if asked.show is None else asked.show | asked.needed
    wanted = asked.offset + asked.limit + 1
    everything = asked.count or bool(asked.order)
    hits: list[Found] = []
    while everything or len(hits) < wanted:
        ids = await history.candidates(asked.candidates, after, HISTORY_READ_ENTITIES)
        seen += len(ids)
        if seen > HISTORY_MAX_CANDIDATES:
            raise TooManyResults("too many entities come into question: name types or ids")
        hits += await _hits(history, ids, asked, names)
        if len(ids) < HISTORY_READ_ENTITIES:
            break
        after = ids[-1]
    if asked.order:
        hits = ordered(hits, asked.order)
    page.found = [_shown(hit, asked.show) for hit in hits[asked.offset : asked.offset + asked.limit]]
    page.more = len(hits) > asked.offset + asked.limit
    page.total = len(hits) if asked.count else None
    return page


async def _hits(history: History, ids: list[str], asked: Search, names: frozenset[str] | None) -> list[Found]:
    known = await history.known(ids)
    known = {identifier: one for identifier, one in known.items() if asked.meant(identifier, one.types)}
    meant = known if asked.let_through is None else await asked.let_through(known)
    found, _ = await evolutions(history, sorted(meant), asked.window, names, asked.datasets)
    return [
        Found(identifier, known[identifier], evolution)
        for identifier, evolution in found.items()
        if _matches(evolution, asked)
    ]


def _shown(hit: Found, show: frozenset[str] | None) -> Found:
    if show is None:
        return hit
    return Found(hit.id, hit.known, {name: events for name, events in hit.evolution.items() if name in show})


def _matches(evolution: Evolution, asked: Search) -> bool:
    """An entity matches when instances within the window do; not all at the same moment."""
    if not evolution or (asked.attrs and not any(name in evolution for name in asked.attrs)):
        return False
    if asked.q is not None and not satisfies(body_of(evolution), asked.q):
        return False
    if asked.scopes is not None and not _has_scope(evolution, asked.scopes):
        return False
    geo = asked.geo
    return geo is None or any(_is_at(event[3], geo) for event in evolution.get(geo.attribute, []))


def body_of(evolution: Evolution) -> dict[str, Any]:
    """All instances of each attribute, as if they were its data sets."""
    return {name: [event[3] for event in events] for name, events in evolution.items()}


def _has_scope(evolution: Evolution, scopes: Selection) -> bool:
    """Whether the entity had such scopes at some moment within the window (clause 4.19)."""
    return any(scopes.accepts(partial(_matches_one, event[3]["value"])) for event in evolution.get("scope", []))


def _matches_one(scopes: list[str], pattern: str) -> bool:
    return any(found_in(pattern, scope) for scope in scopes)


def _is_at(instance: dict[str, Any], geo: GeoQuery) -> bool:
    return instance["type"] == "GeoProperty" and geo.matches(instance["value"])
