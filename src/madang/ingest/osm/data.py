"""What an OpenStreetMap extract holds, as plain values: nodes, ways and relations by id. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

Tags = dict[str, str]
Point = tuple[float, float]  # longitude, latitude in WGS 84 degrees
Box = tuple[float, float, float, float]  # west, south, east, north


@dataclass(slots=True)
class Way:
    """A line or ring through nodes; nodes that the extract does not hold are left out of `refs`."""

    id: int
    refs: list[int]
    tags: Tags
    missing: int = 0

    @property
    def closed(self) -> bool:
        return len(self.refs) > 3 and self.refs[0] == self.refs[-1]


@dataclass(slots=True)
class Member:
    """One member of a relation: `kind` is n, w or r."""

    kind: str
    ref: int
    role: str


@dataclass(slots=True)
class Relation:
    id: int
    members: list[Member]
    tags: Tags


@dataclass(slots=True)
class Extract:
    """A whole extract. `points` has every node, `tagged` only the nodes that say something."""

    points: dict[int, Point] = field(default_factory=dict)
    tagged: dict[int, Tags] = field(default_factory=dict)
    ways: dict[int, Way] = field(default_factory=dict)
    relations: dict[int, Relation] = field(default_factory=dict)
    bbox: Box = (0.0, 0.0, 0.0, 0.0)

    def line(self, way: Way) -> list[Point]:
        """The way's points in order."""
        return [self.points[ref] for ref in way.refs]

    def inside(self, point: Point) -> bool:
        """Whether a point lies in the extract's box."""
        west, south, east, north = self.bbox
        return west <= point[0] <= east and south <= point[1] <= north
