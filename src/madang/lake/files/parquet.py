"""Parquet, and GeoParquet 1.x (https://geoparquet.org): its column metadata name geometry and reference system."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyproj import CRS
from pyproj.exceptions import CRSError

from madang.base.errors import BadRequest
from madang.lake.files.report import Hints
from madang.lake.files.table import Table, named


def read(path: Path, hints: Hints) -> Table:
    """Raises BadRequest."""
    try:
        rows = pq.read_table(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise BadRequest(f"this is no Parquet: {str(error)[:300]}", reason="unreadable") from None
    told = json.loads((rows.schema.metadata or {}).get(b"geo", b"{}"))
    geometry = str(told.get("primary_column", "")) if told else ""
    rows = _plain(rows.replace_schema_metadata(None), geometry)
    if geometry not in rows.column_names:
        geometry = ""
    names, findings = named(["geometry" if name == geometry else name for name in rows.column_names])
    crs = _crs((told.get("columns") or {}).get(geometry, {})) if geometry else ""
    form = "geoparquet" if geometry else "parquet"
    return Table(rows.rename_columns(names), form, "geometry" if geometry else "", crs, findings=findings)


def _crs(column: dict[str, Any]) -> str:
    """OGC:CRS84 where nothing is said, as the specification has it; nothing where null is said."""
    if "crs" not in column:
        return "OGC:CRS84"
    try:
        return "" if column["crs"] is None else str(CRS.from_json_dict(column["crs"]).to_string())
    except (CRSError, TypeError):
        return ""


def _plain(rows: pa.Table, geometry: str) -> pa.Table:
    """Lists and structures as JSON; the covering `bbox` of GeoParquet is made anew and left out."""
    for place, field in reversed(list(enumerate(rows.schema))):
        if field.name == "bbox" and pa.types.is_struct(field.type) and geometry:
            rows = rows.remove_column(place)
        elif pa.types.is_nested(field.type):
            texts = [
                None if one is None else json.dumps(one, ensure_ascii=False, default=str)
                for one in rows.column(place).to_pylist()
            ]
            rows = rows.set_column(place, field.name, pa.array(texts, pa.string()))
    return rows
