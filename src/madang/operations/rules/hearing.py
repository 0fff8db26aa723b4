"""What changes of entities tell a rule. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shapely.geometry import shape

from madang.base.clock import to_iso
from madang.operations.incidents.incident import Place
from madang.operations.rules.decide import Heard, Track
from madang.operations.rules.rule import Rule, attributes_of


def heard_of(rule: Rule, op: str, change: Mapping[str, Any], at: datetime) -> Heard:
    """`change`: attributes in internal form, as history has them; `at`: when the city learned of it, by which rules count."""
    found = {name: number_of(change.get(name)) for name in attributes_of(rule)}
    values = {name: value for name, value in found.items() if value is not None}
    return Heard(at, values, place_of(change.get("location")), op == "d")


def known_of(rule: Rule, body: Mapping[str, Any], heard_at: datetime, start: datetime, alarm: datetime | None) -> Track:
    """An entity as it was at `start`, as far as it did not change since; what did is heard of again. `alarm`: since when it is one."""
    before = {name: one for name, one in body.items() if _stamp(one) < to_iso(start)}
    told = heard_of(rule, "u", before, start)
    series = {name: ((start, value),) for name, value in told.values.items()}
    return Track(heard_at, place_of(body.get("location")), series, alarm, alarm)


def _stamp(attribute: Any) -> str:
    one = attribute[0] if isinstance(attribute, list) and attribute else attribute
    return str(one.get("modifiedAt", "")) if isinstance(one, dict) else ""


def number_of(attribute: Any) -> float | None:
    """Of an attribute without datasetId."""
    one = attribute[0] if isinstance(attribute, list) and attribute else attribute
    value = one.get("value") if isinstance(one, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def place_of(attribute: Any) -> Place | None:
    """The middle of a GeoProperty."""
    one = attribute[0] if isinstance(attribute, list) and attribute else attribute
    geometry = one.get("value") if isinstance(one, dict) else None
    if not isinstance(geometry, dict) or "coordinates" not in geometry:
        return None
    middle = shape(geometry).representative_point()
    return (middle.x, middle.y)
