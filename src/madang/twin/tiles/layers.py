"""Extract -> features of the vector layers that docs/ARCHITECTURE.md names. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shapely.geometry import LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from madang.ingest.osm.buildings import Building
from madang.ingest.osm.data import Extract, Tags
from madang.ingest.osm.geometry import area_m2, geojson, polygons_in, relation_polygon, way_polygon
from madang.twin.tiles.sea import sea_polygons

Feature = dict[str, Any]

LAND = {
    ("leisure", "park"): "park",
    ("leisure", "garden"): "park",
    ("leisure", "playground"): "playground",
    ("leisure", "pitch"): "pitch",
    ("landuse", "grass"): "grass",
    ("landuse", "forest"): "wood",
    ("landuse", "meadow"): "grass",
    ("landuse", "cemetery"): "park",
    ("landuse", "recreation_ground"): "park",
    ("landuse", "village_green"): "park",
    ("landuse", "railway"): "railway",
    ("landuse", "construction"): "construction",
    ("landuse", "basin"): "water",
    ("landuse", "pond"): "water",
    ("natural", "water"): "water",
    ("natural", "wood"): "wood",
    ("natural", "scrub"): "grass",
    ("natural", "heath"): "grass",
    ("natural", "grassland"): "grass",
    ("natural", "wetland"): "grass",
    ("natural", "sand"): "sand",
    ("natural", "beach"): "sand",
    ("waterway", "riverbank"): "water",
    ("amenity", "parking"): "parking",
    ("amenity", "fountain"): "water",
    ("place", "square"): "square",
    ("man_made", "pier"): "pier",
}
ROAD = {
    "motorway": "motorway",
    "trunk": "motorway",
    "primary": "primary",
    "secondary": "secondary",
    "tertiary": "tertiary",
    "unclassified": "residential",
    "residential": "residential",
    "living_street": "residential",
    "service": "service",
    "road": "residential",
    "pedestrian": "pedestrian",
    "footway": "path",
    "path": "path",
    "track": "service",
    "cycleway": "cycle",
    "bridleway": "path",
    "corridor": "path",
    "steps": "steps",
}
ROAD_MINZOOM = {"service": 13, "path": 14, "steps": 14, "cycle": 13, "pedestrian": 13, "residential": 12}
RAIL = {"rail": "rail", "light_rail": "rail", "tram": "tram", "subway": "subway"}
PLACE_KINDS = ("city", "town", "suburb", "quarter", "neighbourhood", "square", "island", "city_block")
LAND_MIN_M2 = 12.0


def feature(layer: str, shape: BaseGeometry, minzoom: int = 0, **attributes: object) -> Feature:
    """One GeoJSON feature with tippecanoe's own layer and zoom fields; empty attributes are left out."""
    told = {key: value for key, value in attributes.items() if value not in (None, "", False)}
    tippecanoe: dict[str, object] = {"layer": layer}
    if minzoom:
        tippecanoe["minzoom"] = minzoom
    return {"type": "Feature", "geometry": geojson(shape), "properties": told, "tippecanoe": tippecanoe}


def all_features(extract: Extract, buildings: list[Building], parts: list[Building]) -> Iterator[Feature]:
    """Every feature of every layer, in a stable order."""
    yield from land_features(extract)
    yield from road_features(extract)
    yield from rail_features(extract)
    yield from building_features(buildings, parts)
    yield from place_features(extract)


def land_features(extract: Extract) -> Iterator[Feature]:
    """Layer `land`: the sea from the coastline, then areas, the large ones first so that small ones lie on top."""
    for sea in sea_polygons(extract):
        yield feature("land", sea, kind="water")
    found = [(area_m2(shape), kind, shape) for kind, shape in _land_shapes(extract)]
    for size, kind, shape in sorted(found, key=lambda item: -item[0]):
        if size >= LAND_MIN_M2:
            yield feature("land", shape, 0 if size > 2000 else 13, kind=kind)


