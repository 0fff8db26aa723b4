"""From the parameters of a query over registrations to what it asks for (clauses 5.10.2, 5.12)."""

from __future__ import annotations

from typing import Any

from madang.base.errors import BadRequest
from madang.federation.matching import TEMPORAL, SourceQuery, interval_of
from madang.model.context import Context
from madang.model.kinds import check_id
from madang.model.query import parse_query
from madang.model.selection import parse_types
from madang.model.sources import Spec
from madang.people.ngsi.parameters import Given
from madang.people.ngsi.queries import geo_query, names, pattern


def source_query(given: Given, context: Context) -> SourceQuery:
    """Raises BadRequest, also for a query that names neither types nor attributes nor ids nor q."""
    spec = Spec(
        tuple(check_id(one) for one in given["id"].split(",")) if given.get("id") else (),
        pattern(given.get("idPattern")),
        selection.words if (selection := parse_types(given.get("type", ""), context)) else (),
        names(given.get("attrs"), context),
    )
    conditions = tuple(parse_query(given[name], context) for name in ("q", "csf") if given.get(name))
    geo = _geo(given, context)
    interval = interval_of({name: given[name] for name in TEMPORAL if given.get(name)})
    if not (spec.types or spec.names or spec.ids or given.get("q") or given.get("type") == "*"):
        raise BadRequest("a query of registrations names at least one of type, attrs, id or q")
    return SourceQuery((spec,), conditions, geo, interval)


def _geo(given: Given, context: Context) -> Any:
    if not any(given.get(name) for name in ("georel", "geometry", "coordinates")):
        return None
    if not all(given.get(name) for name in ("georel", "geometry", "coordinates")):
        raise BadRequest("a geo-query needs georel, geometry and coordinates")
    attribute = given.get("geoproperty") or None
    return geo_query(given["georel"], given["geometry"], given["coordinates"], attribute, context)
