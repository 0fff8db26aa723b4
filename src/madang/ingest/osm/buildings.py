"""Buildings: footprint, height and how we know it, use. Pure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace

from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from madang.ingest.osm.data import Extract, Tags
from madang.ingest.osm.geometry import area_m2, relation_polygon, way_polygon
from madang.ingest.osm.tags import metres, number

FLOOR_M = 3.2
ROOF_M = 1.5
LOW_USES = {"kiosk": 3.0, "shed": 3.0, "garage": 3.0, "garages": 3.0, "roof": 4.5, "hut": 3.0, "container": 3.0}
SMALL_M2, SMALL_HEIGHT_M = 60.0, 4.0
FALLBACK_HEIGHT_M = 6.4
KNOWN_MIN = 20
PART_COVER_MIN = 0.6
USES = ("amenity", "shop", "office", "tourism", "leisure", "public_transport")


@dataclass(slots=True)
class Building:
    """One building or one part of one. `height_source`: height, levels, parts, median or default."""

    id: str
    tags: Tags
    shape: BaseGeometry
    use: str
    height_m: float
    min_height_m: float
    height_source: str
    floors: int | None
    parent: str | None = None
    hollow: bool = False  # its parts stand for it in 3D


def find_buildings(extract: Extract) -> tuple[list[Building], list[Building], dict[str, int]]:
    """Buildings, their parts (`parent` set), and counts of what was left out, by reason."""
    left_out: dict[str, int] = {}
    shapes = [_known(*found) for found in _shapes(extract, "building", left_out)]
    parts = [_known(*found) for found in _shapes(extract, "building:part", left_out)]
    buildings = _with_defaults(shapes)
    parts = _with_parents(_with_defaults(parts), buildings)
    return _with_parts(buildings, parts), parts, left_out


def _shapes(extract: Extract, key: str, left_out: dict[str, int]) -> list[tuple[str, Tags, BaseGeometry]]:
    found: list[tuple[str, Tags, BaseGeometry]] = []
    for way in sorted(extract.ways.values(), key=lambda w: w.id):
        if way.tags.get(key, "no") != "no":
            _keep(found, left_out, f"w{way.id}", way.tags, way_polygon(extract, way), key)
    for relation in sorted(extract.relations.values(), key=lambda r: r.id):
        if relation.tags.get(key, "no") == "no":
            continue
        if relation.tags.get("type") == "multipolygon":
            _keep(found, left_out, f"r{relation.id}", relation.tags, relation_polygon(extract, relation), key)
        else:
            _count(left_out, f"{key}: relation that is no multipolygon")
    return found


def _keep(
    found: list[tuple[str, Tags, BaseGeometry]],
    left_out: dict[str, int],
    local_id: str,
    tags: Tags,
    shape: BaseGeometry | None,
    key: str,
) -> None:
    if shape is None:
        _count(left_out, f"{key}: outline not closed within the extract")
    else:
        found.append((local_id, tags, shape))


def _count(left_out: dict[str, int], reason: str) -> None:
    left_out[reason] = left_out.get(reason, 0) + 1


def use_of(tags: Tags) -> str:
    """What a building is used for: its own kind, else what is in it, else `building`."""
    kind = tags.get("building", tags.get("building:part", "yes"))
    if kind not in ("yes", "block"):
        return kind
    return next((tags[key] for key in USES if tags.get(key, "no") != "no"), "building")


def _known(local_id: str, tags: Tags, shape: BaseGeometry) -> Building:
    levels = number(tags.get("building:levels"))
    roof_levels = number(tags.get("roof:levels")) or 0.0
    low = metres(tags.get("min_height")) or FLOOR_M * (number(tags.get("building:min_level")) or 0.0)
    height, source = metres(tags.get("height")) or metres(tags.get("building:height")), "height"
    if height is None:
        height, source = (levels + roof_levels) * FLOOR_M + ROOF_M if levels else 0.0, "levels" if levels else ""
    floors = int(levels) if levels else None
    return Building(local_id, tags, shape, use_of(tags), round(height, 1), round(low, 1), source, floors)


def _with_defaults(buildings: list[Building]) -> list[Building]:
    known = [b.height_m for b in buildings if b.height_source and b.use not in LOW_USES]
    usual = (
        (round(statistics.median(known), 1), "median") if len(known) >= KNOWN_MIN else (FALLBACK_HEIGHT_M, "default")
    )
    return [b if b.height_source else _guessed(b, usual) for b in buildings]


def _guessed(building: Building, usual: tuple[float, str]) -> Building:
    if building.use in LOW_USES:
        height, source = LOW_USES[building.use], "default"
    elif area_m2(building.shape) < SMALL_M2:
        height, source = SMALL_HEIGHT_M, "default"
    else:
        height, source = usual
    return replace(building, height_m=round(max(height, building.min_height_m + FLOOR_M), 1), height_source=source)


def _with_parents(parts: list[Building], buildings: list[Building]) -> list[Building]:
    if not buildings:
        return []
    tree = STRtree([b.shape for b in buildings])
    return [replace(p, parent=buildings[int(tree.nearest(p.shape.representative_point()))].id) for p in parts]


def _with_parts(buildings: list[Building], parts: list[Building]) -> list[Building]:
    """A building without an own height takes its tallest part's; one mostly covered by parts is hollow."""
    of: dict[str, list[Building]] = {}
    for part in parts:
        of.setdefault(part.parent or "", []).append(part)
    out = []
    for building in buildings:
        own = of.get(building.id, [])
        covered = sum(p.shape.intersection(building.shape).area for p in own) if own else 0.0
        hollow = covered >= PART_COVER_MIN * building.shape.area
        told = [p.height_m for p in own if p.height_source in ("height", "levels")]
        if told and building.height_source in ("median", "default"):
            building = replace(building, height_m=max(told), height_source="parts")
        out.append(replace(building, hollow=hollow))
    return out
