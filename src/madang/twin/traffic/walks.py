"""Where people walk: ways along streets that pedestrians may use, in either direction. Pure.

The network has no sidewalks and no crossings: those that netconvert guesses put links into the signals for which nobody
plans a stage. So people walk beside the traffic, not through it (docs/decisions/0014-pedestrians-beside-the-traffic.md).
"""

from __future__ import annotations

import random
from bisect import bisect_right
from itertools import accumulate

from madang.twin.traffic.graph import Graph, cheapest_from, path_to
from madang.twin.traffic.net import Net
from madang.twin.traffic.pool import Pool

ORIGINS = 120
ENDS_PER_ORIGIN = 5
WALK_MIN_M, WALK_MAX_M = 150.0, 1200.0


def walking_graph(net: Net) -> Graph:
    """Edges that pedestrians may use; from each to all that share a junction with it. `time_s` holds metres."""
    edges = {key: edge for key, edge in net.edges.items() if edge.permits("pedestrian")}
    meeting: dict[str, set[str]] = {}
    for key, edge in edges.items():
        meeting.setdefault(edge.start, set()).add(key)
        meeting.setdefault(edge.end, set()).add(key)
    graph = Graph("pedestrian", edges, {key: edge.length_m for key, edge in edges.items()})
    for key, edge in edges.items():
        near = (meeting[edge.start] | meeting[edge.end]) - {key}
        graph.after[key] = [(other, 0.0) for other in sorted(near)]
        graph.before[key] = sorted(near)
    return graph


def make_walks(net: Net, stop_edges: list[str], seed: int = 1) -> Pool:
    """Walks of `WALK_MIN_M` to `WALK_MAX_M`, drawn by seed: half of them to a stop, the others to a street by its length.
    Empty where nobody may walk."""
    graph = walking_graph(net)
    names, stops = sorted(graph.edges), sorted(set(stop_edges) & graph.edges.keys())
    if not names:
        return Pool([], [])
    rng = random.Random(f"{seed}:walks")
    ladder = list(accumulate(graph.time_s[name] for name in names))

    def street() -> str:
        return names[min(bisect_right(ladder, rng.random() * ladder[-1]), len(names) - 1)]

    routes: list[list[str]] = []
    for _ in range(ORIGINS):
        came = cheapest_from(graph, street(), graph.time_s)
        for number in range(ENDS_PER_ORIGIN):
            path = path_to(came, rng.choice(stops) if stops and number % 2 else street())
            if WALK_MIN_M <= sum(graph.time_s[edge] for edge in path) <= WALK_MAX_M:
                routes.append(path)
    return Pool(routes, [1.0 / len(routes)] * len(routes))
