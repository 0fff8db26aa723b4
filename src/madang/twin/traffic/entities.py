"""Network -> entities: signal controllers with approaches and stages, loops, lines. Pure.

`stages` of a TrafficSignalController is a JsonProperty:
  sumoId       the traffic light's id in net.net.xml (also the local id)
  minGreen_s, yellow_s, allRed_s, maxRed_s
  links        [{index, approach, fromLane, toLane, direction, modes}] one entry a link
  green        [{stage, state, duration_s, phase}] the stages an app may ask for; `phase` is its index in `program`
  conflicts    [[a, b, yields]] a < b; `yields` is "a", "b", "ab" or "": who gives way. Both G is never safe; G with g
               or g with g is safe only where `yields` is not empty
  program      {id, cycle_s, offset_s, phases: [{duration_s, state}]} the fixed plan as it stands in the network
`approaches` is a JsonProperty: [{id, name, heading, lanes: [{id, links, detectors}]}].
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from shapely.geometry import LineString

from madang.base.ids import entity_id
from madang.ingest.osm.concise import Entity, as_json, at_point, at_shape, make_entity, points_to
from madang.twin.traffic.detectors import Detector
from madang.twin.traffic.lines import Line
from madang.twin.traffic.net import Edge, Link, Net
from madang.twin.traffic.stages import (
    ALL_RED_S,
    MAX_RED_S,
    MIN_GREEN_S,
    YELLOW_S,
    conflicts_of,
    green_phases,
)

MODES = ("passenger", "bus", "tram", "bicycle", "pedestrian")


def controller_entities(net: Net, detectors: list[Detector], city: str) -> Iterator[Entity]:
    """`TrafficSignalController`, one for each traffic light of the network."""
    for tl in sorted(net.programs):
        links = net.links_of(tl)
        ends = sorted({net.edges[link.source].end for link in links})
        spots = [net.junctions[end].at for end in ends]
        middle = (sum(x for x, _ in spots) / len(spots), sum(y for _, y in spots) / len(spots))
        attributes = {
            "name": junction_name(net, links),
            "location": at_point(net.to_lonlat(middle)),
            "approaches": as_json(approaches_of(net, links, detectors)),
            "stages": as_json(stages_of(net, tl)),
        }
        yield make_entity("TrafficSignalController", city, tl, **attributes)


def junction_name(net: Net, links: list[Link]) -> str | None:
    """`Mannerheimintie / Kaivokatu`: the streets that meet, the busiest first."""
    weight: dict[str, int] = {}
    for link in links:
        edge = net.edges[link.source]
        if edge.name:
            weight[edge.name] = max(weight.get(edge.name, 0), edge.priority)
    return " / ".join(sorted(weight, key=lambda name: (-weight[name], name))[:2]) or None


def stages_of(net: Net, tl: str) -> dict[str, object]:
    """The `stages` object described above."""
    program = net.programs[tl]
    links = [_link(net, link) for link in net.links_of(tl)]
    green = [
        {"stage": n, "state": program.phases[phase][1], "duration_s": program.phases[phase][0], "phase": phase}
        for n, phase in enumerate(green_phases(program))
    ]
    phases = [{"duration_s": duration, "state": state} for duration, state in program.phases]
    plan = {"id": program.id, "cycle_s": program.cycle_s, "offset_s": program.offset_s, "phases": phases}
    return {
        "sumoId": tl,
        "minGreen_s": MIN_GREEN_S,
        "yellow_s": YELLOW_S,
        "allRed_s": ALL_RED_S,
        "maxRed_s": MAX_RED_S,
        "links": links,
        "green": green,
        "conflicts": [[c.a, c.b, c.yields] for c in conflicts_of(net, tl)],
        "program": plan,
    }


def _link(net: Net, link: Link) -> dict[str, object]:
    source = net.lane(link.source, link.source_lane)
    target = net.lane(link.target, link.target_lane)
    modes = [m for m in MODES if link.permits(m) and source.permits(m) and target.permits(m)]
    return {
        "index": link.index,
        "approach": link.source,
        "fromLane": source.id,
        "toLane": target.id,
        "direction": link.direction,
        "modes": modes,
    }


def approaches_of(net: Net, links: list[Link], detectors: list[Detector]) -> list[dict[str, object]]:
    """The `approaches` list described above."""
    on_lane: dict[str, list[dict[str, object]]] = {}
    for d in detectors:
        on_lane.setdefault(d.lane, []).append({"id": d.id, "role": d.role, "toLine_m": d.to_line_m})
    found = []
    for edge_id in sorted({link.source for link in links}):
        edge = net.edges[edge_id]
        lanes: list[dict[str, object]] = []
        for index, lane in enumerate(edge.lanes):
            own = [link.index for link in links if (link.source, link.source_lane) == (edge_id, index)]
            lanes.append({"id": lane.id, "links": own, "detectors": on_lane.get(lane.id, [])})
        told = {"id": edge_id, "name": edge.name, "heading": heading_of(edge), "length_m": edge.length_m}
        found.append(told | {"lanes": lanes})
    return found


def heading_of(edge: Edge) -> int:
    """Degrees clockwise from north of the last stretch before the stop line."""
    (x1, y1), (x2, y2) = edge.lanes[0].shape[-2:]
    return round(math.degrees(math.atan2(x2 - x1, y2 - y1))) % 360


def detector_entities(detectors: list[Detector], net: Net, city: str) -> Iterator[Entity]:
    """`TrafficFlowObserved`: where each loop lies and which signal it belongs to; live values come by MQTT."""
    for d in detectors:
        name = net.edges[d.lane.rpartition("_")[0]].name
        yield make_entity(
            "TrafficFlowObserved", city, d.id, name=name or None, location=at_point(d.lonlat), laneId=d.lane,
            detectorRole=d.role, distanceToStopLine={"value": d.to_line_m, "unitCode": "MTR"},
            refTrafficSignalController=points_to(entity_id("TrafficSignalController", city, d.tl)),
        )  # fmt: skip


def line_entities(lines: list[Line], net: Net, city: str, stop_ids: set[str]) -> Iterator[Entity]:
    """`PublicTransportRoute`: one direction of a line, with its way and its stops in order."""
    for line in lines:
        points = [p for edge in line.edges for p in _centre(net.edges[edge])]
        way = LineString([net.to_lonlat(p) for i, p in enumerate(points) if i == 0 or p != points[i - 1]])
        stops = [entity_id("PublicTransportStop", city, f"n{s}") for s in line.stops if f"n{s}" in stop_ids]
        yield make_entity(
            "PublicTransportRoute", city, f"r{line.id}", name=line.name or line.line, shortRouteCode=line.line,
            transportationType=[line.mode], location=at_shape(way),
            refPublicTransportStops=points_to(stops) if stops else None,
        )  # fmt: skip


def _centre(edge: Edge) -> list[tuple[float, float]]:
    return edge.lanes[0].shape
