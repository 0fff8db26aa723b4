"""What entities and intents are made of, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Reason = str | Mapping[str, Any]
_VALUE_KEYS = ("value", "object", "json", "languageMap", "vocab")


def because(code: str, **parameters: str | float) -> Reason:
    """A reason that people read in their language: its texts stand in the manifest under `[reasons]`."""
    return {"code": code, "parameters": parameters}


def intent(
    kind: str,
    target: str,
    value: Mapping[str, Any],
    reason: Reason,
    rank: str = "efficiency",
    expires_s: float = 20.0,
) -> dict[str, Any]:
    """The JSON of an intent, for `App.commands`."""
    return {
        "kind": kind,
        "target": target,
        "value": dict(value),
        "reason": reason,
        "rank": rank,
        "expires_s": expires_s,
    }


def value_of(attribute: Any) -> Any:
    """The plain value of a concise attribute: bare, or under `value`, `object`, `json`, `languageMap`, `vocab`."""
    if isinstance(attribute, dict):
        for key in _VALUE_KEYS:
            if key in attribute:
                return attribute[key]
    return attribute


def values_of(entity: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values of an entity's members by name."""
    return {name: value_of(attribute) for name, attribute in entity.items()}


def observed_at(attribute: Any) -> str | None:
    """When a concise attribute was observed (ISO text), if it says so."""
    return attribute.get("observedAt") if isinstance(attribute, dict) else None


def property_of(value: Any, observed: str | None = None, unit: str | None = None) -> dict[str, Any]:
    """A Property to write; `observed` ISO text, `unit` a UN/CEFACT code such as GQ."""
    told = {"value": value, "observedAt": observed, "unitCode": unit}
    return {name: one for name, one in told.items() if one is not None}


def latest_observed(entity: Mapping[str, Any]) -> str | None:
    """The latest of what its attributes say."""
    return max(filter(None, map(observed_at, entity.values())), default=None)
