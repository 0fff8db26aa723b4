"""The files that answer a question, at one moment."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import duckdb
import msgspec

from madang.base.errors import Unavailable
from madang.lake.datasets.loading import files_of
from madang.lake.roller import rolled_upto
from madang.lake.shape import NAMES, observations
from madang.lake.sql.job import Job, Sheet


def supplied(connection: duckdb.DuckDBPyConnection, job: Job, folder: Path) -> Job:
    """The job with its files, at one moment; the fresh one is the caller's to remove. Raises duckdb.Error, Unavailable while files are
    written anew after an erasure."""
    connection.execute("BEGIN")
    try:
        sheets = {name: one if one.files else _sheet(connection, name, one) for name, one in job.sheets.items()}
        job = msgspec.structs.replace(job, sheets=sheets)
        if not is_observed(job.sql):
            return job
        upto = rolled_upto(connection)
        listed = connection.execute(
            "SELECT data_file, delete_file FROM ducklake_list_files('lake', 'observation')"
        ).fetchall()
        if any(deleted is not None for _, deleted in listed):
            raise Unavailable("the lake is written anew after something was taken from it; ask again", wait_s=5)
        if any(str(data).startswith("s3://") for data, _ in listed):  # who answers has no network
            raise Unavailable("questions of a lake at an S3 store are not possible yet")
        fresh = folder / f"fresh-{uuid4().hex}.parquet"
        rows = f"SELECT * FROM ({observations(f'seq > {upto}')}) AS fresh ({NAMES})"
        connection.execute(f"COPY ({rows}) TO '{str(fresh).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)")
    finally:
        connection.execute("ROLLBACK")
    return msgspec.structs.replace(job, files=[str(data) for data, _ in listed], fresh=str(fresh))


def is_observed(sql: str) -> bool:
    """Whether a question may ask for observations, whose fresh ones cost time."""
    return "observation" in sql.lower()


def _sheet(connection: duckdb.DuckDBPyConnection, dataset: str, sheet: Sheet) -> Sheet:
    """Raises Unavailable for a table from which single rows were deleted: its files hold them still."""
    files = files_of(connection, dataset)
    if any(deleted is not None for _, deleted in files) or any(one.startswith("s3://") for one, _ in files):
        raise Unavailable(f"{dataset} cannot be asked now")
    return msgspec.structs.replace(sheet, files=[one for one, _ in files])
