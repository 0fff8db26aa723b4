"""Extract -> entities of what stands still: buildings, streets, stops, stations, hydrants, places, addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from shapely.geometry import LineString

from madang.ingest.osm.buildings import Building
from madang.ingest.osm.concise import Entity, at_point, at_shape, make_entity, measure, named
from madang.ingest.osm.data import Extract, Point, Tags
from madang.ingest.osm.geometry import middle, relation_polygon, way_polygon
from madang.ingest.osm.tags import address_of, name_of, speed_kmh, whole

ROAD_CLASSES = (
    "motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "living_street", "service",
    "pedestrian", "road",
)  # fmt: skip
PLACE_KEYS = ("amenity", "shop", "tourism", "leisure", "historic", "office", "craft", "healthcare", "place", "railway")
NO_PLACE = {
    "bench", "waste_basket", "vending_machine", "bicycle_parking", "parking_space", "waste_disposal", "grit_bin",
    "bicycle_rental", "tram_stop", "subway_entrance", "switch", "signal", "railway_crossing", "level_crossing",
    "platform", "city_block", "crossing", "stop", "buffer_stop", "parking_entrance", "life_ring", "picnic_table",
}  # fmt: skip


def building_entities(city: str, buildings: list[Building]) -> Iterator[Entity]:
    """`Building`: footprint, height with how it is known (`heightSource`), use."""
    for b in buildings:
        height = measure(b.height_m, "MTR")
        assert height is not None
        height["heightSource"] = b.height_source
        yield make_entity(
            "Building", city, b.id, **named(b.tags), category=[b.use], height=height,
            floorsAboveGround=b.floors, location=at_shape(b.shape),
        )  # fmt: skip


def road_entities(extract: Extract, city: str) -> Iterator[Entity]:
    """`RoadSegment`: one for each street way (footpaths and cycleways are in the tiles only)."""
    for way in extract.ways.values():
        kind = way.tags.get("highway", "")
        if kind.removesuffix("_link") not in ROAD_CLASSES or len(way.refs) < 2 or way.tags.get("area") == "yes":
            continue
        yield make_entity(
            "RoadSegment", city, f"w{way.id}", name=name_of(way.tags), roadClass=kind,
            totalLaneNumber=whole(way.tags.get("lanes")),
            maximumAllowedSpeed=measure(speed_kmh(way.tags.get("maxspeed")), "KMH"),
            location=at_shape(LineString(extract.line(way))),
        )  # fmt: skip


def node_entities(extract: Extract, city: str) -> Iterator[Entity]:
    """Stops, bike stations, hydrants, station entrances."""
    for node, tags in sorted(extract.tagged.items()):
        place = at_point(extract.points[node])
        modes = stop_modes(tags)
        if modes:
            yield make_entity(
                "PublicTransportStop", city, f"n{node}", **named(tags), transportationType=modes,
                stopCode=tags.get("ref"), location=place,
            )  # fmt: skip
        kind = node_type(tags)
        if kind:
            category = [tags.get("fire_hydrant:type", "hydrant")] if kind == "FireHydrant" else None
            capacity = whole(tags.get("capacity")) if kind == "BikeHireDockingStation" else None
            yield make_entity(
                kind, city, f"n{node}", **named(tags), category=category, totalSlotNumber=capacity, location=place
            )


def stop_modes(tags: Tags) -> list[str]:
    """`bus` and/or `tram` where one gets on; a stop position on the road is no place to wait at."""
    modes = []
    if tags.get("highway") == "bus_stop":
        modes.append("bus")
    if tags.get("railway") == "tram_stop":
        modes.append("tram")
    return modes


def node_type(tags: Tags) -> str | None:
    if tags.get("amenity") == "bicycle_rental":
        return "BikeHireDockingStation"
    if tags.get("emergency") == "fire_hydrant":
        return "FireHydrant"
    return "StationEntrance" if tags.get("railway") == "subway_entrance" else None


def place_entities(extract: Extract, city: str) -> Iterator[Entity]:
    """`PointOfInterest` (named places of all kinds) and `Address` (every told house number), for search."""
    for local_id, tags, point in _spots(extract):
        kind = place_kind(tags)
        if kind and tags.get("name"):
            yield make_entity(
                "PointOfInterest", city, local_id, **named(tags), category=[kind], location=at_point(point)
            )
        address = address_of(tags)
        if address and "streetNr" in address and "streetAddress" in address:
            line = f"{address['streetAddress']} {address['streetNr']}"
            yield make_entity(
                "Address", city, local_id, name=line, address={"value": address}, location=at_point(point)
            )


def place_kind(tags: Tags) -> str | None:
    """The kind of a place worth finding by name, or None."""
    for key in PLACE_KEYS:
        value = tags.get(key, "no")
        if value not in ("no", "yes") and value not in NO_PLACE:
            return value
    return next((key for key in ("shop", "office", "tourism") if tags.get(key) == "yes"), None)


def _spots(extract: Extract) -> Iterator[tuple[str, Tags, Point]]:
    for node, tags in sorted(extract.tagged.items()):
        yield f"n{node}", tags, extract.points[node]
    for way in sorted(extract.ways.values(), key=lambda w: w.id):
        shape = way_polygon(extract, way) if _says_something(way.tags) else None
        if shape is not None:
            yield f"w{way.id}", way.tags, middle(shape)
    for relation in sorted(extract.relations.values(), key=lambda r: r.id):
        wanted = relation.tags.get("type") == "multipolygon" and _says_something(relation.tags)
        shape = relation_polygon(extract, relation) if wanted else None
        if shape is not None:
            yield f"r{relation.id}", relation.tags, middle(shape)


def _says_something(tags: Tags) -> bool:
    return "addr:housenumber" in tags or ("name" in tags and place_kind(tags) is not None)
