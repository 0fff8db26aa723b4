"""Vehicles that somebody sees one by one (a camera's tracks, radar, vehicles that tell where they are) -> traffic. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .model import Junction
from .plant import Floats, Plant
from .traffic import STEP_S, STEPS, Traffic, no_traffic

SLOW_MPS, USUAL_MPS = 2.0, 7.0
LEADERS = 8
DOUBT = 0.3  # as if this many vehicles more were seen for each link: a lane's next vehicle may be any of its links'
FLOW_OVER_S = 300.0


@dataclass(frozen=True, order=True)
class Seen:
    """A vehicle that goes to `link` of a junction: metres to the stop line, m/s, and a name while it is in sight."""

    distance_m: float
    speed_mps: float
    link: int
    name: str


@dataclass
class Sight:
    """What eyes of `reach_m` know of the junctions of a plant. `flow_per_s` [J,L] is learned from who comes into sight."""

    junctions: Sequence[Junction]
    plant: Plant
    reach_m: float
    started_s: float
    known: list[frozenset[str]] = field(default_factory=list)
    flow_per_s: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.flow_per_s = np.zeros((len(self.junctions), self.plant.lanes))
        self.known = [frozenset() for _ in self.junctions]

    def look(self, seen: Mapping[str, Iterable[Seen]], room: Mapping[tuple[str, int], float], now_s: float) -> Traffic:
        """Traffic of vehicles by junction; `room` of a (junction, link) is 1 where nothing is told."""
        traffic = no_traffic(self.plant)
        for row, junction in enumerate(self.junctions):
            there = sorted(seen.get(junction.id, ()))
            self._learn(row, junction, there, now_s)
            self._place(traffic, row, junction, there)
            for link in range(len(junction.stages[0])):
                traffic.room[row, link] = room.get((junction.id, link), 1.0)
        return traffic

    def _learn(self, row: int, junction: Junction, there: list[Seen], now_s: float) -> None:
        new = np.zeros(self.plant.lanes)
        for one in there:
            if one.name not in self.known[row]:
                lanes = self.plant.lane_of[row, one.link]
                new += lanes / max(1.0, lanes.sum())
        self.known[row] = frozenset(one.name for one in there)
        part = max(1.0 / FLOW_OVER_S, 1.0 / (now_s - self.started_s + 1.0))
        self.flow_per_s[row] += part * (new - self.flow_per_s[row])

    def _place(self, traffic: Traffic, row: int, junction: Junction, there: list[Seen]) -> None:
        told: dict[int, list[int]] = {number: [] for number in range(len(junction.lanes))}
        for one in there:
            # Of lanes that share a link drivers take the shorter.
            number = min(map(int, np.flatnonzero(self.plant.lane_of[row, one.link])), key=lambda n: len(told[n]))
            told[number].append(one.link)
            step = int(_time_to_line_s(one) / STEP_S)
            if step <= 0:
                traffic.queue[row, number] += 1.0
            elif step < STEPS:
                traffic.arrivals[step, row, number] += 1.0
        for number, lane in enumerate(junction.lanes):
            beyond = int(self.reach_m / lane.speed_mps / STEP_S) + 1
            traffic.arrivals[beyond:, row, number] += self.flow_per_s[row, number] * STEP_S
            links = told[number][:LEADERS]
            traffic.first[row, number] = links[0] if links else -1
            for link in lane.links:
                seen = links.count(link) + DOUBT
                traffic.share[row, link] = seen / (len(links) + DOUBT * len(lane.links))


def _time_to_line_s(one: Seen) -> float:
    """Until who is seen would reach the line; who stands is as good as there."""
    if one.speed_mps < SLOW_MPS:
        return 0.0
    return max(0.0, one.distance_m / max(one.speed_mps, USUAL_MPS) - 1.0)
