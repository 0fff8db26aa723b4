"""From the city's entities to the app's junctions: which loop lies on which lane, which lane leads where. Pure.

Takes TrafficSignalController entities as plain values: `id`, `stages` and `approaches` as docs/ARCHITECTURE.md tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .model import Junction, Lane

FREE_FLOW_MPS = 11.0


def make_junctions(controllers: Iterable[Mapping[str, Any]]) -> list[Junction]:
    """Junctions worth steering: two stages or more, and a loop somewhere. A controller without a plan is left out."""
    told = [c for c in controllers if isinstance(c.get("stages"), Mapping) and c.get("approaches")]
    far = {lane: spot for c in told for lane, spot in _loops(c, "upstream").items()}
    outs: dict[str, int] = {}
    leads: dict[str, list[tuple[str, str]]] = {}
    for c in told:
        for link in c["stages"].get("links", ()):
            outs[link["fromLane"]] = outs.get(link["fromLane"], 0) + 1
            leads.setdefault(link["toLane"].rpartition("_")[0], []).append((c["id"], link["fromLane"]))
    owner = {lane: c["id"] for c in told for lane in _loops(c, "stop")}
    made = [_junction(c, far, outs, leads, owner) for c in told]
    return [j for j in made if len(j.stages) > 1 and any(lane.stop for lane in j.lanes)]


def _loops(controller: Mapping[str, Any], role: str) -> dict[str, tuple[str, float]]:
    """Loop id and metres to the stop line, by lane."""
    return {
        lane["id"]: (loop["id"], float(loop["toLine_m"]))
        for approach in controller["approaches"]
        for lane in approach["lanes"]
        for loop in lane["detectors"]
        if loop["role"] == role
    }


def _junction(
    controller: Mapping[str, Any],
    far: Mapping[str, tuple[str, float]],
    outs: Mapping[str, int],
    leads: Mapping[str, list[tuple[str, str]]],
    owner: Mapping[str, str],
) -> Junction:
    stages = controller["stages"]
    green = sorted(stages["green"], key=lambda row: row["stage"])
    stop = _loops(controller, "stop")
    targets: dict[str, list[tuple[int, str]]] = {}
    for link in stages.get("links", ()):
        targets.setdefault(link["fromLane"], []).append((link["index"], link["toLane"]))
    lanes = []
    for approach in controller["approaches"]:
        feeders = leads.get(approach["id"], [])
        width = max(1, len(approach["lanes"]))
        for lane in approach["lanes"]:
            if not lane["links"]:
                continue
            name = lane["id"]
            spot, far_m = far.get(name, (None, 0.0))
            lanes.append(
                Lane(
                    id=name,
                    approach=approach["id"],
                    links=tuple(lane["links"]),
                    stop=stop[name][0] if name in stop else None,
                    far=spot,
                    far_m=far_m,
                    length_m=float(approach.get("length_m", 30.0)),
                    speed_mps=FREE_FLOW_MPS,
                    exits=tuple(far[onto][0] for _, onto in targets.get(name, ()) if onto in far),
                    outs=tuple((link, owner[t], t) for link, t in targets.get(name, ()) if t in owner),
                    feeders=tuple((up, source, 1.0 / outs[source] / width) for up, source in feeders),
                )
            )
    return Junction(
        id=controller["id"],
        stages=tuple(row["state"] for row in green),
        lanes=tuple(lanes),
        min_green_s=tuple(float(stages["minGreen_s"]) for _ in green),
        yellow_s=float(stages["yellow_s"]),
        all_red_s=float(stages["allRed_s"]),
        usual_s=tuple(float(row["duration_s"]) for row in green),
        max_red_s=float(stages["maxRed_s"]),
        yields=frozenset(_yields(stages.get("conflicts", ()))),
    )


def _yields(conflicts: Iterable[Sequence[Any]]) -> Iterator[tuple[int, int]]:
    for a, b, who in conflicts:
        if "a" in who:
            yield (a, b)
        if "b" in who:
            yield (b, a)
