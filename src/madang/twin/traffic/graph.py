"""Streets as a graph of edges for one vehicle class, and cheapest ways through it. Pure."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from madang.twin.traffic.net import Edge, Net

TURN_S = {"s": 0.0, "r": 2.0, "R": 2.0, "l": 5.0, "L": 5.0, "t": 60.0, "invalid": 60.0}
SIGNAL_S = 12.0
MINOR_S = 4.0


@dataclass(slots=True)
class Graph:
    """`after[edge]` holds (next edge, turn cost in s); `time_s` the free-flow time of an edge."""

    vclass: str
    edges: dict[str, Edge]
    time_s: dict[str, float] = field(default_factory=dict)
    after: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    before: dict[str, list[str]] = field(default_factory=dict)


def make_graph(net: Net, vclass: str) -> Graph:
    """The part of the network a vehicle class may use."""
    edges = {key: edge for key, edge in net.edges.items() if edge.permits(vclass)}
    graph = Graph(vclass, edges)
    for key, edge in edges.items():
        speed = max(lane.speed_ms for lane in edge.lanes if lane.permits(vclass))
        graph.time_s[key] = edge.length_m / max(1.0, speed)
        graph.after[key] = []
        graph.before[key] = []
    seen: set[tuple[str, str]] = set()
    for link in net.links:
        pair = (link.source, link.target)
        if pair in seen or link.source not in edges or link.target not in edges:
            continue
        lanes = edges[link.source].lanes[link.source_lane], edges[link.target].lanes[link.target_lane]
        if link.permits(vclass) and lanes[0].permits(vclass) and lanes[1].permits(vclass):
            seen.add(pair)
            cost = TURN_S.get(link.direction, 0.0) + (SIGNAL_S if link.tl else 0.0)
            graph.after[link.source].append((link.target, cost))
            graph.before[link.target].append(link.source)
    return graph


def cheapest_from(graph: Graph, source: str, cost_s: dict[str, float]) -> dict[str, str | None]:
    """Dijkstra over edges: for every edge that can be reached, the edge before it (None for the source)."""
    best = {source: 0.0}
    came: dict[str, str | None] = {source: None}
    heap = [(0.0, source)]
    done: set[str] = set()
    while heap:
        cost, edge = heapq.heappop(heap)
        if edge in done:
            continue
        done.add(edge)
        for following, turn in graph.after[edge]:
            total = cost + turn + cost_s[following]
            if total < best.get(following, float("inf")):
                best[following] = total
                came[following] = edge
                heapq.heappush(heap, (total, following))
    return came


def path_to(came: dict[str, str | None], target: str) -> list[str]:
    """The edges from the source to `target`; empty when it cannot be reached."""
    if target not in came:
        return []
    path: list[str] = []
    edge: str | None = target
    while edge is not None:
        path.append(edge)
        edge = came[edge]
    return path[::-1]


def core_edges(graph: Graph) -> set[str]:
    """Edges of the largest set where each can be reached from each (Kosaraju: two sweeps)."""
    order = _finish_order(graph)
    seen: set[str] = set()
    best: set[str] = set()
    for start in reversed(order):
        if start in seen:
            continue
        group, stack = {start}, [start]
        while stack:
            for edge in graph.before[stack.pop()]:
                if edge not in seen and edge not in group:
                    group.add(edge)
                    stack.append(edge)
        seen |= group
        best = max(best, group, key=len)
    return best


def _finish_order(graph: Graph) -> list[str]:
    order: list[str] = []
    seen: set[str] = set()
    for root in sorted(graph.edges):
        if root in seen:
            continue
        seen.add(root)
        stack = [(root, iter(graph.after[root]))]
        while stack:
            edge, following = stack[-1]
            step = next((after for after, _ in following if after not in seen), None)
            if step is None:
                order.append(edge)
                stack.pop()
            else:
                seen.add(step)
                stack.append((step, iter(graph.after[step])))
    return order
