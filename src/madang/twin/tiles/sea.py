"""The sea: OpenStreetMap tells only its edge, with water on the right hand of the line. Pure."""

from __future__ import annotations

from shapely.geometry import LineString, Point, Polygon, box
from shapely.ops import polygonize, unary_union

from madang.ingest.osm.data import Extract

_STEP_DEG = 2e-6


def sea_polygons(extract: Extract) -> list[Polygon]:
    """The parts of the extract's box that are sea; none without a coastline."""
    frame = box(*extract.bbox)
    ways = [way for way in extract.ways.values() if way.tags.get("natural") == "coastline" and len(way.refs) > 1]
    coasts = [LineString(extract.line(way)) for way in ways]
    if not coasts:
        return []
    cut = polygonize(unary_union([frame.boundary, *coasts]))
    return [part for part in cut if frame.contains(part.representative_point()) and _is_sea(part, coasts)]


def _is_sea(part: Polygon, coasts: list[LineString]) -> bool:
    """Whether most probes just right of a coastline segment that bounds the part fall into it."""
    right = left = 0
    for coast in coasts:
        points = list(coast.coords)
        for (x1, y1), (x2, y2) in zip(points, points[1:], strict=False):
            length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5 or 1.0
            dx, dy = (y2 - y1) / length * _STEP_DEG, -(x2 - x1) / length * _STEP_DEG
            mid_x, mid_y = (x1 + x2) / 2, (y1 + y2) / 2
            right += part.contains(Point(mid_x + dx, mid_y + dy))
            left += part.contains(Point(mid_x - dx, mid_y - dy))
    return right > left
