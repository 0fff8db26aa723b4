"""Where the toy city lies: its frame, its streets and the way along them. Not part of the product."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

CITY = "helsinki"
BBOX = (24.9352, 60.1642, 24.9534, 60.1791)
Line = list[list[float]]


def urn(kind: str, local: str) -> str:
    return f"urn:ngsi-ld:{kind}:{CITY}:{local}"


def grid() -> list[Line]:
    west, south, east, north = BBOX
    lons = [west + (east - west) * (i + 0.5) / 7 for i in range(7)]
    lats = [south + (north - south) * (i + 0.5) / 9 for i in range(9)]
    across: list[Line] = [[[west, lat], [east, lat]] for lat in lats]
    return across + [[[lon, south], [lon, north]] for lon in lons]


def streets_of(path: Path) -> list[Line]:
    """Real street lines from an import, so that toy vehicles drive where streets are."""
    lines: list[Line] = []
    for text in path.read_text().splitlines():
        entity = json.loads(text)
        place = entity.get("location", {})
        place = place.get("value", place)
        if entity["type"] == "RoadSegment" and place.get("type") == "LineString":
            lines.append(place["coordinates"])
    return sorted(lines, key=length, reverse=True)[:120]


def length(line: Line) -> float:
    return sum(math.dist((a[0] * 0.5, a[1]), (b[0] * 0.5, b[1])) for a, b in pairwise(line))


def along(line: Line, share: float) -> tuple[float, float, float]:
    """The point at that share of the line, and the compass heading there."""
    lengths = [math.dist((a[0] * 0.5, a[1]), (b[0] * 0.5, b[1])) for a, b in pairwise(line)]
    left = share * sum(lengths)
    for (a, b), piece in zip(pairwise(line), lengths, strict=True):
        if left <= piece or (a, b) == (line[-2], line[-1]):
            t = min(1.0, left / piece) if piece else 0.0
            heading = math.degrees(math.atan2((b[0] - a[0]) * 0.5, b[1] - a[1])) % 360
            return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, heading
        left -= piece
    return line[-1][0], line[-1][1], 0.0
