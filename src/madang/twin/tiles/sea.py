"""The sea: OpenStreetMap tells only its edge, with water on the right hand of the line. Pure."""

from __future__ import annotations

import itertools

from shapely.geometry import LineString, Point, Polygon, box
from shapely.ops import linemerge, polygonize, unary_union

from madang.ingest.osm.data import Extract

_STEP_DEG = 2e-6
_EDGE_DEG = 0.003


def sea_polygons(extract: Extract) -> list[Polygon]:
    """The parts of the extract's box that are sea; none without a coastline."""
    frame = box(*extract.bbox)
    ways = [way for way in extract.ways.values() if way.tags.get("natural") == "coastline" and len(way.refs) > 1]
    if not ways:
        return []
    coasts = _to_the_frame(extract, [LineString(extract.line(way)) for way in ways])
    cut = polygonize(unary_union([frame.boundary, *coasts]))
    return [part for part in cut if frame.contains(part.representative_point()) and _is_sea(part, coasts)]


def _to_the_frame(extract: Extract, coasts: list[LineString]) -> list[LineString]:
    """Coastlines joined, and their loose ends drawn on to the frame: extracts end a way at its last node inside."""
    frame = box(*extract.bbox)
    merged = linemerge(coasts) if len(coasts) > 1 else coasts[0]
    out = []
    for line in getattr(merged, "geoms", [merged]):
        points = list(line.coords)
        if points[0] != points[-1]:
            points = [_on_frame(frame, points[0]), *points, _on_frame(frame, points[-1])]
        out.append(LineString(points))
    return out


def _on_frame(frame: Polygon, point: tuple[float, ...]) -> tuple[float, ...]:
    here = Point(point)
    if not frame.contains(here) or frame.boundary.distance(here) > _EDGE_DEG:
        return point
    near = frame.boundary.interpolate(frame.boundary.project(here))
    return (near.x, near.y)


def _is_sea(part: Polygon, coasts: list[LineString]) -> bool:
    """Whether most probes just right of a coastline segment that bounds the part fall into it."""
    right = left = 0
    for coast in coasts:
        points = list(coast.coords)
        for (x1, y1), (x2, y2) in itertools.pairwise(points):
            length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5 or 1.0
            dx, dy = (y2 - y1) / length * _STEP_DEG, -(x2 - x1) / length * _STEP_DEG
            mid_x, mid_y = (x1 + x2) / 2, (y1 + y2) / 2
            right += part.contains(Point(mid_x + dx, mid_y + dy))
            left += part.contains(Point(mid_x - dx, mid_y - dy))
    return right > left
