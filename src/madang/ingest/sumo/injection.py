"""What a person may throw into the simulated city: rain, an accident, an event. Pure: payload in, plan out.

Everything is drawn from the seed and the command's id, never from the traffic of the moment, so that the field and its
shadow suffer the same.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

RAIN_DEFAULT_MM_H, RAIN_MAX_MM_H = 6.0, 50.0
DURATION_DEFAULT_S, DURATION_MAX_S = 900.0, 7200.0
TRIPS_DEFAULT, TRIPS_MAX = 300, 2000
KINDS = ("rain", "accident", "event", "clear")


class Refused(ValueError):
    """An injection that is not possible; the text is the reason code."""


@dataclass
class Active:
    """One injection that runs until a simulated second. `place` is an edge, `vehicles` what it put on the road."""

    id: str
    kind: str
    since_s: float
    until_s: float
    place: str = ""
    amount: float = 0.0
    departures: list[tuple[float, str, str]] = field(default_factory=list)


def read_injection(payload: Mapping[str, Any], now_s: float, edges: Sequence[str], seed: int) -> Active:
    """An injection of a command payload. Raises Refused. `edges` are candidates, busiest first."""
    kind = payload.get("kind")
    if kind not in KINDS:
        raise Refused("unknown_kind")
    name = str(payload.get("commandId", ""))[:64]
    if not name:
        raise Refused("no_command_id")
    duration = _number(payload, "duration_s", DURATION_DEFAULT_S, 10.0, DURATION_MAX_S)
    made = Active(name, str(kind), now_s, now_s + duration)
    rng = random.Random(f"{seed}/{name}")
    if kind == "rain":
        made.amount = _number(payload, "intensity_mm_h", RAIN_DEFAULT_MM_H, 0.1, RAIN_MAX_MM_H)
    if kind in ("accident", "event"):
        made.place = _place(payload, edges, rng)
    if kind == "event":
        trips = int(_number(payload, "trips", TRIPS_DEFAULT, 1, TRIPS_MAX))
        made.amount = trips
        made.departures = sorted(
            (now_s + rng.random() * duration, rng.choice(edges), f"event-{name}-{i}") for i in range(trips)
        )
    return made


def _number(payload: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = payload.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise Refused("out_of_bounds:" + name)
    return float(value)


def _place(payload: Mapping[str, Any], edges: Sequence[str], rng: random.Random) -> str:
    wanted = payload.get("edge")
    if wanted is not None:
        if wanted not in edges:
            raise Refused("unknown_edge")
        return str(wanted)
    if not edges:
        raise Refused("no_place")
    return rng.choice(list(edges[: max(1, min(12, len(edges)))]))
