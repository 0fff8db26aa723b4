"""Which reader a file takes, by its name and its first bytes; one file in a .zip is read without unpacking it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from madang.base.errors import BadRequest
from madang.ingest.citymodel.citygml import open_citygml
from madang.ingest.citymodel.cityjson import open_cityjson
from madang.ingest.citymodel.columns import Columns
from madang.ingest.citymodel.footprints import open_geojson, open_layer, open_sequence
from madang.ingest.citymodel.shape import CityModel, LeftOut

HEAD_BYTES = 4_096
SEQUENCES = (".geojsonl", ".geojsons", ".ndjson")
LAYERS = (".shp", ".gpkg", ".fgb")
KNOWN = "CityJSON, CityJSONSeq, CityGML, GeoJSON, a Shapefile (.shp), GeoPackage or FlatGeobuf"


@contextmanager
def open_model(path: Path, columns: Columns, left_out: LeftOut) -> Iterator[CityModel]:
    """Raises BadRequest when it is none of what is known."""
    if path.suffix.lower() in LAYERS:
        yield open_layer(path, columns, left_out)
        return
    try:
        with _opened(path) as (name, file):
            yield _reader(name, file, columns, left_out)
    except (OSError, zipfile.BadZipFile) as error:
        raise BadRequest(f"{path.name}: {error}") from None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[str, BinaryIO]]:
    if path.suffix.lower() != ".zip":
        with path.open("rb") as file:
            yield path.name, file
        return
    with zipfile.ZipFile(path) as archive:
        inside = [name for name in archive.namelist() if not name.endswith("/")]
        if len(inside) != 1:
            raise BadRequest(f"{path.name}: holds {len(inside)} files; unpack it and name the one that is meant")
        with archive.open(inside[0]) as member:
            yield inside[0], cast(BinaryIO, member)


def _reader(name: str, file: BinaryIO, columns: Columns, left_out: LeftOut) -> CityModel:
    buffered = io.BufferedReader(cast(io.RawIOBase, file), HEAD_BYTES) if not hasattr(file, "peek") else file
    head = cast(io.BufferedReader, buffered).peek(HEAD_BYTES)[:HEAD_BYTES]
    suffix = Path(name).suffix.lower()
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return open_citygml(buffered, name, left_out)
    if suffix in SEQUENCES or head.startswith(b"\x1e"):
        return open_sequence(buffered, columns, left_out)
    if suffix == ".jsonl" or ".city.json" in name or b"CityJSON" in head:
        return open_cityjson(buffered, name, left_out)
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{"):
        return open_geojson(buffered, name, columns, left_out)
    raise BadRequest(f"{name}: this is neither {KNOWN}")
