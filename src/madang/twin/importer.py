"""One map file becomes one city: entities, tiles, traffic network, demand, and a report of what was left out."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from madang.base.city import CityConfig
from madang.ingest.osm.buildings import Building, find_buildings
from madang.ingest.osm.concise import Entity, to_line
from madang.ingest.osm.data import Extract
from madang.ingest.osm.entities import building_entities, node_entities, place_entities, road_entities
from madang.ingest.osm.read import content_hash, read_extract
from madang.twin.tiles.build import build_tiles
from madang.twin.tiles.layers import all_features
from madang.twin.traffic.build import Traffic, TrafficSettings, build_traffic
from madang.twin.traffic.entities import controller_entities, detector_entities, line_entities

FORMAT = 1  # raise it when the same file would give other results: it is part of the content's name
ATTRIBUTION = "© OpenStreetMap contributors, ODbL"
LICENCE = "https://opendatacommons.org/licenses/odbl/1-0/"
STEPS = ("read", "buildings", "tiles", "network", "demand", "signals", "entities", "done")
Progress = Callable[[str, float], None]


class ImportReport(msgspec.Struct, frozen=True):
    """What import.json holds. `left_out`: number by reason. `bbox`: west, south, east, north."""

    city: str
    source: str
    content: str
    attribution: str
    licence: str
    bbox: tuple[float, float, float, float]
    entities: dict[str, int]
    height_sources: dict[str, int]
    tiles: dict[str, int]
    traffic: dict[str, int]
    left_out: dict[str, int]
    format: int = FORMAT


def content_id(source_path: Path, city: CityConfig) -> str:
    """The name of what an import of this file under these settings makes: same name, same bytes."""
    settings = msgspec.json.encode([FORMAT, city.id, city.simulation, content_hash(source_path)], order="sorted")
    return hashlib.sha256(settings).hexdigest()[:16]


def quiet(step: str, share: float) -> None:
    """A progress callback that says nothing."""


def import_city(city: CityConfig, source_path: Path, out_dir: Path, progress: Progress = quiet) -> ImportReport:
    """Makes everything in `out_dir` and tells `progress(step, share 0..1)` where it is; steps are in STEPS.

    Raises BadRequest when the file is no map, Internal when a tool fails. import.json is written last: where it is, the
    import is whole.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    (out_dir / "import.json").unlink(missing_ok=True)
    progress("read", 0.0)
    extract = read_extract(source_path)
    progress("buildings", 0.05)
    buildings, parts, left_out = find_buildings(extract)
    progress("tiles", 0.1)
    name = city.name.get("en", city.id)
    tiles = build_tiles(all_features(extract, buildings, parts), out_dir / "city.pmtiles", name, ATTRIBUTION)
    settings = TrafficSettings(city.simulation.peak_per_h, city.simulation.cycle_s)
    traffic = build_traffic(extract, out_dir, settings, lambda step, share: progress(step, 0.25 + share * 0.6))
    progress("entities", 0.9)
    counts = _write_entities(all_entities(extract, city.id, buildings, traffic), out_dir / "entities.ndjson")
    report = ImportReport(
        city.id, source_path.name, content_id(source_path, city), ATTRIBUTION, LICENCE, extract.bbox, counts,
        dict(sorted(Counter(b.height_source for b in buildings).items())), tiles, traffic.counts,
        left_out | traffic.left_out | _map_left_out(extract),
    )  # fmt: skip
    (out_dir / "import.json").write_text(json.dumps(msgspec.to_builtins(report), ensure_ascii=False, indent=1) + "\n")
    progress("done", 1.0)
    return report


def all_entities(extract: Extract, city: str, buildings: list[Building], traffic: Traffic) -> Iterable[Entity]:
    """Every entity, in a stable order."""
    nodes = list(node_entities(extract, city))
    stop_ids = {e["id"].rpartition(":")[2] for e in nodes if e["type"] == "PublicTransportStop"}
    yield from building_entities(city, buildings)
    yield from road_entities(extract, city)
    yield from nodes
    yield from line_entities(traffic.lines, traffic.net, city, stop_ids)
    yield from controller_entities(traffic.net, traffic.detectors, city)
    yield from detector_entities(traffic.detectors, traffic.net, city)
    yield from place_entities(extract, city)


def _write_entities(entities: Iterable[Entity], path: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        for entity in entities:
            counts[entity["type"]] = counts.get(entity["type"], 0) + 1
            file.write(to_line(entity) + "\n")
    part.replace(path)
    return counts


def _map_left_out(extract: Extract) -> dict[str, int]:
    """What the map tells that did not become an entity of its own."""
    signals = sum(tags.get("highway") == "traffic_signals" for tags in extract.tagged.values())
    torn = sum(way.missing > 0 for way in extract.ways.values())
    paths = sum(way.tags.get("highway") in ("footway", "path", "steps", "cycleway") for way in extract.ways.values())
    return {
        "signal nodes that were joined into controllers": signals,
        "footpaths and cycleways (tiles only, no RoadSegment)": paths,
        "ways cut at the edge of the extract": torn,
    }


def load_report(out_dir: Path) -> dict[str, Any]:
    """The import.json of a finished import."""
    loaded: dict[str, Any] = json.loads((out_dir / "import.json").read_text(encoding="utf-8"))
    return loaded
