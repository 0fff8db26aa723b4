"""How far off the told arrivals were, by how long before they were told."""

from __future__ import annotations

from dataclasses import dataclass, field

from .dispatch import Arrival

HORIZONS_S = (60.0, 180.0, 300.0, 600.0)
TELLINGS_MAX = 40


@dataclass
class Accuracy:
    """`told`: by (vehicle, stop) when something was told and what; `missed`: by horizon how many, and s off in all."""

    told: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=dict)
    missed: dict[float, tuple[int, float]] = field(default_factory=dict)

    def tell(self, arrival: Arrival, now_s: float) -> None:
        row = self.told.setdefault((arrival.vehicle, arrival.stop), [])
        row.append((now_s, arrival.at_s))
        del row[:-TELLINGS_MAX]

    def came(self, vehicle: str, stop: str, at_s: float) -> None:
        """It is there: every telling is held against that."""
        for told_s, meant_s in self.told.pop((vehicle, stop), []):
            horizon = next((one for one in HORIZONS_S if at_s - told_s <= one), None)
            if horizon is not None and at_s > told_s:
                count, off_s = self.missed.get(horizon, (0, 0.0))
                self.missed[horizon] = count + 1, off_s + abs(meant_s - at_s)

    def forget(self, vehicle: str) -> None:
        """A vehicle left the road."""
        self.told = {key: row for key, row in self.told.items() if key[0] != vehicle}

    def mean_s(self) -> dict[float, tuple[float, int]]:
        """By horizon: mean absolute error in s, and of how many."""
        return {one: (off_s / count, count) for one, (count, off_s) in sorted(self.missed.items())}
