"""Parameters of the temporal interface (clauses 4.11, 4.21, 6.3.10, 6.3.12, 6.18.3.2): URL and Query body alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from madang.base.errors import BadRequest, InvalidRequest
from madang.history.aggregate import METHODS
from madang.history.duration import parse_duration
from madang.history.represent import View
from madang.history.window import TIME_PROPERTIES, Aggregation, Window
from madang.model.context import Context
from madang.model.kinds import check_time
from madang.model.render import Form
from madang.people.ngsi.parameters import Given, options

LAST_MAX = 1_000_000
_FORMATS = {
    "normalized": "normalized",
    "concise": "concise",
    "temporalValues": "simplified",
    "simplified": "simplified",
    "keyValues": "simplified",
    "aggregatedValues": "aggregated",
}
_OPTIONS = frozenset(_FORMATS) | {"sysAttrs", "count", "splitEntities"}
_NAMES = ("timerel", "timeAt", "endTimeAt", "timeproperty", "lastN", "aggrMethods", "aggrPeriodDuration")


def temporal_query(given: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a temporal query among parameters, or of the `temporalQ` of a body (clause 5.2.21)."""
    return {name: given[name] for name in _NAMES if given.get(name) not in (None, "")}


def format_of(given: Given) -> str:
    """`format` before `options`. Raises InvalidRequest for words nobody knows."""
    asked = options(given)
    unknown = asked - _OPTIONS
    chosen = given.get("format") or next((name for name in _FORMATS if name in asked), "normalized")
    if unknown or chosen not in _FORMATS:
        raise InvalidRequest(f"no such option or format: {', '.join(sorted(unknown)) or chosen}")
    return _FORMATS[chosen]


def window_of(asked: Mapping[str, Any], shape: str) -> Window:
    """Raises BadRequest when the temporal query is not whole."""
    relation, prop = asked.get("timerel"), asked.get("timeproperty", "observedAt")
    if prop not in TIME_PROPERTIES:
        raise BadRequest(f"timeproperty: one of {', '.join(TIME_PROPERTIES)}")
    low, high = _bounds(relation, asked)
    strict = relation is not None or "timeproperty" in asked or shape in ("simplified", "aggregated")
    return Window(prop, relation, low, high, strict, _last(asked.get("lastN")))


def _bounds(relation: Any, asked: Mapping[str, Any]) -> tuple[str | None, str | None]:
    if relation is None:
        if "timeAt" in asked or "endTimeAt" in asked:
            raise BadRequest("timeAt needs a timerel")
        return None, None
    if relation not in ("before", "after", "between"):
        raise BadRequest("timerel: one of before, after, between")
    if "timeAt" not in asked or (relation == "between" and "endTimeAt" not in asked):
        raise BadRequest("timerel needs timeAt, and between needs endTimeAt too")
    at = check_time(asked["timeAt"], "timeAt")
    if relation == "between":
        return at, check_time(asked["endTimeAt"], "endTimeAt")
    return (None, at) if relation == "before" else (at, None)


def _last(value: Any) -> int | None:
    if value is None:
        return None
    text = str(value)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:12]) <= LAST_MAX:
        raise BadRequest(f"lastN: a whole number from 1 to {LAST_MAX}")
    return int(text)


def aggregation_of(asked: Mapping[str, Any], shape: str) -> Aggregation | None:
    """Raises BadRequest for unknown methods or none."""
    if shape != "aggregated":
        return None
    given = asked.get("aggrMethods", "")
    methods = tuple(given if isinstance(given, list) else filter(None, str(given).split(",")))
    if not methods or not METHODS.issuperset(map(str, methods)):
        raise BadRequest(f"aggrMethods: at least one of {', '.join(sorted(METHODS))}")
    duration = asked.get("aggrPeriodDuration")
    return Aggregation(methods, None if duration is None else parse_duration(str(duration)))


def view_of(given: Given, context: Context, asked: Mapping[str, Any]) -> View:
    """How to show what is found. Raises BadRequest, InvalidRequest."""
    shape = format_of(given)
    pick, omit, attrs = (_members(given.get(name), context) for name in ("pick", "omit", "attrs"))
    if attrs and (pick or omit):
        raise BadRequest("attrs goes neither with pick nor with omit")
    if pick & omit:
        raise BadRequest("the same member in pick and in omit")
    form = Form(
        "normalized" if shape == "aggregated" else shape,
        "sysAttrs" in options(given),
        lang=given.get("lang"),
        context=context,
    )
    shown = attrs | {"id", "type"} if attrs else pick or None
    return View(form, window_of(asked, shape), aggregation_of(asked, shape), shown, omit)


def _members(text: str | None, context: Context) -> frozenset[str]:
    names = filter(None, (text or "").split(","))
    return frozenset(name if name in ("id", "type") else context.expand(name) for name in names)


def datasets_of(given: Given) -> frozenset[str | None] | None:
    """The data sets asked for; `@none` is the default one (clause 4.5.5)."""
    text = given.get("datasetId")
    return frozenset(None if name == "@none" else name for name in text.split(",")) if text else None
