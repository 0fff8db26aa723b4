"""The pool of routes: which ways people take through the network, and how much of the traffic takes each.

Origins and destinations are weighted by what the network shows: streets that the map's edge cuts carry the traffic of
the world outside by class and lanes; streets inside make and end trips by their length. Ways are found by repeated
cheapest paths while busy streets get slower (method of successive averages), so that no street is asked for more than
it can take. Chance enters only through the given seed.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from madang.twin.traffic.graph import Graph, cheapest_from, core_edges, path_to
from madang.twin.traffic.net import Edge, Net

FRINGE_WEIGHT = {"motorway": 14.0, "trunk": 12.0, "primary": 10.0, "secondary": 7.0, "tertiary": 4.0}
FRINGE_OTHER = 1.0
INNER_PER_KM = {"residential": 1.6, "unclassified": 1.6, "service": 0.6, "tertiary": 1.0, "living_street": 0.8}
LANE_VEH_H, SIGNAL_LANE_VEH_H = 1300.0, 620.0
PAIRS_PER_ORIGIN = 24
MIN_TRIP_M = 350.0
ORIGINS_MIN, ORIGINS_MAX = 60, 180  # more origins are drawn by weight: a search per origin is what a large city costs
ROUNDS_MIN, ROUNDS_MAX = 2, 8
LIGHT_TRAFFIC_VEH_H = 500
VISITS_MAX = 4_000_000  # edges looked at in all searches of one pool, about 10 s


@dataclass(slots=True)
class Pool:
    """`routes[i]` (edge ids) takes `weights[i]` of the traffic; weights add up to 1."""

    routes: list[list[str]]
    weights: list[float]

    def flow_by_edge(self) -> dict[str, float]:
        """Share of all trips that pass each edge."""
        flow: dict[str, float] = {}
        for route, weight in zip(self.routes, self.weights, strict=True):
            for edge in route:
                flow[edge] = flow.get(edge, 0.0) + weight
        return flow


def road_class(edge: Edge) -> str:
    """`highway.primary_link|x` -> `primary`."""
    return edge.kind.split("|")[0].removeprefix("highway.").removesuffix("_link")


def make_pool(
    net: Net,
    graph: Graph,
    trips_per_h: float,
    seed: int = 1,
    capacity: dict[str, float] | None = None,
) -> Pool:
    """Routes for a traffic of about `trips_per_h`. The same arguments give the same pool.

    `capacity` tells what the signals' plans let through, in vehicles an hour by edge, where plans are known.
    """
    room = default_capacity(net, graph) | {k: v for k, v in (capacity or {}).items() if k in graph.edges}
    rng = random.Random(seed)
    origins, ends = _ends(graph, core_edges(graph))
    most = max(ORIGINS_MIN, min(ORIGINS_MAX, VISITS_MAX // (ROUNDS_MIN * max(1, len(graph.edges)))))
    origins = _sample(origins, most, rng)
    rounds = max(ROUNDS_MIN, min(ROUNDS_MAX, VISITS_MAX // max(1, len(origins) * len(graph.edges))))
    if trips_per_h < LIGHT_TRAFFIC_VEH_H:  # too few to slow each other: every round would find the same ways
        rounds = 1
    pairs = _pairs(net, graph, origins, ends, rng)
    flow = dict.fromkeys(graph.edges, 0.0)
    share: dict[tuple[str, ...], float] = {}
    for turn in range(1, rounds + 1):
        cost = _costs(graph, flow, room)
        found = _assign(graph, pairs, cost)
        new = dict.fromkeys(graph.edges, 0.0)
        for route, weight in found.items():
            for edge in route:
                new[edge] += weight * trips_per_h
        flow = {edge: old + (new[edge] - old) / turn for edge, old in flow.items()}
        share = {route: weight * (turn - 1) / turn for route, weight in share.items()}
        for route, weight in found.items():
            share[route] = share.get(route, 0.0) + weight / turn
    total = sum(share.values())
    kept = sorted(share.items())
    return Pool([list(route) for route, _ in kept], [weight / total for _, weight in kept])


def _sample(origins: dict[str, float], most: int, rng: random.Random) -> dict[str, float]:
    """At most `most` origins, drawn by weight; what is drawn twice counts twice."""
    if len(origins) <= most:
        return origins
    share = sum(origins.values()) / most
    drawn: dict[str, float] = {}
    for key in rng.choices(list(origins), list(origins.values()), k=most):
        drawn[key] = drawn.get(key, 0.0) + share
    return dict(sorted(drawn.items()))


def _ends(graph: Graph, core: set[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Weights of the edges where trips start and end. Fringe edges lie just outside the strongly connected core."""
    origins: dict[str, float] = {}
    ends: dict[str, float] = {}
    for key, edge in sorted(graph.edges.items()):
        lanes = sum(lane.permits(graph.vclass) for lane in edge.lanes)
        outer = FRINGE_WEIGHT.get(road_class(edge), FRINGE_OTHER) * lanes
        inner = INNER_PER_KM.get(road_class(edge), 0.0) * edge.length_m / 1000 * 4
        if not graph.before[key] and any(after in core for after, _ in graph.after[key]):
            origins[key] = outer
        elif not graph.after[key] and any(before in core for before in graph.before[key]):
            ends[key] = outer
        elif key in core and edge.length_m > 30 and inner:
            origins[key] = ends[key] = inner
    return origins, ends


