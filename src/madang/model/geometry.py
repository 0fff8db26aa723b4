"""GeoJSON geometries (RFC 7946) and geo-queries (NGSI-LD clause 4.10), on WGS 84.

Distances are great-circle metres (haversine, mean Earth radius); relations are planar on longitude and latitude, as in
other brokers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import shapely
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from madang.base.errors import BadRequest
from madang.base.limits import GEO_MAX_POINTS
from madang.model.values import is_one_of

GEOMETRY_TYPES = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"})
_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
EARTH_RADIUS_M = 6_371_008.8
RELATIONS = frozenset({"near", "within", "contains", "intersects", "equals", "disjoint", "overlaps"})
Box = tuple[float, float, float, float]
# On a plane and on the sphere distances of a city differ by less.
SURELY, CITY_M = 0.999, 50_000

_NUMBERS = (int, float)


def check_geometry(value: Any, name: str = "geometry") -> None:
    """Raises BadRequest for what is no GeoJSON geometry on Earth."""
    if not isinstance(value, dict) or not is_one_of(value.get("type"), GEOMETRY_TYPES):
        raise BadRequest(f"{name}: not a GeoJSON geometry")
    coordinates: Any = value.get("coordinates")
    if value["type"] == "Point" and _is_position(coordinates):
        return
    _check_depth(coordinates, _DEPTH[value["type"]], name, [0])
    if value["type"] == "LineString" and len(coordinates) < 2:
        raise BadRequest(f"{name}: a LineString has at least two positions")
    polygons: Any = {"Polygon": [coordinates], "MultiPolygon": coordinates}.get(value["type"], [])
    for polygon in polygons:
        for ring in polygon:
            if len(ring) < 4 or ring[0] != ring[-1]:
                raise BadRequest(f"{name}: a ring has at least four positions and ends where it starts")


def _check_depth(value: Any, depth: int, name: str, count: list[int]) -> None:
    if not isinstance(value, list) or not value:
        raise BadRequest(f"{name}: coordinates are not as its type asks")
    if depth:
        for item in value:
            _check_depth(item, depth - 1, name, count)
        return
    count[0] += 1
    if count[0] > GEO_MAX_POINTS:
        raise BadRequest(f"{name}: more than {GEO_MAX_POINTS} positions")
    if not _is_position(value):
        raise BadRequest(f"{name}: a position is [longitude, latitude] in degrees")


def _is_position(value: Any) -> bool:
    """Longitude, latitude in degrees, and perhaps metres above; a bool is no number here."""
    if type(value) is not list or not 2 <= len(value) <= 3 or type(value[-1]) not in _NUMBERS:
        return False
    east, north = value[:2]
    return type(east) in _NUMBERS and type(north) in _NUMBERS and -180 <= east <= 180 and -90 <= north <= 90


def bounds(value: Any) -> Box | None:
    """West, south, east, north of a geometry; None when it is not one."""
    if not isinstance(value, dict) or not is_one_of(value.get("type"), GEOMETRY_TYPES):
        return None
    if value["type"] == "Point":
        x, y = value["coordinates"][:2]
        return (x, y, x, y)
    points = [value["coordinates"]]
    for _ in range(_DEPTH[value["type"]]):
        points = [point for part in points for point in part]
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    return (min(xs), min(ys), max(xs), max(ys))


@dataclass(frozen=True)
class GeoQuery:
    """A parsed geo-query: relation, reference geometry, distances in metres (near only), and the property it is about."""

    relation: str
    reference: BaseGeometry
    min_m: float | None = None
    max_m: float | None = None
    attribute: str = "location"

    def box(self) -> Box | None:
        """What a match's bounding box must touch; None when nothing can be excluded by it."""
        if self.relation == "disjoint" or (self.relation == "near" and self.max_m is None):
            return None
        west, south, east, north = self.reference.bounds
        if self.relation == "near" and self.max_m is not None:
            lat = min(89.0, max(abs(south), abs(north)))
            dy = math.degrees(self.max_m / EARTH_RADIUS_M) * 1.001
            dx = min(180.0, dy / max(0.01, math.cos(math.radians(min(89.0, lat + dy)))))
            return (west - dx, south - dy, east + dx, north + dy)
        return (west, south, east, north)

    def matches(self, value: Any) -> bool:
        """Whether a GeoJSON geometry satisfies the query."""
        try:
            sure = self._by_box(value)
            if sure is not None:
                return sure
            if self.relation == "near":
                distance = self._distance_m(value)
                return (self.max_m is None or distance <= self.max_m) and (self.min_m is None or distance >= self.min_m)
            target = _valid(shape(value))
        except (TypeError, ValueError, KeyError, AttributeError, shapely.errors.ShapelyError):
            return False
        if self.relation == "intersects" or self.relation == "disjoint":
            return bool(target.intersects(self.reference)) == (self.relation == "intersects")
        return bool(getattr(target, self.relation)(self.reference))

    def _by_box(self, value: Any) -> bool | None:
        """Whether the circle surely holds all or nothing of a geometry, as it mostly does with buildings: then none is built.
        None when it is not sure."""
        if value["type"] == "Point":
            return None
        circle, box = self.circle(), bounds(value)
        if circle is None or box is None or circle[2] > CITY_M:
            return None
        x, y, most = circle
        west, south, east, north = box
        if haversine_m(x, y, max(west, min(east, x)), max(south, min(north, y))) > most / SURELY:
            return False
        farthest = max(haversine_m(x, y, lon, lat) for lon in (west, east) for lat in (south, north))
        return True if self.min_m is None and farthest < most * SURELY else None

    def _distance_m(self, value: Any) -> float:
        """Most of what a city has are points: for them no geometry is built."""
        if value["type"] == "Point" and self._middle is not None:
            return haversine_m(*self._middle, *value["coordinates"][:2])
        return distance_m(self.reference, _valid(shape(value)))

    def circle(self) -> tuple[float, float, float] | None:
        """Longitude and latitude of the middle and metres around it, when the query is near a point."""
        if self.relation != "near" or self.max_m is None or self._middle is None:
            return None
        return *self._middle, self.max_m

    @cached_property
    def _middle(self) -> tuple[float, float] | None:
        """Longitude and latitude of a reference that is a point: asking the geometry for each candidate costs more than judging."""
        return (self.reference.x, self.reference.y) if self.reference.geom_type == "Point" else None


