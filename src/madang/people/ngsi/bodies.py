"""The Query data type of a request body (clause 5.2.23) as parameters and selectors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from madang.base.errors import BadRequest
from madang.context.query import Query
from madang.model.context import Context
from madang.model.kinds import check_id
from madang.model.selection import parse_types
from madang.people.ngsi.parameters import Given
from madang.people.ngsi.queries import pattern

_TEXTS = ("q", "scopeQ", "csf", "lang", "join", "expandValues", "entityMapLifetime")
_FLAGS = ("entityMap", "splitEntities")
_LISTS = ("attrs", "pick", "omit", "datasetId", "containedBy", "expandValues", "jsonKeys")
_NUMBERS = ("joinLevel",)
_GEO = ("georel", "geometry", "geoproperty")


def given_of(data: dict[str, Any], url: Given) -> Given:
    """The body's members as the parameters they are in a URL; pages, counts and formats come from the URL itself."""
    out = dict(url)
    for name, value in data.items():
        if name in _LISTS and isinstance(value, list):
            out[name] = ",".join(_texts(value, name))
        elif name in _TEXTS or name in _LISTS:
            out[name] = _text(value, name)
        elif name in _FLAGS:
            out[name] = _flag(value, name)
        elif name in _NUMBERS:
            out[name] = str(value)
    return {**out, **_geo(data.get("geoQ")), **_ordering(data.get("ordering"))}


def _geo(value: Any) -> Given:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest("geoQ must be an object")
    coordinates = value.get("coordinates")
    texts = {name: _text(value[name], f"geoQ.{name}") for name in _GEO if name in value}
    return texts | {"coordinates": coordinates if isinstance(coordinates, str) else _json(coordinates)}


def _ordering(value: Any) -> Given:
    """OrderingParams of clause 5.2.44."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest("ordering must be an object")
    out = {"orderBy": ",".join(_texts(value.get("orderBy"), "orderBy"))}
    for name, parameter in (("collation", "collation"), ("geometry", "orderGeometry")):
        if name in value:
            out[parameter] = _text(value[name], name)
    return out | ({"orderFrom": _json(value["coordinates"])} if "coordinates" in value else {})


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _flag(value: Any, name: str) -> str:
    if not isinstance(value, bool):
        raise BadRequest(f"{name} must be true or false")
    return "true" if value else "false"


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a string")
    return value


def _texts(value: Any, name: str) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [_text(item, name) for item in items]


def select(query: Query, data: dict[str, Any], context: Context) -> Query:
    """The query cut down to the body's EntitySelectors: entities that meet one of them. Raises BadRequest."""
    selectors = data.get("entities")
    if selectors is None:
        return query
    if not isinstance(selectors, list) or not selectors or not all(isinstance(one, dict) for one in selectors):
        raise BadRequest("entities must be a list of selectors")
    chosen = tuple(_selector(one, context) for one in selectors)
    if len(chosen) == 1:
        (one,) = chosen
        return replace(query, ids=one.ids, id_pattern=one.id_pattern, types=one.types, selection=one.selection)
    types = tuple(dict.fromkeys(name for one in chosen for name in one.types))
    return replace(query, any_of=chosen, types=types if all(one.types for one in chosen) else ())


def _selector(one: dict[str, Any], context: Context) -> Query:
    ids = one.get("id", [])
    selection = parse_types(",".join(_texts(one.get("type", "*"), "type")), context)
    return Query(
        ids=tuple(map(check_id, ids if isinstance(ids, list) else [ids])),
        id_pattern=pattern(one.get("idPattern")),
        types=selection.words if selection else (),
        selection=selection if selection and not selection.is_list else None,
    )
