"""Fixed-time plans that fit the traffic: one common cycle, green by saturation, offsets along the heaviest streams.

This is the baseline the apps are measured against, so it must be what a careful engineer would set: Webster's idea
(green where the degree of saturation is highest), and green waves along the tree of the strongest flows between
signals. Pure.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from madang.twin.traffic.net import Link, Net, Program
from madang.twin.traffic.stages import (
    GREEN,
    MIN_GREEN_S,
    build_program,
    conflicts_of,
    green_states,
    made_safe,
    transition,
)

SATURATION_VEH_H = 1750.0
YIELDING_SHARE = 0.45  # what a stream that yields gets through, of one that has right of way
DEFAULT_CYCLE_S = 80.0
PROGRESSION_MS = 9.0
NEAR_M = 400.0

Turns = dict[tuple[str, str], float]  # veh/h from edge to edge


def turn_flows(routes: Iterable[list[str]], weights: Iterable[float], per_h: float) -> Turns:
    """Vehicles per hour from edge to edge."""
    flows: Turns = {}
    for route, weight in zip(routes, weights, strict=True):
        for pair in itertools.pairwise(route):
            flows[pair] = flows.get(pair, 0.0) + weight * per_h
    return flows


def make_plans(net: Net, turns: Turns, cycle_s: float = DEFAULT_CYCLE_S) -> dict[str, Program]:
    """A plan for every signal of the network."""
    greens: dict[str, list[float]] = {}
    stages = {
        tl: made_safe(green_states(program), conflicts_of(net, tl)) for tl, program in sorted(net.programs.items())
    }
    for tl, states in stages.items():
        greens[tl] = split_green(net.links_of(tl), states, turns, cycle_s)
    offsets = _offsets(net, stages, greens, turns, cycle_s)
    return {tl: build_program(tl, states, greens[tl], offsets[tl]) for tl, states in stages.items()}


def lane_flows(links: list[Link], turns: Turns) -> dict[tuple[str, int], float]:
    """Vehicles per hour on each controlled lane: a movement spreads evenly over the lanes that allow it."""
    lanes_of: dict[tuple[str, str], set[int]] = {}
    for link in links:
        lanes_of.setdefault((link.source, link.target), set()).add(link.source_lane)
    flow: dict[tuple[str, int], float] = {}
    for (source, target), lanes in lanes_of.items():
        for lane in lanes:
            flow[source, lane] = flow.get((source, lane), 0.0) + turns.get((source, target), 0.0) / len(lanes)
    return flow


def split_green(links: list[Link], states: list[str], turns: Turns, cycle_s: float) -> list[float]:
    """Seconds of green per stage: the least each, then second by second to the stage of the fullest lane."""
    lost = sum(sum(d for d, _ in transition(s, states[(i + 1) % len(states)])) for i, s in enumerate(states))
    greens = [MIN_GREEN_S] * len(states)
    if len(states) < 2:
        return [cycle_s]
    flow = lane_flows(links, turns)
    share = {lane: [_share(links, lane, state) for state in states] for lane in flow}
    for _ in range(max(0, round(cycle_s - lost - sum(greens)))):
        worst, fullest = 0, -1.0
        for lane, amount in flow.items():
            given = sum(g * s for g, s in zip(greens, share[lane], strict=True))
            best = max(range(len(states)), key=lambda i: share[lane][i])
            if share[lane][best] == 0:
                continue
            fullness = (amount + 15.0) * cycle_s / (SATURATION_VEH_H * max(1.0, given))
            if fullness > fullest:
                worst, fullest = best, fullness
        greens[worst] += 1
    return greens


def plan_capacity(net: Net, programs: dict[str, Program]) -> dict[str, float]:
    """Vehicles an hour that the plans let through, by edge, over the lanes for cars."""
    room: dict[str, float] = {}
    for tl, program in sorted(programs.items()):
        links = net.links_of(tl)
        for edge, lane in sorted({(link.source, link.source_lane) for link in links}):
            if not net.lane(edge, lane).permits("passenger"):
                continue
            own = [link for link in links if link.permits("passenger")]
            green = sum(duration * _share(own, (edge, lane), state) for duration, state in program.phases)
            room[edge] = room.get(edge, 0.0) + max(60.0, SATURATION_VEH_H * green / program.cycle_s)
    return room


def _share(links: list[Link], lane: tuple[str, int], state: str) -> float:
    """How well a lane flows in a state, 0..1: its weakest movement decides, for a lane serves in turn."""
    letters = [state[link.index or 0] for link in links if (link.source, link.source_lane) == lane]
    if not letters or not all(letter in GREEN for letter in letters):
        return 0.0 if not any(letter in GREEN for letter in letters) else 0.2
    return 1.0 if all(letter == "G" for letter in letters) else YIELDING_SHARE


def _offsets(
    net: Net, stages: dict[str, list[str]], greens: dict[str, list[float]], turns: Turns, cycle_s: float
) -> dict[str, float]:
    """Offsets so that, along the tree of the strongest streams, green opens when the platoon arrives."""
    streams = sorted(_streams(net, turns), key=lambda item: (-item[0], item[1:]))
    offsets: dict[str, float] = {}
    start = streams[0][1] if streams else next(iter(stages), "")
    for root in [start, *stages]:
        if root in offsets or root not in stages:
            continue
        offsets[root] = 0.0
        while True:
            edge = next((s for s in streams if (s[1] in offsets) != (s[2] in offsets)), None)
            if edge is None:
                break
            _, up, down, out_link, in_link, travel = edge
            opens_up = _opens(stages[up], greens[up], out_link)
            opens_down = _opens(stages[down], greens[down], in_link)
            if up in offsets:
                offsets[down] = (offsets[up] + opens_up + travel - opens_down) % cycle_s
            else:
                offsets[up] = (offsets[down] + opens_down - travel - opens_up) % cycle_s
    return {tl: float(round(offsets.get(tl, 0.0))) for tl in stages}


def _opens(states: list[str], greens: list[float], link: int) -> float:
    """When in the cycle the stage begins that serves the link best."""
    begin, best, found = 0.0, -1.0, 0.0
    for number, state in enumerate(states):
        value = greens[number] * (1.0 if state[link] == "G" else 0.5 if state[link] == "g" else 0.0)
        if value > best:
            best, found = value, begin
        begin += greens[number] + sum(d for d, _ in transition(state, states[(number + 1) % len(states)]))
    return found


def _streams(net: Net, turns: Turns) -> list[tuple[float, str, str, int, int, float]]:
    """(veh/h, upstream signal, downstream signal, link out, link in, travel s) between neighbouring signals."""
    heads: dict[str, Link] = {}
    for link in net.links:
        if link.tl in net.programs and link.index is not None:  # rail signals have a `tl` but no program
            best = heads.get(link.source)
            if best is None or turns.get((link.source, link.target), 0) > turns.get((best.source, best.target), 0):
                heads[link.source] = link
    following: dict[str, str] = {}
    for (source, target), amount in turns.items():
        if amount > turns.get((source, following.get(source, "")), 0.0):
            following[source] = target
    found = []
    for link in net.links:
        amount = turns.get((link.source, link.target), 0.0)
        if not link.tl or link.tl not in net.programs or link.index is None or amount < 20:
            continue
        edge, way_m = link.target, net.edges[link.target].length_m
        while edge not in heads and edge in following and way_m < NEAR_M:
            edge = following[edge]
            way_m += net.edges[edge].length_m
        head = heads.get(edge)
        if head and head.tl and head.tl != link.tl and way_m < NEAR_M:
            found.append((amount, link.tl, head.tl, link.index, head.index or 0, way_m / PROGRESSION_MS))
    return found
