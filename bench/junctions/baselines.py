"""What the app is held against: SUMO's actuated control, max-pressure, and the bound that no signal can beat."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.junctions.maps import Map
from bench.junctions.street import Signal
from madang.ingest.sumo.plan import GREEN, is_stage
from madang.twin.traffic.net import Program

DECIDE_EVERY_S = 10
LEAST_S, LONGEST_S = 5.0, 50.0


def actuate(sumo: Any, programs: dict[str, Program]) -> None:
    """SUMO's gap-based actuated control on each map's own phases: green may last from 5 to 50 s, as RESCO's maps say."""
    for name, program in programs.items():
        phases = [
            sumo.trafficlight.Phase(seconds, state, *((LEAST_S, LONGEST_S) if is_stage(state) else (seconds, seconds)))
            for seconds, state in program.phases
        ]
        # 3: MSTLLogicType "actuated" of SUMO's TraCI.
        sumo.trafficlight.setProgramLogic(name, sumo.trafficlight.Logic("bench", 3, 0, phases))


@dataclass
class MaxPressure:
    """Varaiya (2013): every ten seconds the stage with the greatest sum, over its links, of vehicles before less those behind."""

    sumo: Any
    signals: dict[str, Signal]
    links: dict[str, list[tuple[str, str] | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.signals:
            ways = self.sumo.trafficlight.getControlledLinks(name)
            self.links[name] = [(way[0][0], way[0][1]) if way else None for way in ways]

    def step(self, now_s: float) -> None:
        for signal in self.signals.values():
            self._show(signal, signal.tick(now_s))
            if now_s % DECIDE_EVERY_S == 0 and signal.on_the_way is None:
                best = max(range(len(signal.stages)), key=lambda stage, s=signal: self._pressure(s, stage))
                self._show(signal, signal.go(best, now_s))

    def _pressure(self, signal: Signal, stage: int) -> float:
        count = self.sumo.lane.getLastStepVehicleNumber
        green = {way for way, c in zip(self.links[signal.id], signal.stages[stage], strict=True) if way and c in GREEN}
        return float(sum(count(lane) for lane in {a for a, _ in green}) - sum(count(b) for b in {b for _, b in green}))

    def _show(self, signal: Signal, state: str | None) -> None:
        if state is not None:
            self.sumo.trafficlight.setRedYellowGreenState(signal.id, state)


def open_all(scene: Map, folder: Path) -> Path:
    """A copy of a map's network in which nobody waits: no foes, everything green. No signal control can be better."""
    tree = ET.parse(scene.net)
    root = tree.getroot()
    for request in root.iter("request"):
        for matrix in ("response", "foes"):
            request.set(matrix, "0" * len(request.attrib[matrix]))
        request.set("cont", "0")
    for logic in root.findall("tlLogic"):
        phases = logic.findall("phase")
        for phase in phases[1:]:
            logic.remove(phase)
        phases[0].set("state", "G" * len(phases[0].attrib["state"]))
    path = folder / "open.net.xml"
    tree.write(path)
    return path