def _pairs(
    net: Net, graph: Graph, origins: dict[str, float], ends: dict[str, float], rng: random.Random
) -> list[tuple[str, str, float]]:
    """Origin, destination, share of trips. Near pairs and pairs on opposite sides of one street are left out."""
    pairs: list[tuple[str, str, float]] = []
    for origin, weight in origins.items():
        here = net.junctions[graph.edges[origin].start].at
        far = {
            end: value
            for end, value in ends.items()
            if end != origin and math.dist(here, net.junctions[graph.edges[end].end].at) >= MIN_TRIP_M
        }
        if not far:
            continue
        chosen = rng.choices(list(far), list(far.values()), k=PAIRS_PER_ORIGIN)
        pairs += [(origin, end, weight / PAIRS_PER_ORIGIN) for end in chosen]
    total = sum(weight for *_, weight in pairs)
    return [(origin, end, weight / total) for origin, end, weight in pairs]


def default_capacity(net: Net, graph: Graph) -> dict[str, float]:
    """Vehicles an hour each edge takes, with signals halving what a lane can take."""
    room: dict[str, float] = {}
    for key, edge in graph.edges.items():
        lanes = sum(lane.permits(graph.vclass) for lane in edge.lanes)
        signal = net.junctions[edge.end].kind.startswith("traffic_light")
        room[key] = lanes * (SIGNAL_LANE_VEH_H if signal else LANE_VEH_H)
    return room


def _costs(graph: Graph, flow: dict[str, float], room: dict[str, float]) -> dict[str, float]:
    """Seconds per edge under a flow (BPR)."""
    cost: dict[str, float] = {}
    for key in graph.edges:
        # The delay of a full edge does not shrink with its length, so a fixed part is added.
        ratio = min(3.0, flow[key] / room[key])
        cost[key] = graph.time_s[key] * (1 + 0.6 * ratio**4) + 40.0 * ratio**4
    return cost


def _assign(graph: Graph, pairs: list[tuple[str, str, float]], cost: dict[str, float]) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    by_origin: dict[str, list[tuple[str, float]]] = {}
    for origin, end, weight in pairs:
        by_origin.setdefault(origin, []).append((end, weight))
    for origin, targets in by_origin.items():
        came = cheapest_from(graph, origin, cost)
        for end, weight in targets:
            route = tuple(path_to(came, end))
            if len(route) > 1:
                found[route] = found.get(route, 0.0) + weight
    return found
