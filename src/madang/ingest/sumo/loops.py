"""Loop detectors: one period at a time, sent when there is something to tell.

A field unit reports by exception: a period in which nothing passed and nothing changed is not sent, except once in
`HEARTBEAT_S` so that a silent loop can be told from an empty road.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HEARTBEAT_S = 60.0
COVERED_SHARE = 0.3
OCCUPANCY_STEP = 0.05
STOP_LINE_M = 2.0
# SUMO's riders stop 1 m before the line: nearer than that a loop sees nobody, further it misses a bicycle (1.6 m long).


@dataclass(frozen=True)
class Loop:
    """A detector in a lane at `pos_m` from its start."""

    id: str
    lane: str
    pos_m: float


@dataclass(frozen=True)
class Period:
    """Vehicles that entered, share of time covered (0..1), mean speed in km/h or None when nobody passed."""

    count: int
    occupancy: float
    speed_kmh: float | None


def read_loops(path: Path) -> list[Loop]:
    """Loops of an additional file. Raises OSError, xml.etree.ElementTree.ParseError."""
    root = ET.parse(path).getroot()  # noqa: S314
    found = [e for tag in ("inductionLoop", "e1Detector") for e in root.iter(tag)]
    return [Loop(e.attrib["id"], e.attrib["lane"], float(e.attrib["pos"])) for e in found]


def seen_from_line(loops: list[Loop], lane_m: dict[str, float]) -> list[Loop]:
    """The same loops, those at a stop line moved back to where a vehicle that stops a metre short of it stands."""
    moved = []
    for loop in loops:
        length = lane_m.get(loop.lane, loop.pos_m)
        at = max(0.1, length - STOP_LINE_M) if length - loop.pos_m < STOP_LINE_M else loop.pos_m
        moved.append(Loop(loop.id, loop.lane, at))
    return moved


def write_loops(loops: list[Loop], path: Path, period_s: float) -> None:
    """The same loops with our period and no output file of their own."""
    root = ET.Element("additional")
    for loop in loops:
        fields = {"id": loop.id, "lane": loop.lane, "pos": f"{loop.pos_m:.2f}", "friendlyPos": "1"}
        ET.SubElement(root, "inductionLoop", fields | {"period": f"{period_s:g}", "file": "NUL"})
    ET.ElementTree(root).write(path)


def read_period(sumo: Any, loop: str) -> Period:
    """The last complete period of a loop from the simulator (occupancy in SUMO is percent, speed -1 when none).

    SUMO leaves a vehicle that still stands on the loop out of the period, so a standing queue would read as an empty
    road: a loop that is covered now counts as covered since the last vehicle left it, or throughout when none did.
    """
    reader = sumo.inductionloop
    count, occupancy = reader.getLastIntervalVehicleNumber(loop), reader.getLastIntervalOccupancy(loop) / 100.0
    if reader.getTimeSinceDetection(loop) == 0.0:
        occupancy = 1.0 if count == 0 else occupancy + COVERED_SHARE
    if count == 0 and occupancy <= 0:
        return EMPTY
    speed = reader.getLastIntervalMeanSpeed(loop)
    return Period(count, min(1.0, round(occupancy, 3)), round(speed * 3.6, 1) if speed >= 0 else None)


EMPTY = Period(0, 0.0, None)


@dataclass
class Reporter:
    """Decides which periods are worth a message. Keeps the last one sent and its time per loop."""

    sent: dict[str, tuple[Period, float]] = field(default_factory=dict)

    def worth(self, loop: str, period: Period, now_s: float) -> bool:
        """Whether to send this period; remembers it when so."""
        before = self.sent.get(loop)
        if before is not None and period.count == 0 and not self._due(before, period, now_s):
            return False
        self.sent[loop] = (period, now_s)
        return True

    def _due(self, before: tuple[Period, float], period: Period, now_s: float) -> bool:
        last, at = before
        changed = last.count != 0 or abs(last.occupancy - period.occupancy) >= OCCUPANCY_STEP
        ended = (last.occupancy > 0) != (period.occupancy > 0)
        return changed or ended or now_s - at >= HEARTBEAT_S
