"""The files that answer a question, at one moment."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import duckdb
import msgspec

from madang.base.errors import BadRequest, Unavailable
from madang.lake.datasets.loading import SCHEMA
from madang.lake.roller import rolled_upto
from madang.lake.shape import NAMES, observations
from madang.lake.sql.filtering import quoted
from madang.lake.sql.job import Job, Sheet
from madang.lake.sql.nearby import near


def supplied(connection: duckdb.DuckDBPyConnection, job: Job, folder: Path) -> Job:
    """The job with its files, at one moment; the fresh one is the caller's to remove. Raises duckdb.Error, BadRequest for a time that the
    lake does not know, Unavailable while files are written anew after an erasure."""
    connection.execute("BEGIN")
    try:
        sheets = {
            name: one if one.files else _sheet(connection, name, one, job, folder) for name, one in job.sheets.items()
        }
        job = msgspec.structs.replace(job, sheets=sheets)
        if not is_observed(job.sql):
            return job
        upto = rolled_upto(connection)
        listed = _then(connection, "observation", "main", job)
        if any(deleted is not None for _, deleted in listed):
            raise Unavailable("the lake is written anew after something was taken from it; ask again", wait_s=5)
        files = near(connection, [data for data, _ in listed], folder)
        if job.at is not None:  # what history still holds was not in the lake then
            return msgspec.structs.replace(job, files=files)
        fresh = folder / f"fresh-{uuid4().hex}.parquet"
        rows = f"SELECT * FROM ({observations(f'seq > {upto}')}) AS fresh ({NAMES})"
        connection.execute(f"COPY ({rows}) TO {quoted(str(fresh))} (FORMAT parquet)")
    finally:
        connection.execute("ROLLBACK")
    return msgspec.structs.replace(job, files=files, fresh=str(fresh))


def is_observed(sql: str) -> bool:
    """Whether a question may ask for observations, whose fresh ones cost time."""
    return "observation" in sql.lower()


def _sheet(connection: duckdb.DuckDBPyConnection, dataset: str, sheet: Sheet, job: Job, folder: Path) -> Sheet:
    """Raises Unavailable for a table from which single rows were deleted: its files hold them still."""
    files = _then(connection, dataset, SCHEMA, job)
    if any(deleted is not None for _, deleted in files):
        raise Unavailable(f"{dataset} cannot be asked now")
    return msgspec.structs.replace(sheet, files=near(connection, [one for one, _ in files], folder))


def _then(connection: duckdb.DuckDBPyConnection, table: str, schema: str, job: Job) -> list[tuple[str, str | None]]:
    """The Parquet files of a table, each with that of what was deleted from it. Raises BadRequest."""
    when = "" if job.at is None else f", snapshot_time => TIMESTAMPTZ '{job.at.isoformat()}'"
    sql = f"FROM ducklake_list_files('lake', {quoted(table)}, schema => '{schema}'{when})"
    try:
        return connection.execute(f"SELECT data_file, delete_file {sql}").fetchall()
    except duckdb.Error as error:
        if job.at is None:
            raise
        raise BadRequest(f"at: the lake does not know what it was then ({str(error).splitlines()[0][:200]})") from None
