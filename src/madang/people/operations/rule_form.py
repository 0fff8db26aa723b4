"""A rule as a form sends it, as a form shows it again, and as a sentence. Pure."""

from __future__ import annotations

from typing import Any

from madang.base.errors import BadRequest
from madang.operations.incidents.procedures import Procedures, procedure_of
from madang.operations.rules.rule import (
    Absence,
    Combination,
    Condition,
    Forecast,
    Geofence,
    Rate,
    Rule,
    Threshold,
    read_rule,
)
from madang.people.identity.visit import Form
from madang.people.operations.shown import Reader

CONDITIONS = ("threshold", "rate", "absence", "geofence", "combination", "forecast")
PARTS = ("", "2", "3")
"""The thresholds of a combination in the form, by the end of their fields' names."""
_FIELDS: dict[str, dict[str, tuple[str, float]]] = {
    "threshold": {"limit": ("limit", 1), "clear": ("clear", 1)},
    "rate": {"by": ("by", 1), "over": ("over_s", 60)},
    "absence": {"after": ("after_s", 60)},
    "geofence": {"longitude": ("longitude", 1), "latitude": ("latitude", 1), "radius": ("radius_m", 1)},
    "forecast": {"limit": ("limit", 1), "window": ("window_s", 60), "horizon": ("horizon_s", 60)},
}
"""Numbers of each condition: the form's field, the rule's, and how many of the rule's unit one of the form's is (minutes)."""


def rule_of(form: Form, procedures: Procedures) -> Rule:
    """Raises BadRequest."""
    kind = form.get("kind", "")
    if kind not in procedures:
        raise BadRequest("a kind of incident, please", reason="rule_form")
    told = {name: form.get(name, "").strip() for name in ("name", "type", "kind", "severity")}
    return read_rule(told | {"condition": _condition(form), "for_s": (_number(form.get("for", ""), "for") or 0) * 60})


def _condition(form: Form) -> dict[str, Any]:
    condition = form.get("condition", "")
    if condition == "combination":
        parts = [_simple(form, "threshold", end) for end in PARTS if form.get(f"attribute{end}", "").strip()]
        return {"condition": condition, "joined": form.get("joined", ""), "parts": parts}
    return _simple(form, condition, "")


def _simple(form: Form, condition: str, end: str) -> dict[str, Any]:
    told: dict[str, Any] = {"condition": condition}
    if condition != "absence":
        told["side"] = form.get(f"side{end}", "")
    if condition not in ("absence", "geofence"):
        told["attribute"] = form.get(f"attribute{end}", "").strip()
    for field, (name, unit) in _FIELDS.get(condition, {}).items():
        value = _number(form.get(f"{field}{end}", ""), field)
        if value is not None:
            told[name] = value * unit
    return told


def _number(text: str, name: str) -> float | None:
    """None for an empty one. Raises BadRequest."""
    try:
        return float(text) if text.strip() else None
    except ValueError:
        raise BadRequest(f"{name}: a number", reason="rule_number") from None


def fields_of(rule: Rule) -> Form:
    """What the form would have sent."""
    told = {"name": rule.name, "type": rule.type, "kind": rule.kind, "severity": rule.severity}
    told |= {"for": _short(rule.for_s / 60), "condition": name_of(rule.condition)}
    if isinstance(rule.condition, Combination):
        told["joined"] = rule.condition.joined
        for end, one in zip(PARTS, rule.condition.parts, strict=False):
            told |= _told(one, end)
        return told
    return told | _told(rule.condition, "")


def _told(one: Condition, end: str) -> Form:
    told = {f"{name}{end}": str(getattr(one, name)) for name in ("attribute", "side") if hasattr(one, name)}
    for field, (name, unit) in _FIELDS[name_of(one)].items():
        value = getattr(one, name)
        told |= {} if value is None else {f"{field}{end}": _short(value / unit)}
    return told


def name_of(condition: Condition) -> str:
    return str(type(condition).__struct_config__.tag)


def sentence(rule: Rule, procedures: Procedures, reader: Reader) -> str:
    """What the rule says."""
    key = "ops.rule.sentence_for" if rule.for_s else "ops.rule.sentence"
    return reader.t(
        key,
        type=rule.type,
        condition=phrase(rule.condition, reader),
        minutes=_short(rule.for_s / 60),
        kind=procedure_of(procedures, rule.kind).name[reader.language],
        severity=reader.t(f"ops.severity.{rule.severity}"),
    )


def phrase(one: Condition, reader: Reader) -> str:
    """A condition within the sentence."""
    t = reader.t
    match one:
        case Combination():
            return t(f"ops.rule.{one.joined}", parts=t("ops.rule.and").join(phrase(each, reader) for each in one.parts))
        case Threshold():
            told = t(f"ops.rule.threshold.{one.side}", attribute=one.attribute, limit=_short(one.limit))
            return told if one.clear is None else told + t("ops.rule.clear", clear=_short(one.clear))
        case Rate():
            return t(
                f"ops.rule.rate.{one.side}", attribute=one.attribute, by=_short(one.by), minutes=_short(one.over_s / 60)
            )
        case Absence():
            return t("ops.rule.absence", minutes=_short(one.after_s / 60))
        case Geofence():
            place = f"{one.latitude:.5f}, {one.longitude:.5f}"
            return t(f"ops.rule.geofence.{one.side}", place=place, radius=_short(one.radius_m))
        case Forecast():
            minutes = {"window": _short(one.window_s / 60), "horizon": _short(one.horizon_s / 60)}
            return t(f"ops.rule.forecast.{one.side}", attribute=one.attribute, limit=_short(one.limit), **minutes)


def _short(value: float) -> str:
    return f"{value:.12g}"
