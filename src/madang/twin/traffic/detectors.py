"""Where induction loops lie: at the stop line and upstream of every lane a signal holds back. Pure but for writing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from madang.base.ids import subject_token
from madang.twin.traffic.net import Edge, Metres, Net

STOP_LINE_M = 1.0  # before the end of the lane
UPSTREAM_M = 50.0
UPSTREAM_MIN_M = 18.0  # a shorter lane has no upstream loop
CLASSES = ("passenger", "bus", "tram")


@dataclass(slots=True, frozen=True)
class Detector:
    """`role`: `stop` (queue at the line) or `upstream` (arrivals); `to_line_m` is the way left to the stop line."""

    id: str
    lane: str
    at_m: float
    to_line_m: float
    role: str
    tl: str
    lonlat: tuple[float, float]


def place_detectors(net: Net) -> list[Detector]:
    """All loops, by id. Ids come from the lane's id, so the same network has the same loops."""
    found: dict[str, Detector] = {}
    for tl in sorted(net.programs):
        for edge_id, index in sorted({(link.source, link.source_lane) for link in net.links_of(tl)}):
            edge = net.edges[edge_id]
            if any(edge.lanes[index].permits(vclass) for vclass in CLASSES):
                for detector in _on_lane(net, edge, index, tl):
                    found[detector.id] = detector
    return [found[key] for key in sorted(found)]


def _on_lane(net: Net, edge: Edge, index: int, tl: str) -> Iterable[Detector]:
    lane = edge.lanes[index]
    name = subject_token(lane.id)
    spots = [("stop", min(STOP_LINE_M, lane.length_m / 2))]
    if lane.length_m >= UPSTREAM_MIN_M:
        spots.append(("upstream", min(UPSTREAM_M, lane.length_m - 3.0)))
    for role, to_line in spots:
        at = round(lane.length_m - to_line, 2)
        place = net.to_lonlat(point_along(lane.shape, at))
        yield Detector(f"{name}_{role}", lane.id, at, round(to_line, 2), role, tl, place)


def point_along(shape: list[Metres], at_m: float) -> Metres:
    """The point `at_m` metres from a line's start; its end when the line is shorter."""
    left = at_m
    for (x1, y1), (x2, y2) in itertools.pairwise(shape):
        step = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
        if step >= left and step > 0:
            part = left / step
            return (x1 + (x2 - x1) * part, y1 + (y2 - y1) * part)
        left -= step
    return shape[-1]


def write_detectors(detectors: list[Detector], path: Path) -> None:
    """SUMO additional file; values are read through libsumo, nothing is written by SUMO."""
    lines = [
        f'    <inductionLoop id="{d.id}" lane="{d.lane}" pos="{d.at_m}" period="100000" file="NUL" friendlyPos="true"/>'
        for d in detectors
    ]
    path.write_text("<additional>\n" + "\n".join(lines) + "\n</additional>\n", encoding="utf-8")
