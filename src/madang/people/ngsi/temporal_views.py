"""What of an evolution is shown, and to whom (clauses 4.5.7, 4.21)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from madang.base.clock import short_iso
from madang.base.errors import BadRequest, NotFound
from madang.context.query import Query
from madang.history.elsewhere import Part
from madang.history.evolution import Evolution
from madang.history.represent import View, represent
from madang.history.search import Datasets, Found, of_datasets
from madang.history.store import Known
from madang.model.ordering import Term
from madang.people.http import Request

_MEMBERS = frozenset({"id", "type"})


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


def names_of(view: View, granted: frozenset[str] | None) -> frozenset[str] | None:
    """The attributes worth reading; None for all."""
    chosen = None if view.pick is None or view.pick <= _MEMBERS else view.pick - _MEMBERS
    return chosen if granted is None else granted if chosen is None else chosen & granted


def open_to(request: Request, known: Known, identifier: str) -> frozenset[str] | None:
    """The attributes the caller may read. Raises NotFound, so that existence does not leak."""
    if request.caller.everything:
        return None
    granted = request.caller.attributes("read", known.types)
    if granted is not None and not granted:
        raise NotFound(f"no history of {identifier}")
    return granted


def terms_of(query: Query) -> tuple[Term, ...]:
    """What to order by. Raises BadRequest for what the past cannot be ordered by."""
    if query.order is None:
        return ()
    if query.order.distance is not None or query.order.collation is not None:
        raise BadRequest("the past is ordered by members only, neither by distance nor in a language")
    return query.order.terms


def as_seen(request: Request, one: Found) -> Found:
    """What the caller may see of it."""
    if request.caller.everything:
        return one
    granted = request.caller.attributes("read", one.known.types)
    evolution: Evolution = {
        name: events for name, events in one.evolution.items() if granted is None or name in granted
    }
    return Found(one.id, one.known, evolution)
