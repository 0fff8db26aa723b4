"""One simulated run of `city_signals`: the field's own parts without a network between them."""

from __future__ import annotations

import json
import tempfile
import xml.etree.ElementTree as ET
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import scene
from madang.base.ids import local_part
from madang.ingest.sumo import loops as loops_room
from madang.ingest.sumo import simulator
from madang.ingest.sumo.controller import SignalController
from madang.ingest.sumo.network import Network, read_network, read_stages
from madang.sdk.app import value_of
from signals import decide as rule
from signals import estimate, layout
from signals.model import Junction, Lane, Memory, Reading, Shown

DBG = None
HOLD_S = 30.0
RENEW_S = 20.0


@dataclass(frozen=True)
class Task:
    """One run: `app` False is the fixed programs; times in simulated s."""

    city: Path
    seed: int
    app: bool
    warmup: int
    seconds: int
    begin: int
    latency: int
    period: int
    every: int
    native: bool = False
    scale: float = 1.0
    settings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """Delay over all vehicles that wanted to leave within the measured hour, in s each."""

    delay_s: float
    completed_delay_s: float
    vehicles: int
    unfinished: int
    teleports: int
    switches: int
    refused: int


def junctions_of(city: Path, net: Network, loops: list[loops_room.Loop]) -> list[Junction]:
    """Junctions as the app makes them of the import's entities; of the network for a map without entities."""
    path = city / "entities.ndjson"
    if not path.exists():
        return make_junctions(net, loops)
    rows = [json.loads(line) for line in path.open(encoding="utf-8") if '"TrafficSignalController"' in line]
    plain = [{key: value_of(value) for key, value in row.items()} for row in rows]
    return layout.make_junctions([row | {"id": local_part(row["id"])} for row in plain])


def make_junctions(net: Network, loops: list[loops_room.Loop]) -> list[Junction]:
    """The app's junctions, as `signals.layout` makes them from the city's entities."""
    stop_of: dict[str, str] = {}
    far_of: dict[str, tuple[str, float]] = {}
    for loop in loops:
        to_line = net.lane_m[loop.lane] - loop.pos_m
        if to_line <= 10:
            stop_of[loop.lane] = loop.id
        else:
            far_of[loop.lane] = (loop.id, to_line)
    made = []
    links_onto: dict[str, list[Any]] = {}
    links_from: dict[str, int] = {}
    for link in net.links:
        links_onto.setdefault(link.onto.rsplit("_", 1)[0], []).append(link)
        links_from[link.lane] = links_from.get(link.lane, 0) + 1
    for name, plan in sorted(net.plans.items()):
        lanes: dict[str, list[Any]] = {}
        for link in net.links:
            if link.controller == name and not link.walk:
                lanes.setdefault(link.lane, []).append(link)
        made.append(
            Junction(
                id=name,
                stages=plan.stages,
                lanes=tuple(
                    _lane(net, lane, links, stop_of, far_of, links_onto, links_from)
                    for lane, links in sorted(lanes.items())
                ),
                min_green_s=plan.min_green_s,
                yellow_s=plan.yellow_s,
                all_red_s=plan.all_red_s,
                usual_s=tuple(max(p.duration_s for p in plan.program if p.state == state) for state in plan.stages),
                walks=plan.walks,
            )
        )
    return made


def _lane(
    net: Network,
    lane: str,
    links: list[Any],
    stop_of: dict[str, str],
    far_of: dict[str, Any],
    onto: dict[str, list[Any]],
    outs: dict[str, int],
) -> Lane:
    far, far_m = far_of.get(lane, (None, 0.0))
    exits = tuple(far_of[link.onto][0] for link in links if link.onto in far_of)
    edge = lane.rsplit("_", 1)[0]
    width = len([other for other in net.edges.get(edge, [lane])])
    feeders = tuple(
        (up.controller, up.lane, 1.0 / outs[up.lane] / width) for up in onto.get(edge, []) if up.lane in stop_of
    )
    index = tuple(link.index for link in links)
    return Lane(
        lane,
        lane.rsplit("_", 1)[0],
        index,
        stop_of.get(lane),
        far,
        far_m,
        net.lane_m[lane],
        net.lane_mps[lane],
        exits,
        feeders,
    )


