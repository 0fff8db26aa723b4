"""How everybody travels: what an app that acts on signals, or on nothing at all, does to those in the streets."""

from __future__ import annotations

from typing import Any

from madang.store.testbed.arms import Arm, Measure

TRAVEL = (
    Measure("delay", "s", "less"),
    Measure("worst_delay", "s", "less"),
    Measure("waiting", "s", "less"),
    Measure("stops", "1", "less"),
    Measure("co2", "g", "less"),
    Measure("energy", "MJ", "less"),
    Measure("unfinished", "trips", "less"),
)


class Traffic:
    """Seven means over all trips; nothing happens but the day."""

    measures, reads, is_hidden = TRAVEL, (), False

    def script(self, seed: int, seconds: int) -> list[dict[str, Any]]:
        return []

    def values(self, arm: Arm) -> dict[str, float | None]:
        travel = arm.travel
        return {
            "delay": travel.delay_s,
            "worst_delay": travel.worst_delay_s,
            "waiting": travel.waiting_s,
            "stops": travel.stops,
            "co2": travel.co2_g,
            "energy": travel.energy_mj,
            "unfinished": float(travel.unfinished),
        }
