"""Files as offices give them out: formats, encodings, coordinates, and what is found to be wrong with them."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import rasterio
import shapely
from netCDF4 import Dataset as NetCdf
from openpyxl import Workbook
from pyproj import Transformer
from rasterio.transform import from_origin
from tests.conftest import shared

from madang.lake.files.reading import read_arrival
from madang.lake.files.report import ARRIVED, JOB, TABLE, Finding, Hints, Known, Reading, Report

SEOUL = (126.7, 37.4, 127.2, 37.7)
Read = Callable[..., Report]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads bytes, or a file, under a name."""

    def read(name: str, content: bytes | Path, **told: object) -> Report:
        if isinstance(content, Path):
            shutil.copy(content, tmp_path / ARRIVED)
        else:
            (tmp_path / ARRIVED).write_bytes(content)
        job = Reading(name, **{"bbox": SEOUL, **told})  # type: ignore[arg-type]
        (tmp_path / JOB).write_bytes(msgspec.json.encode(job))
        return read_arrival(tmp_path)

    return read


def types(report: Report) -> dict[str, str]:
    return {one.name: one.type for one in report.columns}


def codes(report: Report) -> list[tuple[str, str]]:
    return [(one.code, one.severity) for one in report.findings]


def test_seouls_wifi_has_its_coordinate_headers_swapped(read: Read) -> None:
    report = read("wifi-aps.csv", shared("seoul/wifi-aps.csv"))
    (stop,) = report.stops
    told = {
        "across": "경도",
        "across_range": [37.371147, 127.10682],
        "upward": "위도",
        "upward_range": [37.528824, 172.108],
    }
    assert stop == Finding("swapped_coordinates", "stop", "경도, 위도", 13_554, told | {"crs": "EPSG:4326"})
    assert (report.encoding, report.rows, report.bbox) == ("cp949", 13_615, None)


def test_it_is_right_when_somebody_says_which_is_which(read: Read) -> None:
    report = read("wifi-aps.csv", shared("seoul/wifi-aps.csv"), hints=Hints(longitude="위도", latitude="경도"))
    assert (report.stops, report.shape, report.rows) == ([], "Point", 13_615)
    assert ("outside_city", "warn") in codes(report)  # one stands at 172 degrees, another at 127 north


def test_bike_stations_of_a_ragged_header(read: Read) -> None:
    report = read("bike-stations.csv", shared("seoul/bike-stations.csv"))
    assert (report.rows, report.encoding, report.crs, report.shape) == (2_586, "cp949", "EPSG:4326", "Point")
    assert types(report)["설치 시기"] == "date"
    assert (report.stops, ("header_empty", "warn") in codes(report)) == ([], True)


def test_districts_are_polygons(read: Read, tmp_path: Path) -> None:
    report = read("districts.geojson", shared("seoul/districts.geojson"))
    assert (report.format, report.rows, report.shape) == ("geojson", 25, "Polygon")
    shapes = shapely.from_wkb(pq.read_table(tmp_path / TABLE).column("geometry").to_numpy(zero_copy_only=False))
    assert shapely.is_valid(shapes).all()


