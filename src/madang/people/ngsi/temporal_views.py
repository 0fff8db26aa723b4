"""What of an evolution is shown, and to whom (clauses 4.5.7, 4.21)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from madang.base.clock import short_iso
from madang.base.errors import BadRequest, NotFound
from madang.context.query import Query
from madang.context.store import Store
from madang.history.elsewhere import Part
from madang.history.represent import View, represent
from madang.history.search import Datasets, Found, of_datasets
from madang.history.store import Known
from madang.model.formula import FALSE, TRUE, of_types
from madang.model.ordering import Term
from madang.model.sight import Filter, Opened
from madang.trust.caller import Caller

_MEMBERS = frozenset({"id", "type"})
_NOTHING, _EVERYTHING = Opened(frozenset()), Opened(frozenset(), rest=True)


def in_datasets(part: Part, datasets: Datasets | None) -> Part:
    """The part with those data sets alone; None for all."""
    found = Found(part.found.id, part.found.known, of_datasets(part.found.evolution, datasets))
    return replace(part, found=found)


def picked(part: Part, names: frozenset[str] | None) -> Part:
    """The part with those attributes alone; None for all."""
    kept = {name: events for name, events in part.found.evolution.items() if names is None or name in names}
    return replace(part, found=Found(part.found.id, part.found.known, kept))


def represent_all(found: list[Found], view: View) -> list[dict[str, Any]]:
    """Each as JSON in the form asked for."""
    return [with_times(represent(one.id, one.known.types, one.evolution, view), one.known, view) for one in found]


def with_times(shown: dict[str, Any], known: Known, view: View) -> dict[str, Any]:
    """With the times of the entity itself, where they are asked for."""
    if view.form.sys_attrs and shown:
        shown |= {"createdAt": short_iso(known.first), "modifiedAt": short_iso(known.last)}
        if known.deleted:
            shown["deletedAt"] = short_iso(known.last)
    return shown


def names_of(view: View, opened: Opened = _EVERYTHING) -> frozenset[str] | None:
    """The attributes worth reading; None for all, of which some may be hidden."""
    chosen = None if view.pick is None or view.pick <= _MEMBERS else view.pick - _MEMBERS
    if chosen is None:
        return None if opened.rest else opened.names
    return frozenset(name for name in chosen if name in opened)


class Sights:
    """What a caller may see of the past: by the rules of the present, of an entity as it is now. Of one that is gone only what
    does not depend on where it is and whose."""

    def __init__(self, store: Store, caller: Caller) -> None:
        self._store, self._sight = store, caller.sight("history")

    async def of(self, known: Mapping[str, Known]) -> dict[str, Opened]:
        """The open attributes of each entity."""
        out = {identifier: self._sight.of_types(one.types).opened for identifier, one in known.items()}
        unsure = [identifier for identifier, opened in out.items() if opened is None]
        rows = {row.entity.id: row.entity for row in await self._store.list_by_id(unsure)} if unsure else {}
        return {
            name: _NOTHING if one is None and name not in rows else one or self._sight.of(rows[name])
            for name, one in out.items()
        }

    async def of_one(self, identifier: str, known: Known) -> Opened:
        """Raises NotFound when nothing is open, so that existence does not leak."""
        opened = (await self.of({identifier: known}))[identifier]
        if opened.empty:
            raise NotFound(f"no history of {identifier}")
        return opened

    async def let_through(self, sight: Filter, known: Mapping[str, Known]) -> set[str]:
        """The ids of those that may be found."""
        judged = {identifier: of_types(sight.formula, one.types) for identifier, one in known.items()}
        unsure = [identifier for identifier, formula in judged.items() if formula not in (TRUE, FALSE)]
        rows = await self._store.list_by_id(unsure) if unsure else []
        return {name for name, formula in judged.items() if formula == TRUE} | {
            row.entity.id for row in rows if row.passes(sight)
        }


def terms_of(query: Query) -> tuple[Term, ...]:
    """What to order by. Raises BadRequest for what the past cannot be ordered by."""
    if query.order is None:
        return ()
    if query.order.distance is not None or query.order.collation is not None:
        raise BadRequest("the past is ordered by members only, neither by distance nor in a language")
    return query.order.terms


def as_seen(one: Found, opened: Opened) -> Found:
    """What is open of it."""
    if opened.whole:
        return one
    return Found(one.id, one.known, {name: events for name, events in one.evolution.items() if name in opened})
