"""Injections at work in the simulator: rain slows everybody, an accident blocks a lane, an event draws trips."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import asdict, dataclass, field
from typing import Any

from madang.ingest.sumo.injection import Active

log = logging.getLogger(__name__)

RAIN_SPEED, RAIN_TAU = 0.85, 1.25
HEAVY_RAIN_MM_H = 15.0


@dataclass
class Incidents:
    """What is going on. `speeds` are the dry limits of edges in m/s, `taus` the dry headways of vehicle types."""

    speeds: dict[str, float]
    active: list[Active] = field(default_factory=list)
    taus: dict[str, float] = field(default_factory=dict)

    def begin(self, sumo: Any, made: Active) -> None:
        """Put an injection to work; `clear` ends all others."""
        if made.kind == "clear":
            for other in self.active:
                other.until_s = made.since_s
            return
        self.active.append(made)
        if made.kind == "rain":
            self.wet(sumo)
        elif made.kind == "accident":
            self._block(sumo, made)

    def rain_mm_h(self) -> float:
        return max((a.amount for a in self.active if a.kind == "rain"), default=0.0)

    def step(self, sumo: Any, now_s: float) -> list[Active]:
        """Advance; gives the injections that ended now."""
        for event in self.active:
            while event.departures and event.departures[0][0] <= now_s:
                _, origin, name = event.departures.pop(0)
                _send(sumo, origin, event.place, name)
        ended = [a for a in self.active if a.until_s <= now_s]
        if ended:
            self.active = [a for a in self.active if a.until_s > now_s]
            for one in ended:
                self._end(sumo, one)
        return ended

    def _end(self, sumo: Any, one: Active) -> None:
        if one.kind == "rain":
            self.wet(sumo)
        if one.kind == "accident":
            # Gone whether it stands on the road or never found room to enter.
            with contextlib.suppress(sumo.TraCIException):
                sumo.vehicle.remove(f"accident-{one.id}")

    def wet(self, sumo: Any) -> None:
        """Set limits and headways to the rain of the moment (called again after a restart)."""
        rain = self.rain_mm_h()
        hard = min(1.0, rain / HEAVY_RAIN_MM_H) if rain else 0.0
        factor = 1.0 - (1.0 - RAIN_SPEED) * (0.5 + 0.5 * hard) if rain else 1.0
        for edge, speed in self.speeds.items():
            sumo.edge.setMaxSpeed(edge, speed * factor)
        for kind in sumo.vehicletype.getIDList():
            if kind.startswith("DEFAULT_"):
                continue
            dry = self.taus.setdefault(kind, sumo.vehicletype.getTau(kind))
            sumo.vehicletype.setTau(kind, dry * (RAIN_TAU if rain else 1.0))

    def _block(self, sumo: Any, made: Active) -> None:
        """A vehicle stands in the middle of the edge's right-hand lane that cars use."""
        name, lanes = f"accident-{made.id}", sumo.edge.getLaneNumber(made.place)
        lane = next((i for i in range(lanes) if _cars(sumo, f"{made.place}_{i}")), 0)
        at = sumo.lane.getLength(f"{made.place}_{lane}") * 0.6
        sumo.route.add(f"r-{name}", [made.place])
        sumo.vehicle.add(name, f"r-{name}", departLane=str(lane), departPos=f"{at - 6:.1f}", departSpeed="0")
        sumo.vehicle.setStop(name, made.place, at, lane, made.until_s - made.since_s + 60)

    def snapshot(self) -> dict[str, Any]:
        return {"active": [asdict(a) for a in self.active], "taus": self.taus}

    def restore(self, sumo: Any, saved: dict[str, Any]) -> None:
        self.taus = dict(saved["taus"])
        for row in saved["active"]:
            row["departures"] = [(d[0], d[1], d[2]) for d in row["departures"]]
            self.active.append(Active(**row))
        self.wet(sumo)


def _cars(sumo: Any, lane: str) -> bool:
    allowed, barred = sumo.lane.getAllowed(lane), sumo.lane.getDisallowed(lane)
    return "passenger" in allowed if allowed else "passenger" not in barred


def _send(sumo: Any, origin: str, target: str, name: str) -> None:
    """One trip to the event; an origin that cannot reach it sends nobody."""
    kind = "car" if "car" in sumo.vehicletype.getIDList() else "DEFAULT_VEHTYPE"
    way = sumo.simulation.findRoute(origin, target, kind).edges
    if not way:
        log.debug("no way from %s to %s", origin, target)
        return
    sumo.route.add(f"r-{name}", way)
    sumo.vehicle.add(name, f"r-{name}", kind, departLane="best", departSpeed="max")
