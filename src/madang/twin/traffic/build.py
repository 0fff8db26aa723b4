"""Extract -> everything the simulator needs, in one folder: network, stops, loops, plans and demand."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from madang.ingest.osm.data import Extract
from madang.twin.traffic.convert import build_net, set_programs
from madang.twin.traffic.detectors import Detector, place_detectors, write_detectors
from madang.twin.traffic.graph import make_graph
from madang.twin.traffic.lines import Line, Stop, make_lines, read_stops, write_stops
from madang.twin.traffic.net import Net, read_net
from madang.twin.traffic.plans import Turns, make_plans, plan_capacity, turn_flows
from madang.twin.traffic.pool import Pool, make_pool
from madang.twin.traffic.walks import make_walks

FITTING_ROUNDS = 2
PRIVATE_MODES = {"car": "passenger", "bicycle": "bicycle"}
ON_FOOT = "pedestrian"
Progress = Callable[[str, float], None]


@dataclass(slots=True)
class TrafficSettings:
    """What a city may set: peak departures an hour of each private mode, the signals' common cycle."""

    peak_per_h: dict[str, float]
    cycle_s: float = 90.0
    seed: int = 1


@dataclass(slots=True)
class Traffic:
    """What was built. `counts` and `left_out` are for import.json."""

    net: Net
    detectors: list[Detector]
    lines: list[Line]
    stops: dict[str, Stop]
    counts: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)


def read_profile() -> dict[str, Any]:
    """The default day: `private`, `lines`, `types`."""
    return tomllib.loads((Path(__file__).parent / "profile.toml").read_text(encoding="utf-8"))


def build_traffic(extract: Extract, out_dir: Path, settings: TrafficSettings, progress: Progress) -> Traffic:
    """Writes net.net.xml, stops.add.xml, detectors.add.xml and demand/demand.json into `out_dir`."""
    progress("network", 0.0)
    warned = build_net(extract, out_dir)
    net = read_net(out_dir / "net.net.xml")
    progress("demand", 0.4)
    graphs = {mode: make_graph(net, mode) for mode in ("bus", "tram")}
    stops = read_stops(out_dir / "stops.xml")
    lines, left_out = make_lines(out_dir / "lines.xml", stops, graphs)
    profile = read_profile()
    pools = fit_plans_and_ways(net, lines, profile, settings)
    if settings.peak_per_h.get(ON_FOOT):
        pools[ON_FOOT] = make_walks(net, [stop.edge for stop in stops.values()], settings.seed)
    progress("signals", 0.8)
    set_programs(out_dir / "net.net.xml", net.programs)
    write_stops(stops, {stop for line in lines for stop in line.stops}, net, out_dir / "stops.add.xml")
    detectors = place_detectors(net)
    write_detectors(detectors, out_dir / "detectors.add.xml")
    _write_demand(out_dir, pools, lines, profile, settings)
    for name in ("traffic.osm", "stops.xml", "lines.xml"):
        (out_dir / name).unlink(missing_ok=True)
    traffic = Traffic(net, detectors, lines, stops)
    traffic.counts = _counts(traffic, pools) | {"netconvert_warnings": int(str(warned["warnings"]))}
    traffic.left_out = {f"line: {reason}": count for reason, count in sorted(left_out.items())}
    return traffic


def fit_plans_and_ways(
    net: Net, lines: list[Line], profile: dict[str, Any], settings: TrafficSettings
) -> dict[str, Pool]:
    """Drivers choose ways by what the signals let through, signals are timed by the ways chosen: a few rounds of both.

    Leaves the last plans in `net.programs`.
    """
    asked = {mode: per_h for mode, per_h in sorted(settings.peak_per_h.items()) if mode in PRIVATE_MODES and per_h > 0}
    graphs = {mode: make_graph(net, PRIVATE_MODES[mode]) for mode in asked}
    pools: dict[str, Pool] = {}
    given = dict(net.programs)
    room: dict[str, float] | None = None
    for turn in range(FITTING_ROUNDS):
        for mode, per_h in asked.items():
            if mode == "car" or turn == 0:
                pools[mode] = make_pool(net, graphs[mode], per_h, settings.seed, room if mode == "car" else None)
        net.programs = given
        net.programs = make_plans(net, all_turns(pools, settings.peak_per_h, lines, profile), settings.cycle_s)
        room = plan_capacity(net, net.programs)
    return pools


def all_turns(pools: dict[str, Pool], peak: dict[str, float], lines: list[Line], profile: dict[str, Any]) -> Turns:
    """Expected vehicles an hour from edge to edge in the morning peak; a bus or tram weighs as two cars."""
    turns: Turns = {}
    streams = [turn_flows(pool.routes, pool.weights, peak[mode] * 0.94) for mode, pool in pools.items()]
    for line in lines:
        headway = profile["lines"][line.service][8] * line.headway_factor
        if headway:
            streams.append(turn_flows([line.edges], [1.0], 2 * 3600 / headway))
    for stream in streams:
        for pair, amount in stream.items():
            turns[pair] = turns.get(pair, 0.0) + amount
    return turns


def _counts(traffic: Traffic, pools: dict[str, Pool]) -> dict[str, int]:
    counts = {
        "edges": len(traffic.net.edges),
        "signals": len(traffic.net.programs),
        "detectors": len(traffic.detectors),
        "lines": len(traffic.lines),
    }
    return counts | {f"routes_{mode}": len(pool.routes) for mode, pool in pools.items()}


def _write_demand(
    out_dir: Path, pools: dict[str, Pool], lines: list[Line], profile: dict[str, Any], settings: TrafficSettings
) -> None:
    demand = {
        "peak_per_h": settings.peak_per_h,
        "profile": {"private": profile["private"], "lines": profile["lines"]},
        "types": profile["types"],
        "modes": {
            mode: {"routes": [" ".join(route) for route in pool.routes], "weights": [round(w, 9) for w in pool.weights]}
            for mode, pool in sorted(pools.items())
        },
        "lines": [
            {
                "id": line.id,
                "line": line.line,
                "name": line.name,
                "mode": line.mode,
                "service": line.service,
                "edges": " ".join(line.edges),
                "stops": line.stops,
                "headway_factor": line.headway_factor,
            }
            for line in lines
        ],
    }
    (out_dir / "demand").mkdir(exist_ok=True)
    path = out_dir / "demand" / "demand.json"
    path.write_text(json.dumps(demand, ensure_ascii=False, sort_keys=True), encoding="utf-8")