def _land_shapes(extract: Extract) -> Iterator[tuple[str, BaseGeometry]]:
    for way in extract.ways.values():
        kind = land_kind(way.tags)
        shape = way_polygon(extract, way) if kind else None
        if kind and shape is not None:
            yield kind, shape
    for relation in extract.relations.values():
        kind = land_kind(relation.tags) if relation.tags.get("type") == "multipolygon" else None
        shape = relation_polygon(extract, relation) if kind else None
        if kind and shape is not None:
            yield kind, shape


def land_kind(tags: Tags) -> str | None:
    """The kind of ground, or None. A pedestrian area counts as a square."""
    if tags.get("location") in ("underground", "indoor") or tags.get("building", "no") != "no":
        return None
    if tags.get("highway") in ("pedestrian", "footway") and (
        tags.get("area") == "yes" or tags.get("type") == "multipolygon"
    ):
        return "square"
    return next((kind for (key, value), kind in LAND.items() if tags.get(key) == value), None)


def road_features(extract: Extract) -> Iterator[Feature]:
    """Layer `road`: every street and path that is a line."""
    for way in extract.ways.values():
        road_class = ROAD.get(way.tags.get("highway", "").removesuffix("_link"))
        if road_class is None or len(way.refs) < 2 or way.tags.get("area") == "yes":
            continue
        tags = way.tags
        yield feature(
            "road",
            LineString(extract.line(way)),
            ROAD_MINZOOM.get(road_class, 0),
            **{"class": road_class, "name": tags.get("name"), "name_en": tags.get("name:en")},
            bridge=tags.get("bridge", "no") != "no",
            tunnel=tags.get("tunnel", "no") != "no" or tags.get("indoor") == "yes",
        )


def rail_features(extract: Extract) -> Iterator[Feature]:
    """Layer `rail`: tracks."""
    for way in extract.ways.values():
        kind = RAIL.get(way.tags.get("railway", ""))
        if kind and len(way.refs) > 1:
            tunnel = way.tags.get("tunnel", "no") != "no"
            yield feature("rail", LineString(extract.line(way)), kind=kind, tunnel=tunnel)


def building_features(buildings: list[Building], parts: list[Building]) -> Iterator[Feature]:
    """Layer `building`: solids to extrude. A building that its parts cover is told by its parts, under its own id."""
    for solid in [b for b in buildings if not b.hollow] + parts:
        for polygon in polygons_in(solid.shape):
            owner = solid.parent or solid.id
            yield feature(
                "building", polygon, 12, id=owner, height=solid.height_m, min_height=solid.min_height_m, use=solid.use
            )


def place_features(extract: Extract) -> Iterator[Feature]:
    """Layer `place`: names of quarters, squares, parks and stations."""
    for node, tags in extract.tagged.items():
        kind = _place_kind(tags)
        if kind and tags.get("name"):
            yield _place(Point(extract.points[node]), tags, kind)
    for way in extract.ways.values():
        kind = _place_kind(way.tags)
        if kind and kind != "city_block" and way.tags.get("name") and way.closed:
            yield _place(Polygon(extract.line(way)).representative_point(), way.tags, kind)


def _place_kind(tags: Tags) -> str | None:
    if tags.get("place") in PLACE_KINDS:
        return tags["place"]
    if tags.get("leisure") == "park":
        return "park"
    return "station" if tags.get("railway") == "station" else None


def _place(shape: BaseGeometry, tags: Tags, kind: str) -> Feature:
    minzoom = 0 if kind in ("city", "town", "suburb") else 14
    names = {"name": tags.get("name"), "name_en": tags.get("name:en"), "name_ko": tags.get("name:ko")}
    return feature("place", shape, minzoom, kind=kind, **names)


def frame(extract: Extract) -> Polygon:
    """The extract's box as a shape."""
    return box(*extract.bbox)
