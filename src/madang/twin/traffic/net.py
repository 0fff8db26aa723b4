"""A SUMO network as plain values, and reading it. Coordinates inside are metres; `to_lonlat` gives degrees."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pyproj import Transformer

Metres = tuple[float, float]


@dataclass(slots=True)
class Lane:
    id: str
    speed_ms: float
    length_m: float
    allow: frozenset[str]
    disallow: frozenset[str]
    shape: list[Metres]

    def permits(self, vclass: str) -> bool:
        """Whether a SUMO vehicle class may use the lane."""
        return vclass in self.allow if self.allow else vclass not in self.disallow


@dataclass(slots=True)
class Edge:
    id: str
    start: str
    end: str
    kind: str
    name: str
    priority: int
    lanes: list[Lane]

    @property
    def length_m(self) -> float:
        return self.lanes[0].length_m

    def permits(self, vclass: str) -> bool:
        return any(lane.permits(vclass) for lane in self.lanes)


@dataclass(slots=True)
class Link:
    """One way over a junction, from lane to lane. `index` counts within its traffic light, None without one."""

    source: str
    source_lane: int
    target: str
    target_lane: int
    direction: str
    tl: str | None
    index: int | None
    allow: frozenset[str] = frozenset()
    disallow: frozenset[str] = frozenset()

    def permits(self, vclass: str) -> bool:
        return vclass in self.allow if self.allow else vclass not in self.disallow


@dataclass(slots=True)
class Junction:
    id: str
    kind: str
    at: Metres
    inc_lanes: list[str]
    foes: list[str]  # by request index, a string of 0/1 with index 0 at the right end
    response: list[str]


@dataclass(slots=True)
class Program:
    """A fixed plan: `phases` are (duration in s, state letters)."""

    tl: str
    id: str
    offset_s: float
    phases: list[tuple[float, str]]

    @property
    def cycle_s(self) -> float:
        return sum(duration for duration, _ in self.phases)


@dataclass(slots=True)
class Net:
    edges: dict[str, Edge] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    junctions: dict[str, Junction] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)
    _by_lane: dict[tuple[str, int], list[Link]] = field(default_factory=dict)
    _by_tl: dict[str, list[Link]] = field(default_factory=dict)
    to_lonlat: Callable[[Metres], tuple[float, float]] = lambda at: at
    to_metres: Callable[[tuple[float, float]], Metres] = lambda at: at

    def links_of(self, tl: str) -> list[Link]:
        """The links one traffic light controls, by index."""
        if not self._by_tl:
            for link in self.links:
                self._by_tl.setdefault(link.tl or "", []).append(link)
        return sorted(self._by_tl.get(tl, []), key=lambda link: link.index or 0)

    def by_lane(self) -> dict[tuple[str, int], list[Link]]:
        """Links by the lane they leave, in the file's order (which is the order of a junction's requests)."""
        if not self._by_lane:
            for link in self.links:
                self._by_lane.setdefault((link.source, link.source_lane), []).append(link)
        return self._by_lane

    def lane(self, edge: str, index: int) -> Lane:
        return self.edges[edge].lanes[index]


def read_net(path: Path) -> Net:
    """Reads net.net.xml; internal edges are left out."""
    root = ET.parse(path).getroot()  # noqa: S314
    net = Net()
    _take_projection(net, root)
    for item in root:
        if item.tag == "edge" and item.get("function", "normal") == "normal":
            net.edges[item.attrib["id"]] = _edge(item)
        elif item.tag == "junction" and item.get("type") != "internal":
            net.junctions[item.attrib["id"]] = _junction(item)
        elif item.tag == "tlLogic":
            net.programs[item.attrib["id"]] = _program(item)
        elif item.tag == "connection" and not item.attrib["from"].startswith(":"):
            net.links.append(_link(item))
    net.links = [link for link in net.links if link.source in net.edges and link.target in net.edges]
    return net


def _take_projection(net: Net, root: ET.Element) -> None:
    location = root.find("location")
    if location is None or location.attrib["projParameter"] == "!":  # SUMO's word for a plane that lies nowhere
        return
    off_x, off_y = (float(part) for part in location.attrib["netOffset"].split(","))
    wgs, plane = "EPSG:4326", location.attrib["projParameter"]
    forth = Transformer.from_crs(plane, wgs, always_xy=True)
    back = Transformer.from_crs(wgs, plane, always_xy=True)

    def to_lonlat(at: Metres) -> tuple[float, float]:
        lon, lat = forth.transform(at[0] - off_x, at[1] - off_y)
        return (round(lon, 7), round(lat, 7))

    def to_metres(at: tuple[float, float]) -> Metres:
        x, y = back.transform(*at)
        return (x + off_x, y + off_y)

    net.to_lonlat, net.to_metres = to_lonlat, to_metres


def _shape(text: str) -> list[Metres]:
    return [(float(part.split(",")[0]), float(part.split(",")[1])) for part in text.split()]


def _edge(item: ET.Element) -> Edge:
    lanes = [
        Lane(
            lane.attrib["id"],
            float(lane.attrib["speed"]),
            float(lane.attrib["length"]),
            frozenset(lane.get("allow", "").split()),
            frozenset(lane.get("disallow", "").split()),
            _shape(lane.attrib["shape"]),
        )
        for lane in item.findall("lane")
    ]
    told = item.attrib
    name, kind = told.get("name", ""), told.get("type", "")
    return Edge(told["id"], told["from"], told["to"], kind, name, int(told.get("priority", "0")), lanes)


def _junction(item: ET.Element) -> Junction:
    requests = sorted(item.findall("request"), key=lambda r: int(r.attrib["index"]))
    told = item.attrib
    return Junction(
        told["id"],
        told["type"],
        (float(told["x"]), float(told["y"])),
        told.get("incLanes", "").split(),
        [request.attrib["foes"] for request in requests],
        [request.attrib["response"] for request in requests],
    )


def _program(item: ET.Element) -> Program:
    phases = [(float(phase.attrib["duration"]), phase.attrib["state"]) for phase in item.findall("phase")]
    return Program(item.attrib["id"], item.get("programID", "0"), float(item.get("offset", "0")), phases)


def _link(item: ET.Element) -> Link:
    told = item.attrib
    index = int(told["linkIndex"]) if "linkIndex" in told else None
    lanes = int(told["fromLane"]), int(told["toLane"])
    allow, disallow = (frozenset(told.get(key, "").split()) for key in ("allow", "disallow"))
    direction, tl = told.get("dir", "s"), told.get("tl")
    return Link(told["from"], lanes[0], told["to"], lanes[1], direction, tl, index, allow, disallow)
