"""The app's brain on a simulated street: its own `choose`, with eyes that see every vehicle near a signal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.junctions.street import Signal
from madang.ingest.sumo.plan import GREEN
from signals.decide import choose
from signals.join import stage_of, stages_now
from signals.model import Junction, Shown
from signals.plant import make_plant
from signals.rollout import Model
from signals.sight import SLOW_MPS, USUAL_MPS, Seen, Sight
from signals.traffic import Traffic

REACH_M = 200.0
CAR_M = 7.0
ENOUGH = 4.0  # vehicles that fit behind a link: fewer slow it, none nearly stops it
NO_ROOM, SHORT = 0.1, 0.3


@dataclass
class FullEyes:
    """What published controllers see: vehicles by the link that they go to, up to REACH_M, and the lanes behind. `whole` is
    the junction of a controller and its first link there, `within` the lanes between the controllers of one junction."""

    sumo: Any
    junctions: Sequence[Junction]
    onto: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    length_m: dict[str, float] = field(default_factory=dict)
    leads: dict[str, tuple[str, int]] = field(default_factory=dict)
    whole: dict[str, tuple[str, int]] = field(default_factory=dict)
    within: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for junction in self.junctions:
            for part in junction.members:
                self.whole[part.id] = junction.id, part.first
                for link, ways in enumerate(self.sumo.trafficlight.getControlledLinks(part.id)):
                    if ways:
                        self.onto[junction.id, part.first + link] = [way[1] for way in ways]
                        self.leads |= {way[0]: (part.id, link) for way in ways}
            self.within |= {out for lane in junction.lanes for _, other, out in lane.outs if other == junction.id}
        self.length_m = {lane: self.sumo.lane.getLength(lane) for lanes in self.onto.values() for lane in lanes}

    def vehicles(self) -> dict[str, list[Seen]]:
        """Who comes to a junction, also over another one as soon as that lets them go."""
        seen: dict[str, list[Seen]] = {junction.id: [] for junction in self.junctions}
        for name in self.sumo.vehicle.getIDList():
            speed = self.sumo.vehicle.getSpeed(name)
            for signal, link, distance, state in self.sumo.vehicle.getNextTLS(name):
                if distance > REACH_M:
                    break
                if signal in self.whole:
                    junction, first = self.whole[signal]
                    seen[junction].append(Seen(distance, speed, first + link, name))
                if state not in GREEN:
                    break
                speed = max(speed, USUAL_MPS)
        return seen

    def room(self) -> dict[tuple[str, int], float]:
        """Links behind which few vehicles fit any more, by the lane with most room."""
        found = {lane: self._room(lane) for lane in self.length_m}
        return {way: max(found[lane] for lane in lanes) for way, lanes in self.onto.items()}

    def _room(self, lane: str) -> float:
        if lane in self.within:
            return 1.0  # whatever feeds it drains it
        most, there = self.length_m[lane] / CAR_M, self.sumo.lane.getLastStepVehicleIDs(lane)
        if not there or self.sumo.lane.getLastStepHaltingNumber(lane) == 0:
            return 1.0 if most >= ENOUGH or self._flows(lane) else SHORT
        fits = most - len(there)
        # The last may stand at the lane's begin though there is room before it: it waits to change lanes.
        if self.sumo.vehicle.getSpeed(there[0]) < SLOW_MPS:
            fits = min(fits, self.sumo.vehicle.getLanePosition(there[0]) / CAR_M - 1.0)
        return max(NO_ROOM, min(1.0, fits / ENOUGH))

    def _flows(self, lane: str) -> bool:
        """Whether a lane that holds hardly anybody lets them on at once."""
        ahead = self.leads.get(lane)
        return ahead is None or self.sumo.trafficlight.getRedYellowGreenState(ahead[0])[ahead[1]] in GREEN


@dataclass
class Adaptive:
    """Ours. `decided_s` is the CPU time of deciding, without that of the simulator's answers."""

    sumo: Any
    junctions: Sequence[Junction]
    signals: dict[str, Signal]
    eyes: FullEyes
    started_s: float
    model: Model = field(default_factory=Model)
    decided_s: float = 0.0
    decisions: int = 0

    def __post_init__(self) -> None:
        self.plant = make_plant(self.junctions)
        self.sight = Sight(self.junctions, self.plant, REACH_M, self.started_s)

    def step(self, now_s: float) -> None:
        """Look, decide and show, before the simulator moves."""
        for signal in self.signals.values():
            self._show(signal, signal.tick(now_s))
        seen, room = self.eyes.vehicles(), self.eyes.room()
        began = time.process_time()
        traffic = self.sight.look(seen, room, now_s)
        wanted = self._decide(traffic, seen, now_s)
        self.decided_s += time.process_time() - began
        self.decisions += 1
        for name, stage in wanted:
            self._show(self.signals[name], self.signals[name].go(stage, now_s))

    def _decide(self, traffic: Traffic, seen: dict[str, list[Seen]], now_s: float) -> list[tuple[str, int]]:
        shown = {name: _shown(signal) for name, signal in self.signals.items()}
        whole = [stage_of(junction, shown) for junction in self.junctions]
        may = np.zeros(self.plant.valid.shape, dtype=bool)
        for row, junction in enumerate(self.junctions):
            may[row, : len(junction.stages)] = stages_now(junction, shown, now_s)
        rows = np.flatnonzero(may.sum(1) > 1)
        if not len(rows):
            return []
        ripe = [(one.stage, one.since_s) for one in (whole[row] for row in rows) if one is not None]
        stage, green_s = np.array([one for one, _ in ripe]), now_s - np.array([since_s for _, since_s in ripe])
        overdue_s = self._overdue(seen, now_s)[rows]
        found = choose(self.plant.only(rows), traffic.only(rows), stage, green_s, overdue_s, self.model, may[rows])
        mine = [self.junctions[row] for row in rows.tolist()]
        return [
            (part.id, number)
            for junction, wanted in zip(mine, found.stage.tolist(), strict=True)
            for part, number in zip(junction.members, junction.stages_of(wanted), strict=True)
        ]

    def _overdue(self, seen: dict[str, list[Seen]], now_s: float) -> Any:
        red = np.zeros((len(self.junctions), self.plant.protected.shape[2]))
        for row, junction in enumerate(self.junctions):
            since = [at for part in junction.members for at in self.signals[part.id].red_since_s]
            for one in seen[junction.id]:
                red[row, one.link] = max(0.0, now_s - since[one.link] - junction.max_red_s)
        return red

    def _show(self, signal: Signal, state: str | None) -> None:
        if state is not None:
            self.sumo.trafficlight.setRedYellowGreenState(signal.id, state)


def _shown(signal: Signal) -> Shown:
    stage = signal.stage if signal.on_the_way is None else None
    return Shown(stage, signal.stages[signal.stage], signal.since_s)
