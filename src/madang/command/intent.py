"""An intent: who wants what of which device, why, how urgent, until when. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from madang.base.errors import BadRequest
from madang.base.limits import COMMAND_MAX_TTL_S, ID_MAX_CHARS
from madang.model.values import has_nul, is_one_of

RANKS = {"efficiency": 1, "transit_priority": 2, "emergency": 3, "life_safety": 4}
KINDS = (
    "signal.stage",
    "signal.release",
    "transit.hold",
    "simulation.rain",
    "simulation.accident",
    "simulation.event",
    "simulation.clear",
)
REASON_MAX_CHARS = 500
REASON_MAX_PARAMETERS = 8
DEFAULT_TTL_S = 20.0


@dataclass(frozen=True)
class Intent:
    """`who` is an app's or a person's id; `expires` is city time. `reason`: a person's words, or `{"code","parameters"}`
    whose texts stand in the app's manifest."""

    id: str
    kind: str
    target: str
    value: Mapping[str, Any]
    who: str
    rank: str
    reason: str | Mapping[str, Any]
    at: datetime
    expires: datetime

    @property
    def urgency(self) -> int:
        return RANKS[self.rank]


def read_intent(body: Any, intent_id: str, who: str, now: datetime) -> Intent:
    """An intent of a request's JSON. Raises BadRequest with the field at fault. `now` is city time."""
    if not isinstance(body, Mapping):
        raise BadRequest("a command is a JSON object")
    if has_nul(body):
        raise BadRequest("a text holds a NUL character")
    kind, target = _text(body, "kind", 64), _text(body, "target", ID_MAX_CHARS)
    if kind not in KINDS:
        raise BadRequest(f"unknown kind {kind!r}")
    value = body.get("value", {})
    if not isinstance(value, Mapping):
        raise BadRequest("value must be a JSON object")
    rank = body.get("rank", "efficiency")
    if not is_one_of(rank, RANKS):
        raise BadRequest("rank must be one of " + ", ".join(RANKS))
    seconds = body.get("expires_s", DEFAULT_TTL_S)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= COMMAND_MAX_TTL_S:
        raise BadRequest(f"expires_s must be above 0 and at most {COMMAND_MAX_TTL_S}")
    return Intent(intent_id, kind, target, value, who, rank, _reason(body), now, now + timedelta(seconds=seconds))


def _reason(body: Mapping[str, Any]) -> str | Mapping[str, Any]:
    given = body.get("reason")
    if not isinstance(given, Mapping):
        return _text(body, "reason", REASON_MAX_CHARS)
    parameters = given.get("parameters", {})
    if not isinstance(parameters, Mapping) or len(parameters) > REASON_MAX_PARAMETERS:
        raise BadRequest(f"reason.parameters is an object of at most {REASON_MAX_PARAMETERS} names")
    for value in parameters.values():
        is_text = isinstance(value, str) and len(value) <= REASON_MAX_CHARS
        if isinstance(value, bool) or not (is_text or isinstance(value, int | float)):
            raise BadRequest("reason.parameters holds texts and numbers")
    return {"code": _text(given, "code", 64), "parameters": dict(parameters)}


def _text(body: Mapping[str, Any], name: str, longest: int) -> str:
    text = body.get(name)
    if not isinstance(text, str) or not text.strip() or len(text) > longest:
        raise BadRequest(f"{name} must be a text of 1 to {longest} characters")
    return text
