"""What the field must know of a SUMO network file: signal plans, lanes at signals. Pure: XML in, values out."""

from __future__ import annotations

import gzip
import json
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from madang.ingest.sumo.plan import Pair, SignalPlan, build_plan


@dataclass(frozen=True)
class Link:
    """A movement under a signal: `lane` to `onto`, link `index` of controller `controller`."""

    controller: str
    index: int
    lane: str
    onto: str
    junction: str
    request: int
    walk: bool


@dataclass
class Network:
    """`plans` by controller, `links` under signals, lengths and limits of lanes, `edges` that are not internal."""

    plans: dict[str, SignalPlan]
    links: list[Link]
    lane_m: dict[str, float]
    lane_mps: dict[str, float]
    lane_shape: dict[str, list[tuple[float, float]]]
    edges: dict[str, list[str]]
    allows: dict[str, str] = field(default_factory=dict)


def read_network(path: Path, stages: Mapping[str, tuple[str, ...]] | None = None) -> Network:
    """Network of a .net.xml or .net.xml.gz. Raises OSError, xml.etree.ElementTree.ParseError, KeyError.

    `stages`: the numbered green states by controller, as the city's entities list them; found in the program without.
    """
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as source:
        root = ET.parse(source).getroot()  # noqa: S314
    net = Network({}, [], {}, {}, {}, {})
    _read_lanes(root, net)
    net.links.extend(_read_links(root))
    _read_plans(root, net, stages or {})
    return net


def read_stages(entities: Path) -> dict[str, tuple[str, ...]]:
    """Green states by controller of an import's entities.ndjson; empty without the file. Raises OSError, ValueError."""
    if not entities.exists():
        return {}
    found: dict[str, tuple[str, ...]] = {}
    with entities.open(encoding="utf-8") as lines:
        for line in lines:
            if '"TrafficSignalController"' in line:
                told = json.loads(line)["stages"]["json"]
                green = sorted(told["green"], key=lambda row: row["stage"])
                found[told["sumoId"]] = tuple(row["state"] for row in green)
    return found


def _read_lanes(root: ET.Element, net: Network) -> None:
    for edge in root.iter("edge"):
        lanes = edge.findall("lane")
        for lane in lanes:
            name = lane.attrib["id"]
            net.lane_m[name] = float(lane.attrib["length"])
            net.lane_mps[name] = float(lane.attrib["speed"])
            points = (point.split(",") for point in lane.attrib["shape"].split())
            net.lane_shape[name] = [(float(p[0]), float(p[1])) for p in points]
            net.allows[name] = lane.attrib.get("allow", "") or "-" + lane.attrib.get("disallow", "")
        if edge.attrib.get("function", "normal") == "normal":
            net.edges[edge.attrib["id"]] = [lane.attrib["id"] for lane in lanes]


def _read_links(root: ET.Element) -> Iterator[Link]:
    """Links under signals; a link's request index is the number in its internal lane's name (`:J_k_l` is k + l)."""
    counts = {j.attrib["id"]: j for j in root.iter("junction")}
    for c in root.iter("connection"):
        if "tl" not in c.attrib:
            continue
        walk = c.attrib.get("from", "").startswith(":") or "_c" in c.attrib.get("to", "")
        via = c.attrib.get("via", "")
        if walk:
            crossing = c.attrib["to"]
            junction, number = crossing[1:].rsplit("_c", 1)
            request = _vehicle_links(counts.get(junction)) + int(number)
            lane = f"{c.attrib['from']}_{c.attrib['fromLane']}"
            onto = f"{crossing}_{c.attrib['toLane']}"
        else:
            junction, k, offset = via[1:].rsplit("_", 2)
            request = int(k) + int(offset)
            lane = f"{c.attrib['from']}_{c.attrib['fromLane']}"
            onto = f"{c.attrib['to']}_{c.attrib['toLane']}"
        yield Link(c.attrib["tl"], int(c.attrib["linkIndex"]), lane, onto, junction, request, walk)


def _vehicle_links(junction: ET.Element | None) -> int:
    """Requests of a junction that are not crossings (crossings come last)."""
    if junction is None:
        return 0
    crossings = sum(1 for lane in junction.attrib.get("intLanes", "").split() if "_c" in lane)
    return len(junction.findall("request")) - crossings


def _read_plans(root: ET.Element, net: Network, stages: Mapping[str, tuple[str, ...]]) -> None:
    foes_of = {
        j.attrib["id"]: {int(r.attrib["index"]): r.attrib["foes"][::-1] for r in j.findall("request")}
        for j in root.iter("junction")
    }
    by_controller: dict[str, list[Link]] = defaultdict(list)
    for link in net.links:
        by_controller[link.controller].append(link)
    for logic in root.iter("tlLogic"):
        name = logic.attrib["id"]
        if name in net.plans:
            continue  # SUMO runs the first program of the file unless told otherwise
        program = [(p.attrib["state"], float(p.attrib["duration"])) for p in logic.findall("phase")]
        links = by_controller[name]
        walks = frozenset(link.index for link in links if link.walk)
        offset = float(logic.attrib.get("offset", 0) or 0)
        net.plans[name] = build_plan(name, program, offset, list(_foes(links, foes_of)), walks, stages.get(name))


def _foes(links: list[Link], foes_of: dict[str, dict[int, str]]) -> Iterator[Pair]:
    for a in links:
        row = foes_of.get(a.junction, {}).get(a.request, "")
        for b in links:
            if a.junction == b.junction and b.request < len(row) and row[b.request] == "1" and a.index != b.index:
                yield (a.index, b.index)
