"""What every reader of a city model gives: buildings as surfaces of points, in the reference system of their file. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

WALL, ROOF, GROUND, OTHER = range(4)
KINDS = {"WallSurface": WALL, "RoofSurface": ROOF, "GroundSurface": GROUND}
"""Semantic surfaces of CityGML (OGC 20-010, 7.12); the others are shown as walls are."""
EXAMPLES = 5
Points = NDArray[np.float64]


class Surface(NamedTuple):
    """`rings`: indices into a shape's points, the outer ring first; none repeats its first point."""

    kind: int
    rings: list[list[int]]


@dataclass(slots=True)
class Shape:
    """One building. `points`: (n, 3), east, north, up or longitude, latitude, up, in the file's reference system. With `height_m`
    the surfaces are footprints that stand so high; `height_source` then tells how that is known. `attributes` as the file names them.
    """

    id: str
    points: Points
    surfaces: list[Surface]
    attributes: dict[str, Any] = field(default_factory=dict)
    lod: str = "1"
    height_m: float | None = None
    height_source: str = "model"


class LeftOut:
    """What did not become a building, or not as it stood: a count and the first examples of each reason."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.examples: dict[str, list[str]] = {}

    def add(self, reason: str, example: str = "", number: int = 1) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + number
        examples = self.examples.setdefault(reason, [])
        if example and len(examples) < EXAMPLES:
            examples.append(example)

    def told(self) -> dict[str, dict[str, Any]]:
        return {
            reason: {"count": count, "examples": self.examples[reason]} for reason, count in sorted(self.counts.items())
        }


@dataclass(slots=True)
class CityModel:
    """An open file: its reference system as the file names it (empty: it names none), and its buildings as they are read."""

    crs: str
    shapes: Iterator[Shape]


def compact(vertices: Points, surfaces: list[Surface]) -> tuple[Points, list[Surface]]:
    """Only the points that the surfaces use, numbered anew."""
    used: dict[int, int] = {}
    numbered = [
        Surface(kind, [[used.setdefault(index, len(used)) for index in ring] for ring in rings])
        for kind, rings in surfaces
    ]
    return vertices[list(used)], numbered
