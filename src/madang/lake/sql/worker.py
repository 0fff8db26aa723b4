"""The process that answers one question: it has no database, no network and no address, only the files it was told of, and ends
with its answer. Job in by standard input; head line and bytes out."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import duckdb
import msgspec

from madang.base.errors import BadRequest, MadangError, TooLarge, Unavailable
from madang.lake.publishing.hiding import shown
from madang.lake.shape import NAMES
from madang.lake.sql.filtering import quoted, quoted_name
from madang.lake.sql.grammar import read_question
from madang.lake.sql.job import Head, Job, Sheet
from madang.lake.sql.pushing import fixed, pushed

CHUNK_ROWS = 2_048
ARROW_ROWS = 65_536


def answer(job: Job, out: BinaryIO) -> None:
    """Writes head and body. What goes wrong before the first byte of the body is told in the head."""
    try:
        connection = ready(job)
        parts = FORMS[job.form](connection, job)
        first = next(parts, b"")
    except MadangError as error:
        out.write(_head(error.status, error.detail))
        return
    except duckdb.OutOfMemoryException:
        out.write(_head(TooLarge.status, "the question needs more memory than one may have"))
        return
    except duckdb.Error as error:
        out.write(_head(BadRequest.status, f"sql: {str(error).splitlines()[0][:500]}"))
        return
    out.write(_head(200))
    out.write(first)
    for part in parts:
        out.write(part)
    out.flush()


def ready(job: Job) -> duckdb.DuckDBPyConnection:
    """A connection with the one table, cut to what may be seen; closed to everything else. Raises BadRequest."""
    connection = duckdb.connect(
        config={"memory_limit": f"{job.limits.memory_mb}MB", "temp_directory": "", "threads": 2}
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        "SET preserve_insertion_order = false"
    )  # who wants an order says so; keeping one makes a limit dear
    for name, ids in job.ids.items():
        connection.execute(f"CREATE TABLE {name} AS SELECT unnest($1::VARCHAR[]) AS id", [ids])
    read = read_question(connection, job.sql, frozenset(job.sheets))
    files = [one for one in (*job.files, job.fresh) if one]
    if files:
        # Nothing of a question goes past a limit: else a condition that fails on a hidden row would tell of it.
        source = f"SELECT {NAMES} FROM read_parquet({_listed(files)})"
        if job.where != "true":
            known = ", ".join(f"{sql} AS {name}" for name, sql in fixed(read).items())
            below = f"SELECT *{f' REPLACE ({known})' if known else ''} FROM ({source}) WHERE {pushed(read)}"
            source = f"SELECT * FROM ({below}) WHERE {job.where} LIMIT {2**62}"
        connection.execute(f"CREATE VIEW observation AS {source}")
    for name, sheet in job.sheets.items():
        connection.execute(f"CREATE VIEW {quoted_name(name)} AS {_seen(sheet)}")
        files += sheet.files
    for setting in (
        f"allowed_paths = {_listed(files)}",
        "enable_external_access = false",
        "python_enable_replacements = false",
    ):
        connection.execute(f"SET {setting}")
    connection.execute("SET lock_configuration = true")
    return connection


def _seen(sheet: Sheet) -> str:
    """A data set's rows; where they are about people, those who hide among others."""
    if not sheet.files:
        return "SELECT NULL AS nothing WHERE false"
    source = f"read_parquet({_listed(sheet.files)}, union_by_name = true, file_row_number = true)"
    if sheet.persons is None:
        return f"SELECT * FROM {source}"
    return f"SELECT * FROM ({shown(source, sheet.persons, sheet.columns)}) LIMIT {2**62}"


def _listed(files: list[str]) -> str:
    return "[" + ", ".join(map(quoted, files)) + "]"


def _rows(connection: duckdb.DuckDBPyConnection, job: Job) -> tuple[list[str], Iterator[list[tuple[Any, ...]]]]:
    """Names of columns, and rows by the chunk, one more than the limit at most."""
    result = connection.execute(job.sql)
    names = [str(one[0]) for one in result.description or ()]

    def chunks() -> Iterator[list[tuple[Any, ...]]]:
        left = job.limits.rows + 1
        while left and (rows := result.fetchmany(min(CHUNK_ROWS, left))):
            left -= len(rows)
            yield rows

    return names, chunks()


def _json(connection: duckdb.DuckDBPyConnection, job: Job) -> Iterator[bytes]:
    """`{"columns": [...], "rows": [[...], ...], "truncated": bool}`."""
    names, chunks = _rows(connection, job)
    yield b'{"columns":' + msgspec.json.encode(names) + b',"rows":['
    told = 0
    for rows in chunks:
        kept = rows[: job.limits.rows - told]
        body = msgspec.json.encode(kept, enc_hook=str)[1:-1]
        yield (b"," if told and kept else b"") + body
        told += len(rows)
    yield b'],"truncated":' + (b"true" if told > job.limits.rows else b"false") + b"}"


def _csv(connection: duckdb.DuckDBPyConnection, job: Job) -> Iterator[bytes]:
    """RFC 4180, with a head line; rows above the limit are left out."""
    names, chunks = _rows(connection, job)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    left = job.limits.rows
    for rows in chunks:
        writer.writerows(rows[:left])
        left -= len(rows[:left])
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode()


def _arrow(connection: duckdb.DuckDBPyConnection, job: Job) -> Iterator[bytes]:
    """Arrow's IPC streaming format. Raises Unavailable without pyarrow."""
    try:
        import pyarrow as pa
    except ImportError:
        raise Unavailable("this city has no pyarrow: ask for JSON or CSV") from None
    reader = connection.execute(job.sql).to_arrow_reader(ARROW_ROWS)
    sink, left = io.BytesIO(), job.limits.rows
    with pa.ipc.new_stream(sink, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch.slice(0, left))
            left -= min(left, batch.num_rows)
            yield sink.getvalue()
            sink.seek(0)
            sink.truncate()
            if not left:
                break
    yield sink.getvalue()


FORMS = {"json": _json, "csv": _csv, "arrow": _arrow}


def _head(status: int, detail: str = "") -> bytes:
    return msgspec.json.encode(Head(status, detail)) + b"\n"


def main() -> None:
    answer(msgspec.json.decode(sys.stdin.buffer.read(), type=Job), sys.stdout.buffer)
