"""A table that was read becomes rows of the lake, once: the rows and the arrival that brought them are one commit."""

from __future__ import annotations

from pathlib import Path

import duckdb

from madang.lake.files.quality import takes
from madang.lake.files.report import Known
from madang.lake.sql.filtering import quoted, quoted_name

SCHEMA = "data"
_KINDS = {
    "integer": "BIGINT", "number": "DOUBLE", "text": "VARCHAR", "boolean": "BOOLEAN", "date": "DATE", "time": "TIMESTAMP",
    "geometry": "BLOB",
}  # fmt: skip
_TYPES = {kind: name for name, kind in _KINDS.items()}


def prepare_datasets(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes what is not there yet. `loaded` has a row for each arrival that is in the lake."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS lake.{SCHEMA}")
    connection.execute("CREATE TABLE IF NOT EXISTS lake.loaded (arrival VARCHAR, rows BIGINT)")


def table_of(dataset: str) -> str:
    """In SQL."""
    return f"lake.{SCHEMA}.{quoted_name(dataset)}"


def load(
    connection: duckdb.DuckDBPyConnection, dataset: str, arrival: str, file: Path, is_replaced: bool
) -> tuple[list[Known], int]:
    """The columns of the table and its rows after it. Columns that are new are added, types that are wider widened; what is in
    already stays as it is. Raises duckdb.Error, then nothing of it is in the lake."""
    connection.execute("BEGIN")
    try:
        if connection.execute("SELECT 1 FROM lake.loaded WHERE arrival = $1", [arrival]).fetchone() is None:
            _load(connection, dataset, arrival, file, is_replaced)
        found = columns_of(connection, dataset), _count(connection, dataset)
        connection.execute("COMMIT")
    except duckdb.Error:
        connection.execute("ROLLBACK")
        raise
    return found


def columns_of(connection: duckdb.DuckDBPyConnection, dataset: str) -> list[Known]:
    """Empty for what has no table."""
    rows = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = 'lake' AND schema_name = $1"
        " AND table_name = $2 ORDER BY column_index",
        [SCHEMA, dataset],
    ).fetchall()
    return [Known(name, _TYPES.get(kind, "other")) for name, kind in rows]


def files_of(connection: duckdb.DuckDBPyConnection, dataset: str) -> list[tuple[str, str | None]]:
    """Its Parquet files, each with that of what was deleted from it."""
    sql = f"SELECT data_file, delete_file FROM ducklake_list_files('lake', {quoted(dataset)}, schema => '{SCHEMA}')"
    return connection.execute(sql).fetchall()


def _load(connection: duckdb.DuckDBPyConnection, dataset: str, arrival: str, file: Path, is_replaced: bool) -> None:
    table, source = table_of(dataset), f"read_parquet({quoted(str(file))})"
    before = {one.name: one for one in columns_of(connection, dataset)}
    comes = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    if not before:
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM {source} LIMIT 0")
        connection.execute(
            f"CALL lake.set_option('data_inlining_row_limit', 0, schema => '{SCHEMA}', table_name => {quoted(dataset)})"
        )
    for name, kind, *_ in comes if before else []:
        _fit(connection, table, name, str(kind), before.get(name), is_replaced)
    if is_replaced:
        connection.execute(f"DELETE FROM {table}")
    names = ", ".join(quoted_name(str(row[0])) for row in comes)
    done = connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {source}").fetchone()
    connection.execute("INSERT INTO lake.loaded VALUES ($1, $2)", [arrival, done[0] if done else 0])


def _fit(
    connection: duckdb.DuckDBPyConnection, table: str, name: str, kind: str, before: Known | None, is_replaced: bool
) -> None:
    """DuckLake widens numbers and no other type; a column whose rows all go can become another."""
    column, is_wider = (
        quoted_name(name),
        before is not None and (before.type, _TYPES.get(kind)) == ("integer", "number"),
    )
    if is_wider:
        connection.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET DATA TYPE DOUBLE")
    elif before is not None and is_replaced and not takes(before.type, _TYPES.get(kind, "other")):
        connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    elif before is None:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")


def _count(connection: duckdb.DuckDBPyConnection, dataset: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table_of(dataset)}").fetchone()
    return int(row[0]) if row is not None else 0
