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
from signals.model import Junction
from signals.plant import make_plant
from signals.rollout import Model
from signals.sight import USUAL_MPS, Seen, Sight

REACH_M = 200.0
CAR_M = 7.0
ENOUGH = 4.0  # vehicles that fit behind a link: fewer slow it, none nearly stops it
NO_ROOM, SHORT = 0.1, 0.3


@dataclass
class FullEyes:
    """What published controllers see: vehicles by the link that they go to, up to REACH_M, and the lanes behind."""

    sumo: Any
    junctions: Sequence[Junction]
    onto: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    length_m: dict[str, float] = field(default_factory=dict)
    leads: dict[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for junction in self.junctions:
            for link, ways in enumerate(self.sumo.trafficlight.getControlledLinks(junction.id)):
                if ways:
                    self.onto[junction.id, link] = [way[1] for way in ways]
                    self.leads |= {way[0]: (junction.id, link) for way in ways}
        self.length_m = {lane: self.sumo.lane.getLength(lane) for lanes in self.onto.values() for lane in lanes}

    def vehicles(self) -> dict[str, list[Seen]]:
        """Who comes to a junction, also over another one as soon as that lets them go."""
        seen: dict[str, list[Seen]] = {junction.id: [] for junction in self.junctions}
        for name in self.sumo.vehicle.getIDList():
            speed = self.sumo.vehicle.getSpeed(name)
            for signal, link, distance, state in self.sumo.vehicle.getNextTLS(name):
                if distance > REACH_M:
                    break
                if signal in seen:
                    seen[signal].append(Seen(distance, speed, link, name))
                if state not in GREEN:
                    break
                speed = max(speed, USUAL_MPS)
        return seen

    def room(self) -> dict[tuple[str, int], float]:
        """Links behind which few vehicles fit any more, by the lane with most room."""
        found = {lane: self._room(lane) for lane in self.length_m}
        return {way: max(found[lane] for lane in lanes) for way, lanes in self.onto.items()}

    def _room(self, lane: str) -> float:
        most = self.length_m[lane] / CAR_M
        if self.sumo.lane.getLastStepHaltingNumber(lane) == 0:
            return 1.0 if most >= ENOUGH or self._flows(lane) else SHORT
        return max(NO_ROOM, min(1.0, (most - self.sumo.lane.getLastStepVehicleNumber(lane)) / ENOUGH))

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

    def _decide(self, traffic: Any, seen: dict[str, list[Seen]], now_s: float) -> list[tuple[str, int]]:
        mine = [self.signals[junction.id] for junction in self.junctions]
        least = [junction.min_green_s[0] for junction in self.junctions]
        ripe = [s.on_the_way is None and now_s - s.since_s >= m for s, m in zip(mine, least, strict=True)]
        rows = np.flatnonzero(ripe)
        if not len(rows):
            return []
        stage = np.array([mine[row].stage for row in rows])
        green_s = np.array([now_s - mine[row].since_s for row in rows])
        overdue_s = self._overdue(seen, now_s)[rows]
        found = choose(self.plant.only(rows), traffic.only(rows), stage, green_s, overdue_s, self.model)
        return [(mine[row].id, int(one)) for row, one in zip(rows, found.stage, strict=True)]

    def _overdue(self, seen: dict[str, list[Seen]], now_s: float) -> Any:
        red = np.zeros((len(self.junctions), self.plant.protected.shape[2]))
        for row, junction in enumerate(self.junctions):
            for one in seen[junction.id]:
                red_s = now_s - self.signals[junction.id].red_since_s[one.link]
                red[row, one.link] = max(0.0, red_s - junction.max_red_s)
        return red

    def _show(self, signal: Signal, state: str | None) -> None:
        if state is not None:
            self.sumo.trafficlight.setRedYellowGreenState(signal.id, state)
