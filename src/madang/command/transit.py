"""What a bus or tram may be asked: to wait at the stop where it stands. Pure; the vehicle keeps bounds of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from madang.command.arbiter import Refusal

STOPPED, ON_THE_WAY = "STOPPED_AT", "IN_TRANSIT_TO"
HOLD_MIN_S, HOLD_MAX_S = 1.0, 90.0
SILENT_AFTER_S = 60.0


@dataclass(frozen=True)
class Reported:
    """What a Vehicle entity says: `status` of GTFS Realtime, the stop where it is or the next, and when it said so."""

    status: str
    stop: str
    at: datetime


def refuse_hold(seen: Reported, value: Mapping[str, Any], now: datetime) -> Refusal | None:
    """Why a `transit.hold` value may not go to the driver now; None when it may. `value`: `{"hold_s": seconds from now}`, and
    `stop`, an id, where the vehicle has to stand."""
    seconds, stop = value.get("hold_s"), value.get("stop")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return Refusal("bad_value", "value needs a number `hold_s`")
    if not HOLD_MIN_S <= seconds <= HOLD_MAX_S:
        return Refusal("out_of_bounds", f"hold_s must be {HOLD_MIN_S:g} to {HOLD_MAX_S:g}", {"name": "hold_s"})
    if now - seen.at > timedelta(seconds=SILENT_AFTER_S):
        return Refusal("device_silent", "the vehicle has not reported where it is")
    if seen.status != STOPPED or (stop is not None and stop != seen.stop):
        return Refusal("not_at_stop", "the vehicle does not stand at that stop")
    return None
