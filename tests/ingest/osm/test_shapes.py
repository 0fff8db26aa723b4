"""Shapes of small maps made by hand: holes, torn rings, parts, coast."""

from __future__ import annotations

from shapely.geometry import Point

from madang.ingest.osm.buildings import find_buildings
from madang.ingest.osm.data import Extract, Member, Relation, Tags, Way
from madang.ingest.osm.entities import node_entities, place_entities
from madang.ingest.osm.geometry import area_m2
from madang.twin.tiles.layers import all_features, building_features
from madang.twin.tiles.sea import sea_polygons


def square(extract: Extract, way_id: int, x: float, y: float, size: float, tags: Tags) -> None:
    corners = [(x, y), (x + size, y), (x + size, y + size), (x, y + size)]
    refs = [way_id * 10 + n for n in range(4)]
    extract.points.update(dict(zip(refs, corners, strict=True)))
    extract.ways[way_id] = Way(way_id, [*refs, refs[0]], tags)


def test_multipolygon_keeps_its_courtyard() -> None:
    extract = Extract(bbox=(0, 0, 1, 1))
    square(extract, 1, 0.0, 0.0, 0.004, {})
    square(extract, 2, 0.001, 0.001, 0.002, {})
    members = [Member("w", 1, "outer"), Member("w", 2, "inner")]
    extract.relations[9] = Relation(9, members, {"type": "multipolygon", "building": "yes", "building:levels": "3"})
    buildings, _, left_out = find_buildings(extract)
    assert [b.id for b in buildings] == ["r9"] and not left_out
    assert len(buildings[0].shape.interiors) == 1
    assert buildings[0].height_m == 11.1 and buildings[0].height_source == "levels"
    assert 140_000 < area_m2(buildings[0].shape) < 160_000


def test_a_ring_torn_at_the_edge_is_counted_not_guessed() -> None:
    extract = Extract(bbox=(0, 0, 1, 1))
    square(extract, 1, 0.0, 0.0, 0.001, {"building": "yes"})
    extract.ways[1].missing = 2
    buildings, _, left_out = find_buildings(extract)
    assert buildings == [] and sum(left_out.values()) == 1


def test_parts_stand_for_a_building_under_its_id() -> None:
    extract = Extract(bbox=(0, 0, 1, 1))
    square(extract, 1, 0.0, 0.0, 0.001, {"building": "church"})
    square(extract, 2, 0.0, 0.0, 0.0009, {"building:part": "yes", "height": "40", "min_height": "10"})
    buildings, parts, _ = find_buildings(extract)
    assert buildings[0].hollow and buildings[0].height_m == 40 and buildings[0].height_source == "parts"
    drawn = [f["properties"] for f in building_features(buildings, parts)]
    assert drawn == [{"id": "w1", "height": 40.0, "min_height": 10.0, "use": "building"}]


def test_sea_lies_right_of_the_coast() -> None:
    extract = Extract(bbox=(0.0, 0.0, 0.01, 0.01))
    extract.points = {1: (0.0001, 0.004), 2: (0.0099, 0.004)}  # eastwards, and short of the frame on both ends
    extract.ways[1] = Way(1, [1, 2], {"natural": "coastline"})
    sea = sea_polygons(extract)
    assert len(sea) == 1 and sea[0].contains(Point(0.005, 0.001)) and not sea[0].contains(Point(0.005, 0.008))


def test_nodes_become_their_types_and_one_stop_may_serve_both() -> None:
    extract = Extract(points={1: (1, 1), 2: (1, 1), 3: (1, 1)})
    extract.tagged = {
        1: {"highway": "bus_stop", "railway": "tram_stop", "name": "Tori"},
        2: {"emergency": "fire_hydrant"},
        3: {"amenity": "bench"},
    }
    found = list(node_entities(extract, "x"))
    assert [e["type"] for e in found] == ["PublicTransportStop", "FireHydrant"]
    assert found[0]["transportationType"] == ["bus", "tram"]
    assert list(place_entities(extract, "x")) == []


def test_every_feature_says_its_layer() -> None:
    extract = Extract(bbox=(0, 0, 1, 1))
    square(extract, 1, 0.0, 0.0, 0.001, {"leisure": "park", "name": "Park"})
    layers = [f["tippecanoe"]["layer"] for f in all_features(extract, [], [])]
    assert layers == ["land", "place"]
