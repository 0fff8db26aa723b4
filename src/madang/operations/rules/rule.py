"""A rule: of which entities, on what condition, for how long, and what incident it opens."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from madang.base.errors import BadRequest
from madang.base.limits import INCIDENT_TITLE_MAX_CHARS, RULE_PARTS_MAX, RULE_WINDOW_MAX_S
from madang.model.values import has_nul
from madang.operations.incidents.incident import Severity

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Span = Annotated[float, msgspec.Meta(gt=0, le=RULE_WINDOW_MAX_S)]
Side = Literal["above", "below"]


class Threshold(msgspec.Struct, frozen=True, tag_field="condition", tag="threshold", forbid_unknown_fields=True):
    """`clear`: the value at which it ends, beyond the limit on the good side (hysteresis); None: the limit itself."""

    attribute: Name
    side: Side
    limit: float
    clear: float | None = None


class Rate(msgspec.Struct, frozen=True, tag_field="condition", tag="rate", forbid_unknown_fields=True):
    """Changes by `by` or more within `over_s`; `above`: it rises, `below`: it falls."""

    attribute: Name
    side: Side
    by: Annotated[float, msgspec.Meta(gt=0)]
    over_s: Span


class Absence(msgspec.Struct, frozen=True, tag_field="condition", tag="absence", forbid_unknown_fields=True):
    """Nothing was heard of it for `after_s`."""

    after_s: Span


class Geofence(msgspec.Struct, frozen=True, tag_field="condition", tag="geofence", forbid_unknown_fields=True):
    """It is within, or beyond, `radius_m` of a place."""

    side: Literal["inside", "outside"]
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    radius_m: Annotated[float, msgspec.Meta(gt=0, le=50_000)]


class Forecast(msgspec.Struct, frozen=True, tag_field="condition", tag="forecast", forbid_unknown_fields=True):
    """By the straight line through its values of the last `window_s` (least squares) it will have passed `limit` in `horizon_s`."""

    attribute: Name
    side: Side
    limit: float
    window_s: Span
    horizon_s: Span


Simple = Threshold | Rate | Absence | Geofence | Forecast


class Combination(msgspec.Struct, frozen=True, tag_field="condition", tag="combination", forbid_unknown_fields=True):
    """Several conditions of one entity."""

    joined: Literal["all", "any"]
    parts: Annotated[list[Simple], msgspec.Meta(min_length=2, max_length=RULE_PARTS_MAX)]


Condition = Threshold | Rate | Absence | Geofence | Forecast | Combination


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`type`: of the entities; `for_s`: how long the condition must hold; `kind` and `severity`: of the incident."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=INCIDENT_TITLE_MAX_CHARS)]
    type: Name
    condition: Condition
    kind: Name
    severity: Severity
    for_s: Annotated[float, msgspec.Meta(ge=0, le=RULE_WINDOW_MAX_S)] = 0.0


def read_rule(told: object) -> Rule:
    """Raises BadRequest with what is wrong with it."""
    try:
        rule = msgspec.convert(told, Rule)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error), reason="rule_form") from None
    if has_nul(told):
        raise BadRequest("a text holds a NUL character", reason="rule_form")
    for one in parts_of(rule):
        if isinstance(one, Threshold) and one.clear is not None and not _is_better(one):
            raise BadRequest("clear lies on the wrong side of the limit", reason="rule_clear")
    return rule


def parts_of(rule: Rule) -> list[Simple]:
    """The simple conditions of it."""
    return rule.condition.parts if isinstance(rule.condition, Combination) else [rule.condition]


def attributes_of(rule: Rule) -> set[str]:
    return {one.attribute for one in parts_of(rule) if isinstance(one, Threshold | Rate | Forecast)}


def window_of(rule: Rule) -> float:
    """Seconds of past values that its conditions look at."""
    spans = [rule.for_s]
    for one in parts_of(rule):
        spans += [one.over_s] if isinstance(one, Rate) else []
        spans += [one.window_s] if isinstance(one, Forecast) else []
    return max(spans)


def _is_better(one: Threshold) -> bool:
    assert one.clear is not None
    return one.clear <= one.limit if one.side == "above" else one.clear >= one.limit
