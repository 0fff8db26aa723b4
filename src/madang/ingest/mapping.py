"""How a device's payload becomes an entity: rules from a city's configuration, applied as pure functions.

A rule names a type, an id template, a time and attributes. A value is a constant, or an expression on the record:
`=PATH` (dotted; `=` is the whole payload), `=number(PATH)` for numbers written as text, `=point(LON,LAT)`, `=line(PATH)`.
A table `{ path = "...", unit = "KMH" }` adds a UN/CEFACT unit, `null` in it says what a null or missing value becomes;
`{ object = "=..." }` makes a Relationship, also of an id with paths in it, `{ object = "urn:ngsi-ld:Line:x:{route}" }`.
Otherwise blank or missing values make no attribute.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from madang.base.errors import BadRequest
from madang.base.ids import entity_id
from madang.model.entity import Entity
from madang.model.geometry import check_geometry
from madang.model.kinds import check_id, check_time
from madang.model.operations import Append, Operation
from madang.model.removals import Delete

Value = Callable[[Any], Any]
_TEMPLATE = re.compile(r"\{([^{}]+)\}")
_CALL = re.compile(r"=(number|point|line)\((.*)\)$")


@dataclass(frozen=True)
class Field:
    """One attribute of a rule."""

    name: str
    kind: str
    value: Value
    unit: str | None
    null: Any = None


@dataclass(frozen=True)
class Rule:
    """One kind of record. `source` names the rule in dead letters."""

    source: str
    city: str
    type: str
    id: str
    observed_at: Value | None
    fields: tuple[Field, ...]

    def identify(self, record: Any, captures: tuple[str, ...]) -> str:
        """The entity id: template filled with captures `{1}` and record paths. Raises BadRequest."""

        def fill(match: re.Match[str]) -> str:
            key = match.group(1)
            value = (
                captures[int(key) - 1] if key.isdigit() and int(key) <= len(captures) else _walk(record, key.split("."))
            )
            if value is None or value == "":
                raise BadRequest(f"no {key} to make an id of")
            return str(value)

        local = _TEMPLATE.sub(fill, self.id)
        return check_id(local if local.startswith("urn:") else entity_id(self.type, self.city, local))

    def apply(self, record: Any, captures: tuple[str, ...] = ()) -> Operation:
        """The write a record asks for; None as record (an empty payload) deletes. Raises BadRequest."""
        identifier = self.identify(record, captures)
        if record is None:
            return Delete(identifier, missing_ok=True)
        observed = self._observed(record)
        body: dict[str, Any] = {}
        for field in self.fields:
            value = field.value(record)
            value = field.null if value is None else value
            if value is not None and value != "":
                body[field.name] = _attribute(field, value, observed)
        return Append(Entity(identifier, [self.type], body), create=True)

    def _observed(self, record: Any) -> str | None:
        value = self.observed_at(record) if self.observed_at is not None else None
        return None if value is None or value == "" else check_time(value, "observed time")


def _attribute(field: Field, value: Any, observed: str | None) -> dict[str, Any]:
    if field.kind == "GeoProperty":
        check_geometry(value, field.name)
    if field.kind == "Relationship":
        attribute: dict[str, Any] = {"type": field.kind, "object": check_id(value)}
    else:
        attribute = {"type": field.kind, "value": value}
    if field.unit is not None:
        attribute["unitCode"] = field.unit
    if observed is not None:
        attribute["observedAt"] = observed
    return attribute


def _walk(record: Any, path: list[str]) -> Any:
    for name in path:
        if not isinstance(record, dict):
            return None
        record = record.get(name)
    return record


def _path(text: str) -> Value:
    steps = [part for part in text.split(".") if part]
    return lambda record: _walk(record, steps)


def _number(value: Any) -> float | int | None:
    if value is None or value == "" or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value or (0 if value == 0 and value is not None and value != "" else None)
    try:
        number = float(str(value).strip())
    except ValueError:
        raise BadRequest(f"not a number: {str(value)[:40]!r}") from None
    if not math.isfinite(number):
        raise BadRequest(f"not a number: {str(value)[:40]!r}")
    return int(number) if number.is_integer() and "." not in str(value) else number


def compile_value(text: Any) -> tuple[str, Value]:
    """Attribute kind and function of an expression. Raises BadRequest."""
    if not isinstance(text, str) or not text.startswith("="):
        return "Property", lambda record: text
    call = _CALL.match(text)
    if call is None:
        return "Property", _path(text[1:])
    name, arguments = call.group(1), [_path(part.strip()) for part in call.group(2).split(",")]
    if name == "number":
        return "Property", lambda record: _number(arguments[0](record))
    if name == "line":
        return "GeoProperty", lambda record: _geometry("LineString", arguments[0](record))
    if len(arguments) != 2:
        raise BadRequest("=point takes longitude and latitude")
    lon, lat = arguments
    return "GeoProperty", lambda record: _point(_number(lon(record)), _number(lat(record)))


def _point(lon: Any, lat: Any) -> dict[str, Any] | None:
    return None if lon is None or lat is None else {"type": "Point", "coordinates": [lon, lat]}


def _geometry(kind: str, coordinates: Any) -> dict[str, Any] | None:
    return None if coordinates is None else {"type": kind, "coordinates": coordinates}


def _object(text: str) -> Value:
    """An id: an expression, or a template whose paths must all be there, else there is none."""
    if text.startswith("="):
        return compile_value(text)[1]
    paths = {match.group(0): _path(match.group(1)) for match in _TEMPLATE.finditer(text)}

    def fill(record: Any) -> str | None:
        values = {hole: path(record) for hole, path in paths.items()}
        if any(value is None or value == "" for value in values.values()):
            return None
        return _TEMPLATE.sub(lambda match: str(values[match.group(0)]), text)

    return fill


def compile_rule(city: str, source: str, raw: dict[str, Any]) -> Rule:
    """A rule of the configuration. Raises BadRequest naming what is missing."""
    if not isinstance(raw.get("type"), str) or not isinstance(raw.get("id"), str):
        raise BadRequest(f"{source}: a rule needs type and id")
    observed = raw.get("observed_at")
    time = compile_value(observed if observed.startswith("=") else f"={observed}")[1] if observed else None
    fields = tuple(_field(name, value) for name, value in raw.get("attributes", {}).items())
    return Rule(source, raw.get("city", city), raw["type"], raw["id"], time, fields)


def _field(name: str, raw: Any) -> Field:
    if not isinstance(raw, dict):
        kind, value = compile_value(raw)
        return Field(name, kind, value, None)
    if "object" in raw:
        return Field(name, "Relationship", _object(raw["object"]), None)
    expression = raw.get("path", raw.get("value"))
    if "path" in raw and not str(expression).startswith("="):
        expression = f"={expression}"
    kind, value = compile_value(expression)
    return Field(name, raw.get("type", kind), value, raw.get("unit"), raw.get("null"))
