"""Delay per completed trip: timeLoss + departDelay of SUMO's finished trips, since the city began and of the last ten minutes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

WINDOW_S = 600.0
_DEVICE = "device.tripinfo.vehicleTripStatistics."
_BIKES = "device.tripinfo.bikeTripStatistics."


@dataclass(frozen=True)
class Totals:
    """Trips completed, their summed delay in s, vehicles on the road, teleports, people on foot; since the simulator started."""

    trips: int
    delay_s: float
    running: int
    teleports: int
    walking: int = 0


def read_totals(sumo: Any) -> Totals:
    """Reads the tripinfo device's own means; they have two decimals, so a sum is exact to 0.01 s a trip."""
    read = sumo.simulation.getParameter
    trips, delay = 0, 0.0
    for group in (_DEVICE, _BIKES):
        count = int(read("", group + "count"))
        lost = float(read("", group + "timeLoss")) + float(read("", group + "departDelay"))
        trips, delay = trips + count, delay + count * lost
    running = int(read("", "stats.vehicles.running"))
    return Totals(trips, delay, running, int(read("", "stats.teleports.total")), sumo.person.getIDCount())


@dataclass
class Kpi:
    """Keeps the recent past; `carried` is what runs before a restart had counted, less what the warm-up had (trips, delay
    s, teleports)."""

    carried: tuple[int, float, int] = (0, 0.0, 0)
    past: deque[tuple[float, int, float]] = field(default_factory=deque)
    latest: tuple[int, float, int] = (0, 0.0, 0)

    def begin(self, totals: Totals) -> None:
        """Count from here: trips that ended in the warm-up ended before any app could help them."""
        self.carried = (-totals.trips, -totals.delay_s, -totals.teleports)
        self.latest = (0, 0.0, 0)
        self.past.clear()

    def payload(self, time: str, now_s: float, totals: Totals) -> dict[str, Any]:
        """The message of docs/ARCHITECTURE.md; means are null until a trip was completed."""
        trips, delay = totals.trips + self.carried[0], totals.delay_s + self.carried[1]
        teleports = totals.teleports + self.carried[2]
        self.latest = (trips, delay, teleports)
        self.past.append((now_s, trips, delay))
        while len(self.past) > 1 and self.past[0][0] < now_s - WINDOW_S:
            self.past.popleft()
        _, trips_then, delay_then = self.past[0]
        recent = trips - trips_then
        return {
            "time": time,
            "delay_s": round(delay / trips, 2) if trips else None,
            "delay_recent_s": round(max(0.0, delay - delay_then) / recent, 2) if recent else None,
            "vehicles": trips,
            "running": totals.running,
            "teleports": teleports,
            "pedestrians": totals.walking,
        }

    def snapshot(self) -> dict[str, Any]:
        return {"latest": list(self.latest), "past": [list(row) for row in self.past]}

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue the counts; the new simulator counts from zero."""
        trips, delay, teleports = saved["latest"]
        self.carried = self.latest = (trips, delay, teleports)
        self.past = deque((row[0], row[1], row[2]) for row in saved["past"])
