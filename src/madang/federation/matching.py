"""Which registrations are asked for, by what they say of themselves too (clauses 5.10.2, 5.11.2, 5.12), pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from madang.base.clock import from_iso
from madang.base.errors import BadRequest
from madang.federation.index import Index, Known
from madang.model.context import Context
from madang.model.evaluate import satisfies
from madang.model.geometry import GeoQuery
from madang.model.kinds import check_time
from madang.model.query import Node
from madang.model.registration_names import renamed_registration
from madang.model.sources import Spec, matching_information

Interval = tuple[str, str | None, str | None]
TEMPORAL = ("timerel", "timeAt", "endTimeAt", "timeproperty")


@dataclass(frozen=True)
class SourceQuery:
    """Any of `specs` and every condition; without an interval sources of the present are meant."""

    specs: tuple[Spec, ...]
    conditions: tuple[Node, ...] = ()
    geo: GeoQuery | None = None
    interval: Interval | None = None

    def accepts(self, known: Known) -> bool:
        """Whether the conditions hold; the specs are not asked."""
        says = all(satisfies(known.properties, node) for node in self.conditions)
        return says and in_area(known, self.geo) and in_time(known, self.interval)

    def information(self, known: Known) -> list[int]:
        """Positions of the elements of `information` that match; empty when it is not meant."""
        if not self.accepts(known):
            return []
        return sorted({at for spec in self.specs for at in matching_information(known.registration, spec)})


def search(index: Index, query: SourceQuery, now: str) -> list[Known]:
    """Those that match and are not over at `now`, in the order of their ids."""
    found = {known.registration.id: known for spec in query.specs for known in index.find(spec, now)}
    return [found[name] for name in sorted(found) if query.accepts(found[name])]


def shown(known: Known, query: SourceQuery, context: Context) -> dict[str, Any]:
    """The part of a registration that a query is about (clause 5.11.7), in the names of `context`; types are always a list."""
    part = known.data | {"information": [_listed(known.data["information"][at]) for at in query.information(known)]}
    return renamed_registration(part, lambda name: context.compact(known.context.expand(name)))


def _listed(information: dict[str, Any]) -> dict[str, Any]:
    if "entities" not in information:
        return information
    entities = [
        one | {"type": [one["type"]] if isinstance(one["type"], str) else one["type"]}
        for one in information["entities"]
    ]
    return information | {"entities": entities}


def in_area(known: Known, geo: GeoQuery | None) -> bool:
    """Whether the area of the source, if it names one, satisfies a geo-query."""
    if geo is None:
        return True
    place = known.data.get(geo.attribute)
    return place is not None and bool(geo.matches(place))


def interval_of(given: Mapping[str, Any]) -> Interval | None:
    """`(member of a registration, start, end)` that a temporal query asks for (clause 4.11); open ends are None.

    Raises BadRequest.
    """
    if not given.get("timerel"):
        if given:
            raise BadRequest("a temporal query has a timerel")
        return None
    relation, at = given["timerel"], check_time(given.get("timeAt"), "timeAt")
    kind = given.get("timeproperty", "observedAt")
    member = "observationInterval" if kind == "observedAt" else "managementInterval"
    if relation == "before":
        return member, None, at
    if relation == "after":
        return member, at, None
    if relation != "between":
        raise BadRequest("timerel: before, after or between")
    return member, at, check_time(given.get("endTimeAt"), "endTimeAt")


def in_past(known: Known, interval: Interval | None) -> bool:
    """Whether the source tells of the past, of that interval if there is one."""
    return known.registration.is_temporal if interval is None else in_time(known, interval)


def in_time(known: Known, interval: Interval | None) -> bool:
    """Without a temporal query a source of the present is meant, with one a source whose interval overlaps."""
    if interval is None:
        return not known.registration.is_temporal
    member, start, end = interval
    held = known.data.get(member)
    if held is None:
        return False
    begins, ends = from_iso(held["startAt"]), from_iso(held["endAt"]) if "endAt" in held else None
    return (end is None or begins <= from_iso(end)) and (start is None or ends is None or ends >= from_iso(start))