def haversine_m(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Great-circle distance in metres."""
    half_lat = math.radians(lat2 - lat1) / 2
    half_lon = math.radians(lon2 - lon1) / 2
    a = math.sin(half_lat) ** 2 + math.cos(math.radians(lat1)) * math.cos(math.radians(lat2)) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(a)))


def distance_m(reference: BaseGeometry, target: BaseGeometry) -> float:
    """Metres between two geometries: haversine for points, else on a plane that touches the Earth at the reference."""
    if reference.geom_type == "Point" and target.geom_type == "Point":
        return haversine_m(reference.x, reference.y, target.x, target.y)
    center = reference.centroid
    scale = math.radians(1) * EARTH_RADIUS_M
    origin, scales = (center.x, center.y), (scale * math.cos(math.radians(center.y)), scale)

    def flat(geometry: BaseGeometry) -> BaseGeometry:
        return shapely.transform(geometry, lambda points: (points - origin) * scales)

    return float(flat(reference).distance(flat(target)))


def parse_geo_query(georel: str, geometry: str, coordinates: Any, attribute: str = "location") -> GeoQuery:
    """From the parameters of clause 4.10; `coordinates` as list. Raises BadRequest."""
    relation, *modifiers = georel.split(";")
    if relation not in RELATIONS:
        raise BadRequest(f"georel: unknown relation {relation[:40]!r}")
    reference = parse_reference(geometry, coordinates, "coordinates")
    distances = dict(_distance(modifier) for modifier in modifiers)
    if (relation == "near") != bool(distances):
        raise BadRequest("georel: near, and only near, takes maxDistance or minDistance")
    return GeoQuery(relation, reference, distances.get("minDistance"), distances.get("maxDistance"), attribute)


def parse_reference(geometry: str, coordinates: Any, name: str) -> BaseGeometry:
    """The geometry that a request speaks of. Raises BadRequest naming the parameter."""
    if geometry not in GEOMETRY_TYPES:
        raise BadRequest("geometry must be a GeoJSON geometry type")
    value = {"type": geometry, "coordinates": coordinates}
    check_geometry(value, name)
    return _valid(shape(value))


def _valid(geometry: BaseGeometry) -> BaseGeometry:
    """Rings that cross themselves have no relations to others until they are taken apart."""
    return geometry if geometry.is_valid else shapely.make_valid(geometry)


def _distance(modifier: str) -> tuple[str, float]:
    name, _, number = modifier.partition("==")
    try:
        metres = float(number)
    except ValueError:
        metres = math.nan
    if name not in ("maxDistance", "minDistance") or not 0 <= metres < math.inf:
        raise BadRequest(f"georel: not a distance: {modifier[:40]!r}")
    return name, metres


def box_query(text: str) -> GeoQuery:
    """Everything that touches `west,south,east,north`. Raises BadRequest."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise BadRequest("bbox must be west,south,east,north") from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BadRequest("bbox must be west,south,east,north")
    return GeoQuery("intersects", shapely.box(west, south, east, north))


def to_geojson(geometry: BaseGeometry) -> dict[str, Any]:
    """GeoJSON of a shapely geometry."""
    return dict(mapping(geometry))
