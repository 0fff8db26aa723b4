"""The app as a city has it, on a simulated street: loops at the stop line and 50 m before it, and nothing else.

The detectors are those that a city's import places (`twin.traffic.detectors`); `coverage` is the share of approaches that have
them, drawn by seed. With noise a loop misses one vehicle in twenty and counts one in fifty twice, as inductive loops do.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.junctions.street import Signal
from madang.ingest.sumo.loops import Loop, Period, read_period, seen_from_line, write_loops
from madang.twin.traffic.detectors import Detector, place_detectors
from madang.twin.traffic.net import Net
from signals.city import City
from signals.model import Junction, Reading, Shown
from signals.rollout import Model

PERIOD_S = 2
MISSED, TWICE = 0.05, 0.02
COVERAGE = {"field": 1.0, "half": 0.5, "quarter": 0.25, "noise": 1.0}


def place(net: Net, eyes: str, seed: int) -> list[Detector]:
    """The detectors of the approaches that have any."""
    every = place_detectors(net)
    approaches = sorted({one.lane.rpartition("_")[0] for one in every})
    having = set(random.Random(seed).sample(approaches, round(len(approaches) * COVERAGE[eyes])))
    return [one for one in every if one.lane.rpartition("_")[0] in having]


def write(net: Net, detectors: Sequence[Detector], path: Path) -> None:
    """SUMO's file of them, a loop at a stop line where it sees a vehicle that stands a metre short of it."""
    length_m = {lane.id: lane.length_m for edge in net.edges.values() for lane in edge.lanes}
    loops = [Loop(one.id, one.lane, one.at_m) for one in detectors]
    write_loops(seen_from_line(loops, length_m), path, PERIOD_S)


@dataclass
class Field:
    """The app's own beliefs and choices (`City`), fed by loops alone. `dead_at_s`: from then on half of them are silent."""

    sumo: Any
    signals: dict[str, Signal]
    loops: list[str]
    junctions: list[Junction]
    chance: random.Random
    noisy: bool = False
    dead_at_s: float = float("inf")
    model: Model = field(default_factory=Model)
    decided_s: float = 0.0
    decisions: int = 0

    def __post_init__(self) -> None:
        self.city = City(model=self.model)
        self.city.steer(self.junctions)
        self.dying = set(self.chance.sample(self.loops, len(self.loops) // 2))

    def step(self, now_s: float) -> None:
        """Hear, decide and show, before the simulator moves."""
        for name, signal in self.signals.items():
            self._show(name, signal.tick(now_s))
            stage = signal.stage if signal.on_the_way is None else None
            if stage is not None or name not in self.city.shown:
                self.city.shown[name] = Shown(stage, signal.stages[signal.stage], signal.since_s)
            else:
                self.city.shown[name] = Shown(None, self._between(signal), self.city.shown[name].since_s)
        if now_s % PERIOD_S == 0:
            self._hear(now_s)
        began = time.process_time()
        wanted = self.city.wishes(now_s)
        self.decided_s += time.process_time() - began
        self.decisions += 1
        for name, stage in wanted:
            self._show(name, self.signals[name].go(stage, now_s))

    def _hear(self, now_s: float) -> None:
        for loop in self.loops:
            if now_s < self.dead_at_s or loop not in self.dying:
                period = read_period(self.sumo, loop)
                self.city.read(loop, Reading(self._counted(period), period.occupancy, now_s))

    def _counted(self, period: Period) -> float:
        if not self.noisy:
            return float(period.count)
        return float(sum(self._one() for _ in range(period.count)))

    def _one(self) -> int:
        drawn = self.chance.random()
        return 0 if drawn < MISSED else 2 if drawn > 1.0 - TWICE else 1

    def _between(self, signal: Signal) -> str:
        return str(self.sumo.trafficlight.getRedYellowGreenState(signal.id))

    def _show(self, name: str, state: str | None) -> None:
        if state is not None:
            self.sumo.trafficlight.setRedYellowGreenState(name, state)
