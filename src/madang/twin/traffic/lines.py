"""Bus and tram lines on the network: the way, the stops in order, the service. Reads netconvert's files."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path

from madang.twin.traffic.graph import Graph, cheapest_from, path_to
from madang.twin.traffic.net import Net

GAP_MAX_M = 450.0
LINE_MIN_M = 250.0
STOP_MARGIN_M = 1.0
STOP_LENGTH_M = {"bus": 20.0, "tram": 32.0}  # netconvert makes stops that it matched to a point 0 m long
MODES = ("bus", "tram")


@dataclass(slots=True)
class Stop:
    """A stop of netconvert's: a stretch of one lane."""

    id: str
    name: str
    lane: str
    start_m: float
    end_m: float

    @property
    def edge(self) -> str:
        return self.lane.rpartition("_")[0]


@dataclass(slots=True)
class Line:
    """One direction of one line within the network. `relation` is the OpenStreetMap relation it comes from."""

    id: str
    line: str
    name: str
    mode: str
    service: str
    edges: list[str]
    stops: list[str]
    headway_factor: float = 1.0
    relation: str = ""
    same: list[str] = field(default_factory=list)


def read_stops(path: Path) -> dict[str, Stop]:
    """Stops by id."""
    found: dict[str, Stop] = {}
    for item in ET.parse(path).getroot():  # noqa: S314
        if item.tag in ("busStop", "trainStop"):
            told = item.attrib
            span = float(told["startPos"]), float(told["endPos"])
            found[told["id"]] = Stop(told["id"], told.get("name", ""), told["lane"], *span)
    return found


def make_lines(path: Path, stops: dict[str, Stop], graphs: dict[str, Graph]) -> tuple[list[Line], dict[str, int]]:
    """All lines that can be driven here, each way once, and how many were left out by reason."""
    left_out: dict[str, int] = {}
    found: dict[tuple[str, str, tuple[str, ...]], Line] = {}
    for item in ET.parse(path).getroot().iter("ptLine"):  # noqa: S314
        mode = item.get("type", "")
        if mode not in MODES:
            continue
        route = item.find("route")
        asked = (route.get("edges", "") if route is not None else "").split()
        own = [stops[s.attrib["id"]] for s in item.findall("busStop") if s.attrib["id"] in stops]
        edges = drivable(graphs[mode], asked or [stop.edge for stop in own])
        reason = _why_not(graphs[mode], edges)
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
            continue
        line = item.get("line", "?")
        key = (mode, line, tuple(edges))
        if key in found:
            left_out["same way as another variant"] = left_out.get("same way as another variant", 0) + 1
            found[key].same.append(item.attrib["id"])
            continue
        served = stops_along(graphs[mode], edges, own, stops)
        found[key] = Line(
            item.attrib["id"], line, item.get("name", line), mode, service_of(mode, line), edges, served,
            variant_factor(line), item.attrib["id"],
        )  # fmt: skip
    return sorted(found.values(), key=lambda one: one.id), left_out


def _why_not(graph: Graph, edges: list[str]) -> str:
    if not edges:
        return "no drivable way within the extract"
    if sum(graph.edges[edge].length_m for edge in edges) < LINE_MIN_M:
        return f"way shorter than {LINE_MIN_M:.0f} m"
    return ""


def drivable(graph: Graph, asked: list[str]) -> list[str]:
    """The longest stretch of the asked edges that can be driven, with gaps of up to GAP_MAX_M filled."""
    pieces: list[list[str]] = []
    for edge in (e for e in asked if e in graph.edges):
        if pieces and edge == pieces[-1][-1]:
            continue
        bridge = _bridge(graph, pieces[-1][-1], edge) if pieces else None
        if bridge is None:
            pieces.append([edge])
        else:
            pieces[-1] += bridge
    return max(pieces, key=lambda piece: sum(graph.edges[e].length_m for e in piece), default=[])


def _bridge(graph: Graph, last: str, edge: str) -> list[str] | None:
    if any(after == edge for after, _ in graph.after[last]):
        return [edge]
    path = path_to(cheapest_from(graph, last, graph.time_s), edge)
    between = path[1:-1]
    if not path or sum(graph.edges[e].length_m for e in between) > GAP_MAX_M:
        return None
    return path[1:]


def stops_along(graph: Graph, edges: list[str], own: list[Stop], stops: dict[str, Stop]) -> list[str]:
    """Ids of the line's stops in the order it passes them; of a line without known stops, none."""
    place = {edge: number for number, edge in enumerate(edges)}
    names = {stop.name for stop in own if stop.name}
    wanted = {s.id: s for s in own} | {s.id: s for s in stops.values() if s.name and s.name in names}
    served = [s for s in wanted.values() if s.edge in place and _usable(graph, s)]
    served.sort(key=lambda s: (place[s.edge], s.end_m, s.id))
    ordered: list[Stop] = []
    for stop in served:  # two platforms of one place on one way: the line stops once
        if not ordered or not (stop.name and stop.name == ordered[-1].name):
            ordered.append(stop)
    return [stop.id for stop in ordered]


def _usable(graph: Graph, stop: Stop) -> bool:
    index = int(stop.lane.rpartition("_")[2])
    return graph.edges[stop.edge].lanes[index].permits(graph.vclass)


def service_of(mode: str, line: str) -> str:
    """`tram`, `bus` or `night` (lines whose sign ends in N)."""
    return "night" if mode == "bus" and line.upper().endswith("N") else mode


def variant_factor(line: str) -> float:
    """Lines with a letter behind the number run less often than the plain line."""
    return 2.0 if re.fullmatch(r"\d+[A-Z]+", line.upper()) and not line.upper().endswith("N") else 1.0


def write_stops(stops: dict[str, Stop], used: set[str], net: Net, path: Path) -> None:
    """SUMO additional file with the stops that lines use, fitted to their lanes."""
    rows = []
    for stop in (stops[key] for key in sorted(used)):
        lane = net.lane(stop.edge, int(stop.lane.rpartition("_")[2]))
        end = min(stop.end_m, lane.length_m - STOP_MARGIN_M)
        kind = "tram" if lane.permits("tram") else "bus"
        end = min(max(end, STOP_LENGTH_M[kind]), lane.length_m - STOP_MARGIN_M)
        start = max(0.0, min(stop.start_m, end - STOP_LENGTH_M[kind]))
        name = stop.name.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
        span = f'startPos="{start:.2f}" endPos="{end:.2f}" friendlyPos="true"'
        rows.append(f'    <busStop id="{stop.id}" lane="{stop.lane}" {span} name="{name}"/>')
    path.write_text("<additional>\n" + "\n".join(rows) + "\n</additional>\n", encoding="utf-8")
