"""From the parameters of a query over registrations to those it finds (clauses 5.10.2, 5.12)."""

from __future__ import annotations

from typing import Any

from madang.base.clock import from_iso
from madang.base.errors import BadRequest
from madang.federation.federation import Federation
from madang.federation.index import Known
from madang.model.context import Context
from madang.model.evaluate import satisfies
from madang.model.kinds import check_id, check_time
from madang.model.query import Node, parse_query
from madang.model.selection import parse_types
from madang.model.sources import Spec
from madang.people.ngsi.parameters import Given
from madang.people.ngsi.queries import geo_query, names, pattern


def select_sources(given: Given, context: Context, federation: Federation) -> list[Known]:
    """Raises BadRequest, also for a query that names neither types nor attributes nor ids nor q."""
    spec = Spec(
        tuple(check_id(one) for one in given["id"].split(",")) if given.get("id") else (),
        pattern(given.get("idPattern")),
        selection.words if (selection := parse_types(given.get("type", ""), context)) else (),
        names(given.get("attrs"), context),
    )
    q = parse_query(given["q"], context) if given.get("q") else None
    csf = parse_query(given["csf"], context) if given.get("csf") else None
    geo = _geo(given, context)
    interval = interval_of({name: given[name] for name in TEMPORAL if given.get(name)})
    if not (spec.types or spec.names or spec.ids or q or given.get("type") == "*"):
        raise BadRequest("a query of registrations names at least one of type, attrs, id or q")
    return [
        known
        for known in federation.find(spec)
        if _says(known, q) and _says(known, csf) and in_area(known, geo) and in_time(known, interval)
    ]


def _says(known: Known, node: Node | None) -> bool:
    return node is None or satisfies(known.properties, node)


def _geo(given: Given, context: Context) -> Any:
    if not any(given.get(name) for name in ("georel", "geometry", "coordinates")):
        return None
    if not all(given.get(name) for name in ("georel", "geometry", "coordinates")):
        raise BadRequest("a geo-query needs georel, geometry and coordinates")
    attribute = given.get("geoproperty") or None
    return geo_query(given["georel"], given["geometry"], given["coordinates"], attribute, context)


def in_area(known: Known, geo: Any) -> bool:
    """Whether the area of the source, if it names one, satisfies a geo-query."""
    if geo is None:
        return True
    place = known.data.get(geo.attribute)
    return place is not None and bool(geo.matches(place))


TEMPORAL = ("timerel", "timeAt", "endTimeAt", "timeproperty")
Interval = tuple[str, str | None, str | None]


def interval_of(given: Given) -> Interval | None:
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
