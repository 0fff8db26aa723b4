"""The simulated street of one run: its junctions as the app reads them from a city, and signals that obey.

The protocol is RESCO's: one hour, no teleports, the map's yellow and no all-red. The app's junctions are made from the
network by the same way as a city's import makes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bench.junctions.maps import Map
from madang.ingest.sumo.plan import GREEN, find_stages
from madang.twin.traffic.detectors import Detector
from madang.twin.traffic.entities import approaches_of, stages_of
from madang.twin.traffic.net import Net, Program, read_net
from madang.twin.traffic.stages import approach_states, conflicts_of
from signals.layout import make_junctions
from signals.model import Junction

MIN_GREEN_S, MAX_RED_S = 5.0, 120.0


def read_street(scene: Map, sumo: Any) -> tuple[Net, dict[str, Program]]:
    """The network with the programs that run (an additional file may hold others), letters as the map writes them."""
    net = read_net(scene.net)
    for name in sumo.trafficlight.getIDList():
        running = sumo.trafficlight.getProgram(name)
        logic = next(one for one in sumo.trafficlight.getAllProgramLogics(name) if one.programID == running)
        net.programs[name] = Program(name, running, 0.0, [(phase.duration, phase.state) for phase in logic.phases])
    return net, net.programs


def junctions_of(net: Net, scene: Map, detectors: list[Detector]) -> list[Junction]:
    """The app's junctions, times by the protocol."""
    return make_junctions([_controller(net, name, scene, detectors) for name in sorted(net.programs)])


def _controller(net: Net, name: str, scene: Map, detectors: list[Detector]) -> dict[str, Any]:
    links = [link for link in net.links_of(name) if link.index is not None]
    states = stages_with_approaches(net, name)
    green = [{"stage": n, "state": state, "duration_s": 30.0, "phase": n} for n, state in enumerate(states)]
    times = {"minGreen_s": MIN_GREEN_S, "yellow_s": scene.yellow_s, "allRed_s": 0.0, "maxRed_s": MAX_RED_S}
    return {
        "id": name,
        "stages": stages_of(net, name) | times | {"green": green},
        "approaches": approaches_of(net, links, detectors),
    }


def stages_with_approaches(net: Net, name: str) -> list[str]:
    """The map's own stages, and each approach alone: what an engineer who reads the network could approve."""
    states = list(find_stages(state for _, state in net.programs[name].phases))
    by_approach: dict[str, list[int]] = {}
    for link in net.links_of(name):
        by_approach.setdefault(link.source, []).append(link.index or 0)
    return states + approach_states(states, list(by_approach.values()), conflicts_of(net, name))


@dataclass
class Signal:
    """A signal that obeys at once, by the map's yellow: what the interlock guards in a city the app keeps to by itself here."""

    id: str
    stages: tuple[str, ...]
    yellow_s: float
    since_s: float
    stage: int = 0
    on_the_way: int | None = None
    green_at_s: float = 0.0
    red_since_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.red_since_s = [self.since_s] * len(self.stages[0])

    def tick(self, now_s: float) -> str | None:
        """A state to show from now on, when it changes."""
        shown = None
        if self.on_the_way is not None and now_s >= self.green_at_s:
            self.stage, self.on_the_way, self.since_s = self.on_the_way, None, now_s
            shown = self.stages[self.stage]
        if self.on_the_way is None:
            for link, letter in enumerate(self.stages[self.stage]):
                self.red_since_s[link] = now_s if letter in GREEN else self.red_since_s[link]
        return shown

    def go(self, stage: int, now_s: float) -> str | None:
        """Begin the change to a stage; the state to show from now on."""
        if stage == self.stage:
            return None
        old, new = self.stages[self.stage], self.stages[stage]
        if not any(a in GREEN and b not in GREEN for a, b in zip(old, new, strict=True)):
            self.stage, self.since_s = stage, now_s
            return new
        self.on_the_way, self.green_at_s = stage, now_s + self.yellow_s
        return "".join(_between(a, b) for a, b in zip(old, new, strict=True))


def _between(old: str, new: str) -> str:
    if old in GREEN:
        return old if new in GREEN else "y"
    return "s" if old == "s" else "r"
