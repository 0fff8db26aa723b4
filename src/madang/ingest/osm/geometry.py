"""Ways and relations -> shapely shapes, in degrees, with areas and lengths in metres. Pure."""

from __future__ import annotations

import itertools
import math

from shapely import make_valid
from shapely.geometry import LineString, MultiPolygon, Polygon, mapping
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient
from shapely.ops import linemerge, polygonize, unary_union

from madang.ingest.osm.data import Extract, Point, Relation, Way

METRES_PER_DEGREE = 111_320.0


def polygons_in(shape: BaseGeometry) -> list[Polygon]:
    """All polygons with some area inside any shape."""
    if isinstance(shape, Polygon):
        return [shape] if shape.area > 0 else []
    return [polygon for part in getattr(shape, "geoms", []) for polygon in polygons_in(part)]


def _one_shape(polygons: list[Polygon]) -> Polygon | MultiPolygon | None:
    if not polygons:
        return None
    return polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)


def way_polygon(extract: Extract, way: Way) -> Polygon | MultiPolygon | None:
    """The area a closed way encloses; None when it is open, torn or flat."""
    if not way.closed or way.missing:
        return None
    shape: BaseGeometry = Polygon(extract.line(way))
    return _one_shape(polygons_in(shape if shape.is_valid else make_valid(shape)))


def relation_polygon(extract: Extract, relation: Relation) -> Polygon | MultiPolygon | None:
    """The area of a multipolygon relation; None when an outer way is missing so that no ring closes."""
    outer = _rings(extract, relation, ("outer", "outline", ""))
    if not outer:
        return None
    inner = _rings(extract, relation, ("inner",))
    shape = unary_union(outer)
    if inner:
        shape = shape.difference(unary_union(inner))
    return _one_shape(polygons_in(shape))


def _rings(extract: Extract, relation: Relation, roles: tuple[str, ...]) -> list[Polygon]:
    lines = []
    for member in relation.members:
        way = extract.ways.get(member.ref) if member.kind == "w" and member.role in roles else None
        if way is not None and len(way.refs) > 1:
            lines.append(LineString(extract.line(way)))
    merged = linemerge(lines) if len(lines) > 1 else (lines[0] if lines else None)
    return [p for p in polygonize(merged) if p.area > 0] if merged is not None else []


def area_m2(shape: BaseGeometry) -> float:
    """Area of a shape in square metres (plane, good to 1 % within a city)."""
    scale = math.cos(math.radians(shape.centroid.y)) if not shape.is_empty else 1.0
    return float(shape.area * METRES_PER_DEGREE**2 * scale)


def metres_between(a: Point, b: Point) -> float:
    """Distance in metres between two points of one city."""
    dx = (b[0] - a[0]) * math.cos(math.radians((a[1] + b[1]) / 2))
    return math.hypot(dx, b[1] - a[1]) * METRES_PER_DEGREE


def length_m(line: list[Point]) -> float:
    """Length of a line in metres."""
    return sum(metres_between(a, b) for a, b in itertools.pairwise(line))


def rounded(value: object) -> object:
    """GeoJSON coordinates at 7 digits (1 cm), as lists."""
    if isinstance(value, float | int):
        return round(float(value), 7)
    return [rounded(part) for part in value]  # type: ignore[attr-defined]


def geojson(shape: BaseGeometry) -> dict[str, object]:
    """A GeoJSON geometry; outer rings run anticlockwise as RFC 7946 asks."""
    if isinstance(shape, Polygon):
        shape = _oriented(shape)
    elif isinstance(shape, MultiPolygon):
        shape = MultiPolygon([_oriented(part) for part in shape.geoms])
    told = mapping(shape)
    return {"type": told["type"], "coordinates": rounded(told["coordinates"])}


def _oriented(polygon: Polygon) -> Polygon:
    return orient(polygon)


def middle(shape: BaseGeometry) -> Point:
    """A point that surely lies on the shape."""
    point = shape.representative_point()
    return (round(point.x, 7), round(point.y, 7))
