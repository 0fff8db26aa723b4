"""One file becomes a Parquet file and a report. What strangers made is read only where this runs: in a process behind walls."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from madang.base.errors import MadangError
from madang.lake.files.describing import described
from madang.lake.files.kinds import reader_of
from madang.lake.files.places import placed
from madang.lake.files.quality import against_known, against_promise, judge, settled
from madang.lake.files.report import ARRIVED, JOB, REPORT, TABLE, Finding, Reading, Report
from madang.lake.files.table import Table
from madang.lake.files.typing import typed


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


def _report(table: Table, job: Reading) -> Report:
    found = described(table)
    findings = [*table.findings, *judge(found.columns, found.rows, found.duplicates)]
    findings += [*against_known(found.columns, job.known), *against_promise(found.columns, job.promised, found.rows)]
    return msgspec.structs.replace(found, findings=settled(findings, job.hints.accepted))


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
