"""How a table is, whoever read it: nothing here opens a file, so that the gateway can use it."""

from __future__ import annotations

import base64
import json
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from madang.base.limits import LAKE_FILE_POINTS, LAKE_FILE_SAMPLE_ROWS
from madang.lake.files.profile import duplicates, profiles
from madang.lake.files.report import Box, Report
from madang.lake.files.table import Table

_CELL_CHARS = 300


def described(table: Table) -> Report:
    """How its columns are, where it lies, and some rows; nothing is judged."""
    bbox, shape, points = _ground(table)
    return Report(
        table.format, table.rows.num_rows, profiles(table.rows, table.geometry), [], table.encoding, table.crs, shape, bbox,
        duplicates(table.rows), sample_of(table.rows.slice(0, LAKE_FILE_SAMPLE_ROWS), table.geometry), points,
    )  # fmt: skip


def _ground(table: Table) -> tuple[Box | None, str, list[tuple[float, float]]]:
    """Bounding box, kind of geometry (the most frequent), and some places evenly out of all."""
    if not table.geometry or not table.rows.num_rows:
        return None, "", []
    shapes = shapely.from_wkb(table.rows.column(table.geometry).to_numpy(zero_copy_only=False))
    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    if not len(shapes):
        return None, "", []
    kinds, counts = np.unique(shapely.get_type_id(shapes), return_counts=True)
    kind = shapely.GeometryType(int(kinds[counts.argmax()])).name.capitalize()
    west, south, east, north = (round(float(one), 7) for one in shapely.total_bounds(shapes))
    some = shapely.point_on_surface(shapes[:: max(1, len(shapes) // LAKE_FILE_POINTS)][:LAKE_FILE_POINTS])
    points = [(round(float(x), 6), round(float(y), 6)) for x, y in shapely.get_coordinates(some)]
    return (west, south, east, north), kind, points


def sample_of(rows: pa.Table, geometry: str) -> list[list[Any]]:
    """Rows as JSON has them: geometry as WKT, times as ISO 8601."""
    names = rows.column_names
    columns = [
        [_shown(value, name == geometry) for value in rows.column(place).to_pylist()]
        for place, name in enumerate(names)
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _shown(value: Any, is_geometry: bool) -> Any:
    if isinstance(value, bytes):
        text = shapely.from_wkb(value).wkt if is_geometry else base64.b64encode(value).decode()
        return text[:_CELL_CHARS]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return (
        value[:_CELL_CHARS]
        if isinstance(value, str)
        else value
        if isinstance(value, int | float | bool)
        else (None if value is None else json.dumps(value, default=str)[:_CELL_CHARS])
    )
