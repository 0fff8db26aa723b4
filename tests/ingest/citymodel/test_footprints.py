"""Footprints with heights: GeoJSON, sequences, Shapefiles with Korea's columns."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
from pyproj import CRS
from shapely import box, to_wkb

from madang.base.errors import BadRequest
from madang.ingest.citymodel.columns import load_columns
from madang.ingest.citymodel.footprints import height_of, open_geojson, open_sequence
from madang.ingest.citymodel.opening import open_model
from madang.ingest.citymodel.shape import GROUND, LeftOut

COMMON, KOREA = load_columns("common"), load_columns("korea")
SQUARE = [[[127.0, 37.5], [127.001, 37.5], [127.001, 37.501], [127.0, 37.501], [127.0, 37.5]]]


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def test_a_collection_is_read_with_its_reference_system() -> None:
    features = [
        feature({"type": "Polygon", "coordinates": SQUARE}, id="a", height=12.5, name="Hall"),
        feature({"type": "MultiPolygon", "coordinates": [SQUARE, SQUARE]}, id="b", levels="3"),
        feature({"type": "Point", "coordinates": [127, 37]}, id="c"),
        feature(None, id="d"),
        feature({"type": "Polygon", "coordinates": SQUARE}),
    ]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::5186"}}
    left_out = LeftOut()
    data = json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}).encode()
    model = open_geojson(io.BytesIO(data), "x.geojson", COMMON, left_out)
    one, two = model.shapes
    assert (model.crs, one.id, one.height_m, one.height_source) == ("urn:ogc:def:crs:EPSG::5186", "a", 12.5, "height")
    assert (one.attributes, [s.kind for s in one.surfaces]) == ({"id": "a", "height": 12.5, "name": "Hall"}, [GROUND])
    assert (two.id, len(two.surfaces), two.height_source) == ("b", 2, "levels")
    assert left_out.counts == {"no area: Point": 1, "no area: no geometry": 1, "footprint without an id": 1}


def test_a_sequence_goes_on_after_a_broken_line() -> None:
    whole = json.dumps(feature({"type": "Polygon", "coordinates": SQUARE}, id="a", height=3)).encode()
    left_out = LeftOut()
    model = open_sequence(io.BytesIO(b"\x1e" + whole + b"\n{\n\n" + whole), COMMON, left_out)
    assert ([one.id for one in model.shapes], left_out.counts) == (["a", "a"], {"line that is no JSON object": 1})


@pytest.mark.parametrize(
    ("row", "known"),
    [
        ({"HEIGHT": 11.7, "GRND_FLR": 2}, (11.7, "height")),
        ({"HEIGHT": 0, "GRND_FLR": 2}, (7.9, "levels")),
        ({"HEIGHT": "", "A16": "nan", "A26": "4"}, (14.3, "levels")),
        ({"HEIGHT": None, "GRND_FLR": 0}, (6.4, "default")),
    ],
)
def test_how_a_height_is_known(row: dict[str, Any], known: tuple[float, str]) -> None:
    height_m, source = height_of(row, KOREA)
    assert (round(height_m, 3), source) == known


LOT = box(198_000, 551_000, 198_020, 551_020)
ROWS = {
    "UFID": np.array(["2007203363", "2007203364"], object),
    "BLD_NM": np.array(["서울시청", None], object),
    "GRND_FLR": np.array([5, 3]),
    "HEIGHT": np.array([21.5, 0.0]),
    "USABILITY": np.array(["14000", "02000"], object),
}


def write(path: Path, encoding: str | None, crs: str | None, second: bytes | None) -> Path:
    """Two of Korea's rows; `second`: where the second is."""
    shapes = np.array([to_wkb(LOT), second], object)
    pyogrio.raw.write(
        path, shapes, list(ROWS.values()), list(ROWS), geometry_type="Polygon", crs=crs, encoding=encoding
    )
    return path


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_shapefile_with_koreas_columns(tmp_path: Path) -> None:
    """As the ministry gives it: cp949, and nothing beside it says so."""
    path = write(tmp_path / "F_FAC_BUILDING_11.shp", "cp949", None, None)
    path.with_suffix(".cpg").unlink()
    left_out = LeftOut()
    with open_model(path, KOREA, left_out) as model:
        (shape,) = model.shapes
    assert (model.crs, shape.id, shape.height_m) == ("EPSG:5186", "2007203363", 21.5)
    assert {"name": "서울시청", "function": "14000", "storeysAboveGround": 5}.items() <= shape.attributes.items()
    assert left_out.counts == {"no area: no geometry": 1}


@pytest.mark.parametrize("name", ["x.shp", "x.gpkg", "x.fgb"])
def test_what_a_file_says_of_itself_counts_first(tmp_path: Path, name: str) -> None:
    encodings = {"x.shp": "euc-kr"}
    with open_model(write(tmp_path / name, encodings.get(name), "EPSG:5174", to_wkb(LOT)), KOREA, LeftOut()) as model:
        shape, _ = model.shapes
    assert (CRS.from_user_input(model.crs).to_epsg(), shape.attributes["name"]) == (5174, "서울시청")


@pytest.mark.parametrize("data", [b'{"type": "FeatureCollection"}', b'{"features": [', b"{", b"plain", b""])
def test_what_is_none_of_it_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.geojson"
    path.write_bytes(data)
    with pytest.raises(BadRequest), open_model(path, COMMON, LeftOut()) as model:
        list(model.shapes)


def test_unknown_columns_are_refused() -> None:
    with pytest.raises(BadRequest, match="korea"):
        load_columns("nowhere")
