"""From the parameters of a request to queries over entities (clauses 6.4.3.2, 5.2.23)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from madang.base.errors import BadRequest
from madang.base.limits import QUERY_DEFAULT_PAGE, QUERY_MAX_OFFSET, QUERY_MAX_PAGE
from madang.context.query import Query
from madang.model.context import Context
from madang.model.geometry import GeoQuery, box_query, parse_geo_query, parse_reference
from madang.model.kinds import check_id
from madang.model.ordering import Ordering, parse_ordering
from madang.model.patterns import check_pattern
from madang.model.projection import PLAIN, parse_projection
from madang.model.query import Node, parse_query
from madang.model.selection import parse_scopes, parse_types
from madang.people.http import decode_json
from madang.people.ngsi.parameters import Given, options


def names(text: str | None, context: Context) -> tuple[str, ...]:
    """A list of attribute names, internal. Raises BadRequest."""
    listed = text.split(",") if text else []
    if not {"id", "type"}.isdisjoint(listed):
        raise BadRequest("id and type are no attributes")
    return tuple(context.expand(name) for name in listed)


def flag(given: Given, name: str) -> bool:
    """A Boolean parameter, false when absent. Raises BadRequest."""
    if given.get(name, "false") not in ("true", "false"):
        raise BadRequest(f"{name}: true or false")
    return given.get(name) == "true"


def number(given: Given, name: str, default: int, low: int, high: int) -> int:
    """A whole number within its bounds. Raises BadRequest."""
    text = given.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text[:12]) <= high:
        raise BadRequest(f"{name}: a whole number from {low} to {high}")
    return int(text)


def paging(given: Given) -> tuple[int, int, bool]:
    """`limit`, `offset`, `count` (clause 6.3.10, 6.3.13). Raises BadRequest."""
    limit = number(given, "limit", QUERY_DEFAULT_PAGE, 0, QUERY_MAX_PAGE)
    offset, count = number(given, "offset", 0, 0, QUERY_MAX_OFFSET), flag(given, "count")
    if not limit and not count:
        raise BadRequest("limit: 0 only together with count=true")
    return limit, offset, count


@lru_cache(maxsize=1024)
def _parsed(text: str, context: Context, vocab: frozenset[str]) -> Node:
    return parse_query(text, context, linked=True, vocab=vocab)


def _coerced(given: Given, context: Context) -> frozenset[str]:
    """Attributes whose values are terms of the context: those of expandValues, but for what jsonKeys says is no JSON-LD."""
    return frozenset(names(given.get("expandValues"), context)).difference(names(given.get("jsonKeys"), context))


def query_of(given: Given, context: Context) -> Query:
    """The entity query of the parameters of `GET /entities` (clause 6.4.3.2). Raises BadRequest."""
    selection = parse_types(given.get("type", ""), context)
    query = Query(
        ids=tuple(check_id(identifier) for identifier in given["id"].split(",")) if given.get("id") else (),
        id_pattern=pattern(given.get("idPattern")),
        types=selection.words if selection else (),
        selection=selection if selection and not selection.is_list else None,
        scopes=parse_scopes(given["scopeQ"]) if given.get("scopeQ") else None,
        attrs=names(given.get("attrs"), context) or _picked(given.get("pick"), context),
        q=_parsed(given["q"], context, _coerced(given, context)) if given.get("q") else None,
        geo=_geo(given, context),
        order=_order(given, context) if "orderBy" in given else None,
        limit=number(given, "limit", QUERY_DEFAULT_PAGE, 0, QUERY_MAX_PAGE),
        offset=number(given, "offset", 0, 0, QUERY_MAX_OFFSET),
        count=flag(given, "count") or "count" in options(given),
    )
    if not query.limit and not query.count:
        raise BadRequest("limit: 0 only together with count=true")
    return query


def check_width(given: Given, query: Query) -> None:
    """Raises BadRequest for a query that would touch everything without saying so (clause 5.7.2.4)."""
    if given.get("type") == "*" and given.get("local") == "false":
        raise BadRequest("type=* is about this broker alone: not with local=false")
    named = any(given.get(name) for name in ("attrs", "drop", "keep"))
    if query.types or query.q or query.geo or named or given.get("type") == "*" or flag(given, "local"):
        return
    raise BadRequest("a query names at least one of type, attrs, q, an area, or local=true")


def _picked(text: str | None, context: Context) -> tuple[str, ...]:
    """What is left of an entity without any picked attribute is nothing, so it is not found; its id is always there."""
    picked = parse_projection(text, context, "pick").names if text else ()
    return () if PLAIN.intersection(picked) - {"scope"} else picked


def _order(given: Given, context: Context) -> Ordering:
    origin = None
    if "orderFrom" in given:
        coordinates = decode_json(given["orderFrom"].encode())
        origin = parse_reference(given.get("orderGeometry", "Point"), coordinates, "orderFrom")
    return parse_ordering(given["orderBy"], context, given.get("collation"), origin)


def pattern(text: Any) -> str | None:
    """A regular expression over ids. Raises BadRequest, TooComplexQuery."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise BadRequest("idPattern must be a regular expression")
    check_pattern(text)
    return text


def _geo(given: Given, context: Context) -> GeoQuery | None:
    if "bbox" in given:
        return box_query(given["bbox"])
    if not any(name in given for name in ("georel", "geometry", "coordinates")):
        return None
    if not all(given.get(name) for name in ("georel", "geometry", "coordinates")):
        raise BadRequest("a geo-query needs georel, geometry and coordinates")
    return geo_query(given["georel"], given["geometry"], given["coordinates"], given.get("geoproperty"), context)


def geo_query(georel: Any, geometry: Any, coordinates: Any, attribute: Any, context: Context) -> GeoQuery:
    """From parameters or the `geoQ` member of a subscription. Raises BadRequest."""
    if not isinstance(georel, str) or not isinstance(geometry, str):
        raise BadRequest("georel and geometry must be strings")
    if isinstance(coordinates, str):
        coordinates = decode_json(coordinates.encode())
    name = context.expand(attribute) if isinstance(attribute, str) else "location"
    return parse_geo_query(georel, geometry, coordinates, name)
