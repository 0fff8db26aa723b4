"""A registration as JSON: under other names, and as queries see its members (clauses 5.2.9, 5.10.2), pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from madang.model.context import Context
from madang.model.registration import MEMBERS


def csource_properties(data: dict[str, Any], context: Context) -> dict[str, Any]:
    """The further members of a registration as a body that queries understand (clause 5.10.2, `q` and `csf`)."""
    said = ("id", "registrationName", "description", "endpoint", "mode", "tenant", "contextSourceAlias")
    named = {name: data[name] for name in said if name in data}
    extra = {context.expand(name): value for name, value in data.items() if name not in MEMBERS}
    return {name: _as_attribute(value) for name, value in (named | extra).items()}


def _as_attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, dict) and value.get("type") in ("Property", "Relationship"):
        return value
    return {"type": "Property", "value": value}


def renamed_registration(data: dict[str, Any], rename: Callable[[str], str]) -> dict[str, Any]:
    """A registration as JSON with other names for types, attributes and further members."""
    out = {name if name in MEMBERS else rename(name): value for name, value in data.items()}
    out["information"] = [_renamed_information(one, rename) for one in data["information"]]
    return out


def _renamed_information(one: dict[str, Any], rename: Callable[[str], str]) -> dict[str, Any]:
    out = dict(one)
    for name in ("propertyNames", "relationshipNames"):
        if name in out:
            out[name] = [rename(text) for text in out[name]]
    if "entities" in out:
        out["entities"] = [info | {"type": _renamed_types(info["type"], rename)} for info in out["entities"]]
    return out


def _renamed_types(value: Any, rename: Callable[[str], str]) -> Any:
    return [rename(name) for name in value] if isinstance(value, list) else rename(value)
