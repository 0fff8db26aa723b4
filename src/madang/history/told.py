"""What somebody tells of the past: an EntityTemporal from the wire (clauses 5.2.20, 5.6.11, 5.6.12, 5.6.14), pure."""

from __future__ import annotations

from typing import Any

from madang.base.errors import BadRequest, TooLarge
from madang.base.limits import ENTITY_MAX_ATTRIBUTES
from madang.model.context import Context
from madang.model.entity import Body, Entity, parse_attribute, parse_entity, require_values
from madang.model.kinds import check_time

_NOT_ATTRIBUTES = frozenset({"id", "type", "@id", "@type", "@context", "scope", "createdAt", "modifiedAt", "deletedAt"})


def parse_told(data: Any, context: Context, *, fragment: bool = False) -> Entity:
    """An entity whose every attribute is a list of instances. A fragment may lack id and type. Raises BadRequest."""
    if not isinstance(data, dict):
        raise BadRequest("a temporal entity must be a JSON object")
    if len(data) > ENTITY_MAX_ATTRIBUTES:
        raise TooLarge(f"more than {ENTITY_MAX_ATTRIBUTES} attributes")
    head = {name: data[name] for name in ("id", "type", "@id", "@type") if name in data}
    entity = parse_entity(head, context, fragment=fragment)
    body: Body = {"scope": _scopes(data["scope"], context)} if "scope" in data else {}
    for name, value in data.items():
        if name not in _NOT_ATTRIBUTES:
            listed = value if isinstance(value, list) else [value]
            body[context.expand(name)] = [_instance(name, one, context) for one in listed]
    require_values({name: instances for name, instances in body.items() if name != "scope"})
    entity.body = body
    return entity


def _instance(name: str, value: Any, context: Context) -> dict[str, Any]:
    parsed = parse_attribute(name, value, context)
    if not isinstance(parsed, dict):
        raise BadRequest(f"{name}: an instance is an object")
    return parsed


def _scopes(value: Any, context: Context) -> list[dict[str, Any]]:
    """A scope, or its evolution: a list of Properties whose values are lists of scopes (clause 4.18)."""
    evolves = isinstance(value, list) and any(isinstance(one, dict) for one in value)
    out = []
    for one in value if evolves else [value]:
        told: dict[str, Any] = {
            "type": "Property",
            "value": parse_entity({"scope": one}, context, fragment=True).body["scope"],
        }
        if isinstance(one, dict) and "observedAt" in one:
            told["observedAt"] = check_time(one["observedAt"], "scope.observedAt")
        out.append(told)
    return out


def parse_instance(name: str, data: Any, context: Context, kind: str | None) -> dict[str, Any]:
    """The fragment that changes one instance: the instance itself, or an object that holds it under its name. Raises
    BadRequest."""
    if not isinstance(data, dict):
        raise BadRequest("an instance is an object")
    data = {member: value for member, value in data.items() if member != "@context"}
    inner = data.get(name, data)
    if isinstance(inner, list) and len(inner) == 1:
        inner = inner[0]
    parsed = parse_attribute(name, inner, context, kind if isinstance(inner, dict) and "type" not in inner else None)
    if not isinstance(parsed, dict):
        raise BadRequest(f"{name}: one instance at a time")
    return parsed
