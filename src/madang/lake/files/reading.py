"""One file becomes a Parquet file and a report. What strangers made is read only where this runs: in a process behind walls."""

from __future__ import annotations

import base64
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from madang.base.errors import MadangError
from madang.base.limits import LAKE_FILE_POINTS, LAKE_FILE_SAMPLE_ROWS
from madang.lake.files.kinds import reader_of
from madang.lake.files.places import placed
from madang.lake.files.profile import duplicates, profiles
from madang.lake.files.quality import against_known, against_promise, judge, settled
from madang.lake.files.report import ARRIVED, JOB, REPORT, TABLE, Box, Finding, Reading, Report
from madang.lake.files.table import Table
from madang.lake.files.typing import typed

_CELL_CHARS = 300


def read_arrival(folder: Path) -> Report:
    """Reads `arrived` as `job.json` says; writes `table.parquet` and `report.json`. A file that cannot be read has a report, too."""
    job = msgspec.json.decode((folder / JOB).read_bytes(), type=Reading)
    try:
        report = _read(folder, job)
    except MadangError as error:
        code = str(error.extra.get("reason", "unreadable"))
        report = Report("", 0, [], [Finding(code, "stop", told={"detail": error.detail})])
    (folder / REPORT).write_bytes(msgspec.json.encode(report))
    return report


def _read(folder: Path, job: Reading) -> Report:
    path = folder / ARRIVED
    table = reader_of(path, job.name)(path, job.hints)
    table.check()
    table = typed(table)
    placed(table, job.hints, job.bbox)
    pq.write_table(_kept(table.rows), folder / TABLE, compression="zstd")
    return _report(table, job)


def described(table: Table) -> Report:
    """How its columns are, where it lies, and some rows; nothing is judged."""
    bbox, shape, points = _ground(table)
    return Report(
        table.format, table.rows.num_rows, profiles(table.rows, table.geometry), [], table.encoding, table.crs, shape, bbox,
        duplicates(table.rows), sample_of(table.rows.slice(0, LAKE_FILE_SAMPLE_ROWS), table.geometry), points,
    )  # fmt: skip


def _report(table: Table, job: Reading) -> Report:
    found = described(table)
    findings = [*table.findings, *judge(found.columns, found.rows, found.duplicates)]
    findings += [*against_known(found.columns, job.known), *against_promise(found.columns, job.promised, found.rows)]
    return msgspec.structs.replace(found, findings=settled(findings, job.hints.accepted))


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


def _kept(rows: pa.Table) -> pa.Table:
    """Types that DuckLake has: times without a zone are UTC, what is a dictionary is its values."""
    for place, one in enumerate(rows.schema):
        kind = _kept_type(one.type)
        if kind is not None:
            rows = rows.set_column(place, one.name, rows.column(place).cast(kind))
    return rows


def _kept_type(kind: pa.DataType) -> pa.DataType | None:
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us")
    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_signed_integer(kind) or pa.types.is_unsigned_integer(kind):
        return pa.int64() if kind != pa.uint64() else pa.float64()
    return pa.float64() if pa.types.is_float16(kind) or pa.types.is_float32(kind) or pa.types.is_decimal(kind) else None
