"""Entities: from any NGSI-LD form to the internal one (clauses 4.5.1 to 4.5.5, 5.5.8).

Internal form of an attribute: one instance (a dict in normalized form with internal names), or a list of instances
when some carry a `datasetId`. A body maps attribute names to attributes; `scope`, if any, is a list of strings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from madang.base.errors import BadRequest, InvalidRequest, TooLarge
from madang.base.limits import ENTITY_MAX_ATTRIBUTES
from madang.model.context import Context
from madang.model.geometry import GEOMETRY_TYPES, check_geometry
from madang.model.kinds import (
    KIND_OF_KEY,
    NULL,
    READ_ONLY,
    VALUE_CHECKS,
    VALUE_KEY,
    check_id,
    check_text,
    check_time,
    utc,
)
from madang.model.values import is_one_of

Body = dict[str, Any]
_HEAD = frozenset({"id", "type", "@id", "@type", "@context"})
META = frozenset({"scope", "expiresAt"})
"""Members of a body that are no attributes."""
_NO_TYPES = frozenset({"id", "type"})


class Entity(msgspec.Struct, gc=False):
    """One entity in internal form. `types` has at least one name, except in a fragment."""

    id: str
    types: list[str]
    body: Body


def parse_entity(data: Any, context: Context, *, fragment: bool = False, simplified: bool = False) -> Entity:
    """An entity from normalized or concise JSON, or from simplified. A fragment may lack id and type.

    Raises BadRequest, TooLarge.
    """
    if not isinstance(data, dict):
        raise InvalidRequest("an entity must be a JSON object")
    if len(data) > ENTITY_MAX_ATTRIBUTES:
        raise TooLarge(f"more than {ENTITY_MAX_ATTRIBUTES} attributes")
    identifier = data.get("id", data.get("@id"))
    types = data.get("type", data.get("@type"))
    if not fragment or identifier is not None:
        identifier = check_id(identifier)
    if not fragment or types is not None:
        types = _types(types, context)
    return Entity(identifier or "", types or [], parse_body(data, context, simplified))


def _types(value: Any, context: Context) -> list[str]:
    if type(value) is str and value not in _NO_TYPES:
        return [context.expand(value)]
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) and name not in _NO_TYPES for name in names):
        raise BadRequest("type must be a name or a list of names")
    return list(dict.fromkeys(context.expand(name) for name in names))


def parse_body(data: dict[str, Any], context: Context, simplified: bool = False) -> Body:
    """The attributes of an entity or fragment. Raises BadRequest naming the attribute."""
    body: Body = {}
    for name, value in data.items():
        if name in _HEAD:
            continue
        if name == "scope":
            body["scope"] = _scope(value)
        elif name == "expiresAt":
            body["expiresAt"] = check_time(value, name)
        elif simplified and name not in READ_ONLY:
            body[context.expand(name)] = parse_simplified(name, value, context)
        elif name not in READ_ONLY:
            kind = value.get("type") if type(value) is dict else None
            body[context.expand(name)] = (
                _members(name, value, kind, context)
                if type(kind) is str and kind in VALUE_KEY
                else parse_attribute(name, value, context)
            )
    return body


def _scope(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = value.get("value")
    scopes = value if isinstance(value, list) else [value]
    if not all(isinstance(scope, str) and scope for scope in scopes):
        raise BadRequest("scope must be a path or a list of paths")
    return [scope if scope.startswith("/") or scope == NULL else "/" + scope for scope in scopes]


def parse_attribute(name: str, value: Any, context: Context, kind: str | None = None) -> Any:
    """One attribute: an instance, or a list of instances with distinct datasetIds."""
    if isinstance(value, list) and value and all(_is_instance(item) for item in value):
        instances = [_instance(name, item, context, kind) for item in value]
        keys = [instance.get("datasetId") for instance in instances]
        if len(set(keys)) != len(keys):
            raise BadRequest(f"{name}: two instances with the same datasetId")
        return instances[0] if len(instances) == 1 else instances
    return _instance(name, value, context, kind)


def parse_simplified(name: str, value: Any, context: Context) -> Any:
    """One attribute in simplified form (clause 4.5.4): of the kind that it shows, else a Property. Raises BadRequest."""
    if isinstance(value, dict) and value.keys() == {"dataset"} and isinstance(value["dataset"], dict):
        several = [
            _simple(name, one, context) | ({} if key == "@none" else {"datasetId": check_id(key)})
            for key, one in value["dataset"].items()
        ]
        if several:
            return several[0] if len(several) == 1 else several
    return _simple(name, value, context)


def _simple(name: str, value: Any, context: Context) -> dict[str, Any]:
    if isinstance(value, dict):
        if is_one_of(value.get("type"), GEOMETRY_TYPES) and "coordinates" in value:
            check_geometry(value, name)
            return {"type": "GeoProperty", "value": value}
        key = next(iter(value), "")
        if len(value) == 1 and key in KIND_OF_KEY.keys() - {"value", "object"}:
            return _members(name, value, KIND_OF_KEY[key], context)
    return _bare(name, value)


def _is_instance(item: Any) -> bool:
    return isinstance(item, dict) and (is_one_of(item.get("type"), VALUE_KEY) or "datasetId" in item)


def _instance(name: str, value: Any, context: Context, kind: str | None) -> dict[str, Any]:
    if not isinstance(value, dict):
        return _bare(name, value)
    declared = value.get("type")
    if is_one_of(declared, VALUE_KEY):
        return _members(name, value, declared, context)
    if is_one_of(declared, GEOMETRY_TYPES) and "coordinates" in value:
        check_geometry(value, name)
        return {"type": "GeoProperty", "value": value}
    inferred = kind or _infer(value)
    if inferred is None:
        return _bare(name, value)
    return _members(name, value, inferred, context)


def _infer(value: dict[str, Any]) -> str | None:
    for key, kind in KIND_OF_KEY.items():
        if key in value:
            inner = value[key]
            if key == "value" and isinstance(inner, dict) and is_one_of(inner.get("type"), GEOMETRY_TYPES):
                return "GeoProperty"
            return kind
    return None


def _bare(name: str, value: Any) -> dict[str, Any]:
    if value is None:
        raise BadRequest(f"{name}: null is not a value; use {NULL!r} to delete")
    return {"type": "Property", "value": value}


def _members(name: str, value: dict[str, Any], kind: str, context: Context) -> dict[str, Any]:
    out: dict[str, Any] = {"type": kind}
    key = VALUE_KEY[kind]
    for member, inner in value.items():
        if member == key:
            # Any value but null is a Property's: the one kind that needs no look into it.
            out[key] = inner if kind == "Property" and inner is not None else VALUE_CHECKS[kind](name, inner, context)
        elif member in _SKIPPED:
            continue
        elif (read := _READERS.get(member)) is not None:
            out[member] = read(name, member, inner, context)
        elif member == "datasetId":
            if inner != "@none":
                out[member] = check_id(inner)
        elif member in KIND_OF_KEY:
            raise BadRequest(f"{name}: a {kind} has no {member!r}")
        else:
            out[context.expand(member)] = parse_attribute(f"{name}.{member}", inner, context)
    if key not in out:
        out[key] = None
    return out


def _time(name: str, member: str, value: Any, context: Context) -> str:
    known = utc(value) if type(value) is str else None
    return known or (NULL if value == NULL else check_time(value, name, member))


def _text(name: str, member: str, value: Any, context: Context) -> str:
    return check_text(value, name, member)


def _object_types(name: str, member: str, value: Any, context: Context) -> Any:
    if isinstance(value, list):
        return [context.expand(check_text(item, name, member)) for item in value]
    return context.expand(check_text(value, name, member))


_READERS: dict[str, Callable[[str, str, Any, Context], Any]] = {
    "observedAt": _time,
    "expiresAt": _time,
    "unitCode": _text,
    "lang": _text,
    "objectType": _object_types,
}
_SKIPPED = frozenset({"type", "@context"}) | READ_ONLY


def require_values(body: Body) -> None:
    """What is created must have values and no deletions. Raises BadRequest naming the attribute."""
    for name, attribute in body.items():
        if name not in META:
            for instance in attribute if isinstance(attribute, list) else (attribute,):
                require_value(name, instance)


def require_value(name: str, instance: dict[str, Any]) -> None:
    """As `require_values`, of one instance of an attribute."""
    kind = instance["type"]
    value = instance[VALUE_KEY[kind]]
    if value is None and kind != "JsonProperty":
        raise BadRequest(f"{name}: a {kind} needs {VALUE_KEY[kind]!r}")
    if value == NULL:
        raise BadRequest(f"{name}: {NULL!r} is only for changes")
