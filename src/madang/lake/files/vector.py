"""GeoJSON, Shapefile (zipped, with its parts), GeoPackage: features with a geometry, by GDAL."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pyogrio
import pyogrio.errors

from madang.base.errors import BadRequest, TooLarge
from madang.base.limits import LAKE_FILE_MAX_BYTES
from madang.lake.files.report import Hints
from madang.lake.files.table import Table, named

_ZIP_ENTRIES_MAX = 200


def read(path: Path, hints: Hints) -> Table:
    """Raises BadRequest, TooLarge."""
    is_zip = zipfile.is_zipfile(path)
    source, dbf_encoding = _zipped(path) if is_zip else (str(path), "")
    encoding = hints.encoding or dbf_encoding or None
    try:
        meta, rows = pyogrio.read_arrow(source, encoding=encoding)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, UnicodeDecodeError, ValueError) as error:
        raise BadRequest(f"these features cannot be read: {str(error)[:300]}", reason="unreadable") from None
    geometry = meta["geometry_name"] or "wkb_geometry"
    if geometry not in rows.column_names:
        raise BadRequest("this file has no geometry", reason="unreadable")
    names, findings = named(["geometry" if name == geometry else name for name in rows.column_names])
    form = "shapefile" if is_zip else "geojson" if _begins(path, b"{") else "geopackage"
    rows = rows.rename_columns(names).replace_schema_metadata(None)
    return Table(rows, form, "geometry", meta["crs"] or "", str(meta["encoding"] or ""), findings=findings)


def _begins(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(mark)


def _zipped(path: Path) -> tuple[str, str]:
    """GDAL's name of the one layer in a ZIP, and the encoding of a DBF that does not tell its own. Raises BadRequest, TooLarge."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > _ZIP_ENTRIES_MAX or sum(one.file_size for one in entries) > LAKE_FILE_MAX_BYTES:
            raise TooLarge("the ZIP holds too much")
        layers = [one.filename for one in entries if one.filename.lower().endswith((".shp", ".gpkg", ".geojson"))]
        if len(layers) != 1:
            raise BadRequest("a ZIP with one Shapefile, GeoPackage or GeoJSON, please", reason="unreadable")
        stem = layers[0].rsplit(".", 1)[0].lower()
        by_name = {one.filename.lower(): one for one in entries}
        dbf = by_name.get(f"{stem}.dbf")
        tells = f"{stem}.cpg" in by_name
        encoding = "" if tells or dbf is None else _of_dbf(archive.open(dbf).read(1024 * 1024))
    return f"/vsizip/{{{path}}}/{layers[0]}", encoding


def _of_dbf(data: bytes) -> str:
    """Of the bytes of its records: Korean ones of before UTF-8 are CP949."""
    try:
        data[32:].decode("utf-8")
    except UnicodeDecodeError as error:
        return "CP949" if error.start < len(data) - 36 else "UTF-8"
    return "UTF-8"
