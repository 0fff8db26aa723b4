"""What goes wrong in a run on purpose: more demand, a lane that is blocked, detectors that die, a crowd that leaves an event.

Everybody has the same: the fixed plan and ours, for the same seed. Gridlock is told by who stands at the end and has not moved
for `STUCK_S`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

STRESSES = ("demand", "blocked", "dead", "surge")
DEMAND = 1.3
SURGE = 2.0
FROM_S, UNTIL_S = 1200, 2100
DEAD_AT_S = 1800
STUCK_S = 300.0
STALLED, CAR = "stalled", "DEFAULT_VEHTYPE"


@dataclass
class Stress:
    """Acts on a simulation that began at `begin_s`, before each second of it. `kind` one of STRESSES or nothing."""

    sumo: Any
    kind: str
    scale: float
    begin_s: int
    seed: int

    def step(self, now_s: int) -> None:
        """Nothing but at the moments at which it begins and ends."""
        elapsed_s = now_s - self.begin_s
        if self.kind == "surge" and elapsed_s in (FROM_S, UNTIL_S):
            self.sumo.simulation.setScale(self.scale * (SURGE if elapsed_s == FROM_S else 1.0))
        elif self.kind == "blocked" and elapsed_s == FROM_S:
            self._stall()

    def _stall(self) -> None:
        """A vehicle that stops in the middle of a lane before a signal, beside which there is another."""
        edge, lane = random.Random(self.seed).choice(self._lanes())
        middle_m = self.sumo.lane.getLength(f"{edge}_{lane}") / 2.0
        self.sumo.route.add(STALLED, [edge])
        self.sumo.vehicle.add(STALLED, STALLED, CAR, "now", str(lane), f"{middle_m - 1.0:.1f}", "0")
        self.sumo.vehicle.setStop(STALLED, edge, middle_m, lane, float(UNTIL_S - FROM_S))

    def _lanes(self) -> list[tuple[str, int]]:
        controlled = {
            name for tl in self.sumo.trafficlight.getIDList() for name in self.sumo.trafficlight.getControlledLanes(tl)
        }
        edges = sorted({name.rpartition("_")[0] for name in controlled if self._holds_cars(name)})
        lanes = {edge: self.sumo.edge.getLaneNumber(edge) for edge in edges}
        return [(edge, many - 1) for edge, many in lanes.items() if many > 1 and f"{edge}_{many - 1}" in controlled]

    def _holds_cars(self, lane: str) -> bool:
        kept = self.sumo.lane.getAllowed(lane)
        return self.sumo.lane.getLength(lane) > 40.0 and (not kept or "passenger" in kept)


def count_stuck(sumo: Any) -> int:
    """Vehicles that have not moved for STUCK_S."""
    return sum(sumo.vehicle.getWaitingTime(name) > STUCK_S for name in sumo.vehicle.getIDList() if name != STALLED)
