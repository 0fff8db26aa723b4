"""File -> Extract. The only place that touches osmium."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import osmium

from madang.base.errors import BadRequest
from madang.ingest.osm.data import Box, Extract, Member, Point, Relation, Way


def read_extract(path: Path) -> Extract:
    """Reads an .osm.pbf, .osm or .osm.gz file. Raises BadRequest when it is none or holds no node."""
    extract = Extract()
    try:
        for thing in osmium.FileProcessor(str(path)):
            _take(extract, thing)
        box = _header_box(path)
    except RuntimeError as error:
        raise BadRequest(f"{path.name} is not an OpenStreetMap file: {error}") from error
    if not extract.points:
        raise BadRequest(f"{path.name} holds no node")
    _drop_missing(extract)
    extract.bbox = box or box_of_roads(extract)
    return extract


def content_hash(path: Path) -> str:
    """SHA-256 of the file, first 16 hex digits: the name of what is made of it."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:16]


def _take(extract: Extract, thing: Any) -> None:
    tags = {tag.k: tag.v for tag in thing.tags}
    if thing.is_node():
        extract.points[thing.id] = (round(thing.location.lon, 7), round(thing.location.lat, 7))
        if tags:
            extract.tagged[thing.id] = tags
    elif thing.is_way():
        extract.ways[thing.id] = Way(thing.id, [node.ref for node in thing.nodes], tags)
    elif thing.is_relation():
        members = [Member(member.type, member.ref, member.role) for member in thing.members]
        extract.relations[thing.id] = Relation(thing.id, members, tags)


def _drop_missing(extract: Extract) -> None:
    for way in extract.ways.values():
        there = [ref for ref in way.refs if ref in extract.points]
        way.missing = len(way.refs) - len(there)
        way.refs = there


def _header_box(path: Path) -> Box | None:
    reader = osmium.io.Reader(str(path))
    box = reader.header().box()
    reader.close()
    if not box.valid():
        return None
    low, high = box.bottom_left, box.top_right
    return (round(low.lon, 6), round(low.lat, 6), round(high.lon, 6), round(high.lat, 6))


def box_of_roads(extract: Extract) -> Box:
    """The box around the streets, for files whose header tells none; falls back to all nodes."""
    points: list[Point] = []
    for way in extract.ways.values():
        if "highway" in way.tags:
            points.extend(extract.line(way))
    points = points or list(extract.points.values())
    lons, lats = [p[0] for p in points], [p[1] for p in points]
    return (min(lons), min(lats), max(lons), max(lats))