def test_santander_is_not_in_seoul(read: Read) -> None:
    report = read("sensors.json", shared("sensors/santander-2016-04-11.json"))
    assert [(one.code, one.rows) for one in report.stops] == [("outside_city", 651)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949", "euc-kr"])
def test_encodings(read: Read, encoding: str) -> None:
    report = read("a.csv", "이름,값\n가나다,1\n라마바,2\n".encode(encoding))
    assert (report.sample, types(report)) == ([["가나다", 1], ["라마바", 2]], {"이름": "text", "값": "integer"})


def test_types_of_texts(read: Read) -> None:
    text = """code,count,share,when,day,yes,mixed
"01001","1,200",0.5,2026-11-22 09:00:00,2026.11.22,true,a
"01002",37,-,2026-11-22 10:00:00,,false,1
"""
    report = read("a.csv", text.encode())
    kinds = ["text", "integer", "number", "time", "date", "boolean", "text"]
    assert list(types(report).values()) == kinds
    assert report.sample[0] == ["01001", 1200, 0.5, "2026-11-22T09:00:00", "2026-11-22", True, "a"]
    assert report.sample[1][2] is None


def test_a_column_of_numbers_with_a_word_in_it(read: Read) -> None:
    rows = "\n".join(str(number) for number in range(99))
    report = read("a.csv", f"v\n{rows}\n고장\n".encode())
    assert report.stops == [Finding("not_all_numbers", "stop", "v", 1, {"examples": ["고장"]})]


@pytest.mark.parametrize(("delimiter", "name"), [(";", "a.csv"), ("\t", "a.tsv"), ("|", "a.txt")])
def test_delimiters(read: Read, delimiter: str, name: str) -> None:
    report = read(name, f'a{delimiter}b\n"x{delimiter}y"{delimiter}2\n'.encode())
    assert report.sample == [[f"x{delimiter}y", 2]]


def test_lines_that_cannot_be_read_are_told(read: Read) -> None:
    report = read("a.csv", b"a,b\n1,2\n3,4,5\n6,7\n")
    assert (report.rows, report.stops) == (2, [Finding("broken_lines", "stop", rows=1, told={"first": 3})])


def test_rows_that_come_twice(read: Read) -> None:
    report = read("a.csv", b"no,name\n1,x\n2,x\n3,y\n4,x\n5,z\n")
    assert (report.duplicates, codes(report)) == (2, [("duplicates", "warn")])


@pytest.mark.parametrize("crs", ["EPSG:5179", "EPSG:5186"])
def test_eastings_and_northings_are_known_by_where_they_fall(read: Read, crs: str) -> None:
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform([126.97, 127.0], [37.56, 37.5])
    report = read("a.csv", f"X좌표,Y좌표\n{x[0]},{y[0]}\n{x[1]},{y[1]}\n".encode())
    assert (report.crs, report.stops) == (crs, [])
    assert report.points == [(126.97, 37.56), (127.0, 37.5)]


@pytest.mark.parametrize("crs", ["EPSG:5174", "EPSG:5181"])
def test_the_old_datum_is_asked_for(read: Read, crs: str) -> None:
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(126.97, 37.56)
    (stop,) = read("a.csv", f"x,y\n{x},{y}\n".encode()).stops
    assert (stop.code, {stop.told["either"], stop.told["or"]}) == ("crs_ambiguous", {"EPSG:5174", "EPSG:5181"})
    assert 250 < stop.told["metres"] < 400
    report = read("a.csv", f"x,y\n{x},{y}\n".encode(), hints=Hints(crs=crs))
    assert (report.stops, report.points) == ([], [(126.97, 37.56)])


def test_metres_that_fall_nowhere(read: Read) -> None:
    assert [one.code for one in read("a.csv", b"x,y\n1,2\n900,400\n500000,900000\n").stops] == ["crs_unknown"]


def test_excel(read: Read) -> None:
    book, out = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in [
        ["2026년 공영주차장"],
        ["이름", "면수", "위도", "경도"],
        ["가", 12, 37.5, 127.0],
        ["나", None, 37.6, 126.9],
    ]:
        sheet.append(row)
    book.save(out)
    report = read("주차장.xlsx", out.getvalue())
    assert types(report) == {
        "이름": "text",
        "면수": "integer",
        "위도": "number",
        "경도": "number",
        "geometry": "geometry",
    }
    assert (report.sample[1][:2], report.points) == (["나", None], [(127.0, 37.5), (126.9, 37.6)])


def test_shapefile_of_an_office(read: Read, tmp_path: Path) -> None:
    """CP949 without a .cpg, EPSG:5186 in the .prj."""
    x, y = Transformer.from_crs(4326, 5186, always_xy=True).transform([127.0], [37.5])
    shapes = shapely.to_wkb([shapely.Point(x[0], y[0])])
    pyogrio.raw.write(
        str(tmp_path / "s.shp"), shapes, [np.array(["강동구"], dtype=object)], ["name"], geometry_type="Point", crs="EPSG:5186",
        encoding="CP949",
    )  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for end in ("shp", "shx", "dbf", "prj"):
            archive.write(tmp_path / f"s.{end}", f"s.{end}")
    report = read("s.zip", out.getvalue())
    assert (report.format, report.points, report.sample[0][0]) == ("shapefile", [(127.0, 37.5)], "강동구")
    assert report.crs == "EPSG:5186"


def test_geoparquet(read: Read) -> None:
    told = {
        "version": "1.1.0",
        "primary_column": "geom",
        "columns": {"geom": {"encoding": "WKB", "geometry_types": ["Point"]}},
    }
    rows = pa.table({"n": [1], "geom": [shapely.Point(127, 37.5).wkb]}).replace_schema_metadata(
        {"geo": json.dumps(told)}
    )
    out = io.BytesIO()
    pq.write_table(rows, out)
    report = read("a.parquet", out.getvalue())
    assert (report.format, report.crs, report.points) == ("geoparquet", "OGC:CRS84", [(127.0, 37.5)])


def test_netcdf(read: Read, tmp_path: Path) -> None:
    with NetCdf(tmp_path / "n.nc", "w") as data:
        for name, values in {"time": [0, 1], "lat": [37.5, 37.6], "lon": [127.0]}.items():
            data.createDimension(name, len(values))
            data.createVariable(name, "f8", (name,))[:] = values
        data["time"].units = "hours since 2026-11-22 00:00:00"
        data.createVariable("pm25", "f4", ("time", "lat", "lon"), fill_value=-1)[:] = [[[10], [-1]], [[12], [13]]]
    report = read("n.nc", tmp_path / "n.nc")
    assert report.sample[0][:4] == ["2026-11-22T00:00:00", 37.5, 127.0, 10.0]
    assert (report.sample[1][3], report.rows, report.shape) == (None, 4, "Point")


@pytest.mark.usefixtures("own_projections")
def test_geotiff(read: Read, tmp_path: Path) -> None:
    with rasterio.open(
        tmp_path / "t.tif", "w", driver="GTiff", width=2, height=1, count=1, dtype="float32", crs="EPSG:4326",
        transform=from_origin(127.0, 37.6, 0.1, 0.1), nodata=-9,
    ) as data:  # fmt: skip
        data.write(np.array([[[1.5, -9]]], dtype="float32"))
    report = read("t.tif", tmp_path / "t.tif")
    assert (report.format, report.rows, report.points) == ("geotiff", 2, [(127.05, 37.55), (127.15, 37.55)])
    assert [row[2] for row in report.sample] == [1.5, None]


def test_what_a_table_cannot_take_stops(read: Read) -> None:
    known = [Known("a", "integer"), Known("b", "date"), Known("gone", "text")]
    report = read("a.csv", b"a,b,new\n1.5,x,1\n2,y,2\n", known=known)
    assert codes(report) == [("type_changed", "stop"), ("column_gone", "warn"), ("columns_new", "note")]


def test_what_was_promised(read: Read) -> None:
    promised = [Known("a", "number", required=True), Known("b", "text"), Known("c", "date")]
    report = read("a.csv", b"a,c\n1,x\n,y\n", promised=promised)
    assert [(one.code, one.column) for one in report.stops] == [
        ("contract_nulls", "a"),
        ("contract_column", "b"),
        ("contract_type", "c"),
    ]


def test_what_somebody_has_looked_at_stops_no_more(read: Read) -> None:
    report = read("a.csv", b"a\n1\n1\n1\n", hints=Hints(accepted=["duplicates"]))
    assert (report.stops, ("duplicates", "warn") in codes(report)) == ([], True)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.exe", b"MZ\x90", "format"),
        ("a.json", b"{}", "unreadable"),
        ("a.xlsx", b"PK\x03\x04 no zip", "format"),
        ("a.parquet", b"PAR1 no parquet", "unreadable"),
        ("a.nc", b"\x89HDF\r\n\x1a\n", "unreadable"),
        ("a.tif", b"II*\x00", "unreadable"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [}', "unreadable"),
        ("a.csv", b"", "empty"),
    ],
)
def test_what_cannot_be_read_says_so(read: Read, name: str, content: bytes, code: str) -> None:
    assert [one.code for one in read(name, content).stops] == [code]
