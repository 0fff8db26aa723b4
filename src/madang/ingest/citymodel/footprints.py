"""Footprints with heights: GeoJSON (RFC 7946, streamed), its sequences (RFC 8142), Shapefile, GeoPackage, FlatGeobuf -> shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import ijson
import msgspec
import numpy as np
import pyogrio
import pyogrio.raw
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from shapely.geometry import mapping

from madang.base.errors import BadRequest
from madang.base.limits import CITYMODEL_BATCH_BUILDINGS
from madang.ingest.citymodel.columns import Columns, number, told
from madang.ingest.citymodel.shape import GROUND, CityModel, LeftOut, Shape, Surface
from madang.ingest.osm.buildings import FALLBACK_HEIGHT_M, FLOOR_M, ROOF_M

WGS84 = "EPSG:4326"
Feature = dict[str, Any]


def open_geojson(file: BinaryIO, name: str, columns: Columns, left_out: LeftOut) -> CityModel:
    """A collection; a coordinate system other than WGS 84 is taken from the member `crs` of the older GeoJSON. Raises BadRequest."""
    events = ijson.parse(file, use_float=True)
    crs, seen = "", []
    try:
        for prefix, event, value in events:
            if prefix == "crs.properties.name":
                crs = str(value)
            if prefix == "features" and event == "start_array":
                seen = [(prefix, event, value)]
                break
    except ijson.JSONError as error:
        raise BadRequest(f"{name}: this cannot be read as JSON: {error}") from None
    if not seen:
        raise BadRequest(f"{name}: this is no GeoJSON collection of features")
    features = ijson.items(chain(seen, events), "features.item")
    return CityModel(crs or columns.crs or WGS84, _features(_reading(features, name), columns, left_out))


def open_sequence(file: BinaryIO, columns: Columns, left_out: LeftOut) -> CityModel:
    """One feature a line, with or without the record separator."""
    return CityModel(columns.crs or WGS84, _features(_lines(file, left_out), columns, left_out))


def _reading(features: Iterator[Feature], name: str) -> Iterator[Feature]:
    try:
        yield from features
    except ijson.JSONError as error:
        raise BadRequest(f"{name}: this cannot be read as JSON: {error}") from None


def _lines(file: BinaryIO, left_out: LeftOut) -> Iterator[Feature]:
    for position, line in enumerate(file, 1):
        if text := line.strip(b"\x1e \r\n"):
            try:
                yield msgspec.json.decode(text, type=dict[str, Any])
            except msgspec.DecodeError:
                left_out.add("line that is no JSON object", f"line {position}")


def open_layer(path: Path, columns: Columns, left_out: LeftOut) -> CityModel:
    """The first layer of a Shapefile, GeoPackage or FlatGeobuf. A Shapefile's encoding stands in the .cpg beside it; where files say
    nothing of encoding or reference system, the columns do. Raises BadRequest."""
    encoding = _encoding(path, columns)
    try:
        info = pyogrio.read_info(path, encoding=encoding)
    except (DataSourceError, DataLayerError, LookupError, ValueError) as error:
        raise BadRequest(f"{path.name}: {error}") from None
    features = _records(path, encoding, int(info["features"]))
    return CityModel(str(info["crs"] or columns.crs), _features(features, columns, left_out))


def _encoding(path: Path, columns: Columns) -> str | None:
    """None: as the format has it."""
    if path.suffix.lower() != ".shp":
        return None
    told = path.with_suffix(".cpg")
    return (told.read_text("ascii", "replace").strip() if told.exists() else columns.encoding) or "utf-8"


def _records(path: Path, encoding: str | None, number: int) -> Iterator[Feature]:
    for begin in range(0, number, CITYMODEL_BATCH_BUILDINGS):
        meta, ids, shapes, columns = pyogrio.raw.read(
            path, encoding=encoding, skip_features=begin, max_features=CITYMODEL_BATCH_BUILDINGS, return_fids=True
        )
        for at, one in enumerate(shapely.from_wkb(shapes)):
            row = {name: plain(values[at]) for name, values in zip(meta["fields"], columns, strict=True)}
            yield {"id": int(ids[at]), "properties": row, "geometry": None if one is None else mapping(one)}


def plain(value: Any) -> Any:
    """As JSON has it: a moment as text, what is not known as None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value != value:
        return None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _features(features: Iterable[Feature], columns: Columns, left_out: LeftOut) -> Iterator[Shape]:
    for position, feature in enumerate(features, 1):
        yield from feature_shape(feature, f"feature {position}", columns, left_out)


def feature_shape(feature: Feature, place: str, columns: Columns, left_out: LeftOut) -> Iterator[Shape]:
    """At most one; the reason why there is none is counted."""
    row = feature.get("properties") or {}
    name = told(row, columns.id)
    name = str(feature.get("id", "") if name is None else name)
    geometry = feature.get("geometry") or {}
    if name in ("", "None"):
        left_out.add("footprint without an id", place)
        return
    polygons = {"Polygon": [geometry.get("coordinates")], "MultiPolygon": geometry.get("coordinates")}
    if not (found := polygons.get(str(geometry.get("type")))) or not all(found):
        left_out.add(f"no area: {geometry.get('type') or 'no geometry'}", name)
        return
    height_m, source = height_of(row, columns)
    yield _standing(name, found, row, columns, height_m, source)


def height_of(row: dict[str, Any], columns: Columns) -> tuple[float, str]:
    """Metres, and how they are known: `height`, `levels` or `default`."""
    height_m = number(told(row, columns.height_m))
    if height_m is not None:
        return height_m, "height"
    floors = number(told(row, columns.floors_above))
    return (floors * FLOOR_M + ROOF_M, "levels") if floors is not None else (FALLBACK_HEIGHT_M, "default")


def _standing(
    name: str, polygons: list[Any], row: dict[str, Any], columns: Columns, height_m: float, source: str
) -> Shape:
    ground_m = number(told(row, columns.ground_m)) or 0.0
    points: list[tuple[float, float, float]] = []
    surfaces = []
    for polygon in polygons:
        rings = []
        for ring in polygon:
            rings.append(list(range(len(points), len(points) + len(ring))))
            points += [(at[0], at[1], at[2] if len(at) > 2 else ground_m) for at in ring]
        surfaces.append(Surface(GROUND, rings))
    named = {
        "name": told(row, columns.name), "function": told(row, columns.category), "yearOfConstruction": told(row, columns.year),
        "storeysAboveGround": told(row, columns.floors_above), "storeysBelowGround": told(row, columns.floors_below),
    }  # fmt: skip
    attributes = row | {key: value for key, value in named.items() if value is not None}
    return Shape(name, np.array(points, float), surfaces, attributes, "1", height_m, source)
