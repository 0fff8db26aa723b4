"""Whether an app notices what happens: accidents that nobody reports, and the alarms (Smart Data Models `Alert`) it raises.

An alarm is true when it was issued while the accident lasted or within `GRACE_S` after, no further than `REACH_M` from it. One
accident needs one true alarm; further true ones are no fault. What remains is false.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from madang.base.clock import from_iso
from madang.model.geometry import haversine_m
from madang.store.testbed.arms import Arm, Measure
from madang.store.testbed.traffic import TRAVEL, Traffic

REACH_M, GRACE_S = 300.0, 120.0
EVERY_S, LASTS_S, LEAD_S = 300, 240.0, 60
_OWN = (
    Measure("alarms_found", "1", "more"),
    Measure("alarms_false", "1", "less"),
    Measure("alarm_after", "s", "less"),
)


@dataclass(frozen=True)
class Happening:
    """One accident; `at` is longitude, latitude; times are epoch seconds."""

    at: tuple[float, float]
    since_s: float
    until_s: float


@dataclass(frozen=True)
class Alarm:
    """One alert as it was issued."""

    at: tuple[float, float]
    issued_s: float


class Alarms:
    """An accident each five minutes, of four minutes, at a busy place that the seed draws."""

    measures, reads, is_hidden = (*_OWN, *TRAVEL), ("Alert",), True

    def script(self, seed: int, seconds: int) -> list[dict[str, Any]]:
        chance = random.Random(f"alarms/{seed}")
        begins = range(LEAD_S, max(LEAD_S + 1, seconds - int(LASTS_S)), EVERY_S)
        return [
            {
                "kind": "accident",
                "commandId": f"urn:ngsi-ld:Command:testbed:{seed}-{number}",
                "at_s": at + chance.randrange(EVERY_S // 5),
                "duration_s": LASTS_S,
            }
            for number, at in enumerate(begins)
        ]

    def values(self, arm: Arm) -> dict[str, float | None]:
        happened, raised = list(happenings(arm.truth)), [one for one in map(alarm_of, arm.said) if one is not None]
        after = [first for one in happened if (first := found_after_s(one, raised)) is not None]
        false = sum(not any(is_true(alarm, one) for one in happened) for alarm in raised)
        return Traffic().values(arm) | {
            "alarms_found": len(after) / len(happened) if happened else None,
            "alarms_false": float(false),
            "alarm_after": statistics.fmean(after) if after else None,
        }


def happenings(truth: list[dict[str, Any]]) -> Iterator[Happening]:
    """Accidents from what the field tells of their begin and end; one that lasts has no end yet."""
    ends = {one["id"]: from_iso(one["time"]).timestamp() for one in truth if one["status"] == "solved"}
    for one in truth:
        if one["kind"] == "accident" and one["status"] == "onGoing":
            until = ends.get(one["id"], float("inf"))
            yield Happening((one["lon"], one["lat"]), from_iso(one["time"]).timestamp(), until)


def alarm_of(entity: Mapping[str, Any]) -> Alarm | None:
    """Of an Alert in concise form; None without a point or a time."""
    place, issued = _value(entity.get("location")), _value(entity.get("dateIssued"))
    try:
        lon, lat = place["coordinates"]
        return Alarm((float(lon), float(lat)), from_iso(issued).timestamp())
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


def is_true(alarm: Alarm, one: Happening) -> bool:
    in_time = one.since_s <= alarm.issued_s <= one.until_s + GRACE_S
    return in_time and haversine_m(*alarm.at, *one.at) <= REACH_M


def found_after_s(one: Happening, alarms: list[Alarm]) -> float | None:
    """Seconds from the accident to the first true alarm."""
    return min((alarm.issued_s - one.since_s for alarm in alarms if is_true(alarm, one)), default=None)


def _value(attribute: Any) -> Any:
    inner = attribute.get("value", attribute) if isinstance(attribute, Mapping) else attribute
    return inner.get("@value", inner) if isinstance(inner, Mapping) else inner
