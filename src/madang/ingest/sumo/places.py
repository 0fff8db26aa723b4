"""Where in a network something may stand or happen: edges that cars may use, the widest first. Pure."""

from __future__ import annotations

import math
from itertools import pairwise

from madang.ingest.sumo.network import Network

Point = tuple[float, float]
STATION_EDGE_M, PLACE_EDGE_M = 40.0, 50.0


def busy_edges(net: Network) -> tuple[list[str], list[str], dict[str, Point]]:
    """Edges where an incident may happen; edges beside which a station may stand, widest first; the middles of those."""
    drivable = {e: lanes for e, lanes in net.edges.items() if any(_cars(net, lane) for lane in lanes)}
    length = {edge: net.lane_m[lanes[0]] for edge, lanes in drivable.items()}
    middles = {e: middle(net.lane_shape[lanes[0]]) for e, lanes in drivable.items() if length[e] > STATION_EDGE_M}
    wide = sorted(middles, key=lambda e: (-len(drivable[e]), -length[e], e))
    return [edge for edge in wide if length[edge] > PLACE_EDGE_M] or wide, wide, middles


def _cars(net: Network, lane: str) -> bool:
    allows = net.allows.get(lane, "")
    return "passenger" not in allows and "all" not in allows if allows.startswith("-") else "passenger" in allows


def middle(shape: list[Point]) -> Point:
    """The point halfway along a line."""
    half = sum(math.dist(a, b) for a, b in pairwise(shape)) / 2
    for (x1, y1), (x2, y2) in pairwise(shape):
        step = math.dist((x1, y1), (x2, y2))
        if step >= half > 0:
            part = half / step
            return x1 + (x2 - x1) * part, y1 + (y2 - y1) * part
        half -= step
    return shape[-1]