def run(task: Task) -> Outcome:
    """Run and measure. Needs its own process."""
    net_file, loop_file = scene.net_of(task.city)
    net = read_network(net_file, read_stages(task.city / "entities.ndjson"))
    loops = loops_room.seen_from_line(loops_room.read_loops(loop_file), net.lane_m)
    with tempfile.TemporaryDirectory() as folder:
        trips, own = Path(folder) / "trips.xml", Path(folder) / "loops.xml"
        loops_room.write_loops(loops, own, task.period)
        total = task.warmup + task.seconds
        routes = scene.routes_of(task.city, Path(folder) / "trips.rou.xml", task.seed, task.begin, total, task.scale)
        out = ["--tripinfo-output", str(trips), "--tripinfo-output.write-unfinished", "true"]
        out += ["--tripinfo-output.write-undeparted", "true"]
        files = [*scene.more_of(task.city), own]
        sumo = simulator.start(simulator.Scene(net_file, routes, files, task.begin, task.seed, options=out))
        switches, refused = _drive(sumo, task, net, loops)
        teleports = int(sumo.simulation.getParameter("", "stats.teleports.total"))
        sumo.close()
        return _measure(trips, task, teleports, switches, refused)


def _drive(sumo: Any, task: Task, net: Network, loops: list[loops_room.Loop]) -> tuple[int, int]:
    known = set(sumo.trafficlight.getIDList())
    devices = {name: SignalController(plan) for name, plan in net.plans.items() if name in known}
    junctions = [j for j in junctions_of(task.city, net, loops) if j.id in devices and len(j.stages) > 1]
    memories = {j.id: Memory() for j in junctions}
    how = rule.Settings(**task.settings)
    inbox: deque[tuple[float, dict[str, Reading]]] = deque()
    views: deque[tuple[float, dict[str, Shown]]] = deque()
    orders: deque[tuple[float, str, int | None, float]] = deque()
    last: dict[str, tuple[int, float]] = {}
    fresh: dict[str, Reading] = {}
    switches = refused = 0
    for now in range(task.begin, task.begin + task.warmup + task.seconds):
        while orders and orders[0][0] <= now:
            _, name, stage, until = orders.popleft()
            verdict = devices[name].command("b", stage, until, now)
            refused += not verdict.done
            if DBG is not None and not verdict.done:
                DBG[verdict.reason, name] = DBG.get((verdict.reason, name), 0) + 1
        if not task.native:
            for name, device in devices.items():
                state = device.step(now)
                if state is not None:
                    sumo.trafficlight.setRedYellowGreenState(name, state)
                    switches += device.stage is not None
        sumo.simulation.step()
        if not task.app:
            continue
        if (now + 1 - task.begin) % task.period == 0:
            inbox.append((now + 1 + task.latency, _read(sumo, loops, now + 1)))
        views.append((now + 1 + task.latency, {n: Shown(d.stage, d.state, d.since_s) for n, d in devices.items()}))
        while inbox and inbox[0][0] <= now + 1:
            fresh |= inbox.popleft()[1]
        view: dict[str, Shown] = {}
        while views and views[0][0] <= now + 1:
            view = views.popleft()[1]
        if (now + 1 - task.begin) % task.every or not view:
            continue
        for junction in junctions:
            estimate.update(junction, memories[junction.id], fresh, view[junction.id], now + 1)
        rule.notice_jams(junctions, memories, view, now + 1, how)
        for junction in junctions:
            shown = view[junction.id]
            estimate.foresee(junction, memories)
            stage = rule.decide(junction, memories[junction.id], shown, now + 1, how=how)
            if stage is None:
                continue
            before = last.get(junction.id)
            if before is None or before[0] != stage or now - before[1] >= RENEW_S:
                asked = None if stage == rule.RELEASE else stage
                orders.append((now + 1 + task.latency, junction.id, asked, now + HOLD_S))
                last[junction.id] = (stage, now)
        fresh = {}
    return switches, refused


def _read(sumo: Any, loops: list[loops_room.Loop], now: int) -> dict[str, Reading]:
    found = {}
    for loop in loops:
        period = loops_room.read_period(sumo, loop.id)
        found[loop.id] = Reading(period.count, period.occupancy, now)
    return found


def _measure(trips: Path, task: Task, teleports: int, switches: int, refused: int) -> Outcome:
    start, end = task.begin + task.warmup, task.begin + task.warmup + task.seconds
    delays, done = [], []
    unfinished = 0
    for _, item in ET.iterparse(trips):
        if item.tag != "tripinfo":
            continue
        told = item.attrib
        depart, waited = float(told["depart"]), float(told["departDelay"])
        wanted = depart - waited if depart >= 0 else end - waited
        if not start <= wanted < end:
            continue
        delay = max(0.0, float(told["timeLoss"])) + waited
        delays.append(delay)
        if float(told["arrival"]) >= 0:
            done.append(delay)
        else:
            unfinished += 1
    mean = sum(delays) / max(1, len(delays))
    return Outcome(mean, sum(done) / max(1, len(done)), len(delays), unfinished, teleports, switches, refused)
