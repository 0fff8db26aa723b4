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
    connection.execute(
        f"CALL lake.set_option('data_inlining_row_limit', 0, schema => '{SCHEMA}')"
    )  # who answers sees files only
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
    before = {one.name: one.type for one in columns_of(connection, dataset)}
    comes = {str(row[0]): str(row[1]) for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    kinds = {name: _TYPES.get(kind, "other") for name, kind in comes.items()}
    if is_replaced and not all(takes(before[name], kind) for name, kind in kinds.items() if name in before):
        connection.execute(f"DROP TABLE {table}")  # all rows go, so their columns may become others
        before = {}
    if not before:
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM {source} LIMIT 0")
    for name, kind in comes.items() if before else []:
        _fit(connection, table, name, kind, before.get(name))
    if is_replaced:
        connection.execute(f"DELETE FROM {table}")
    names = ", ".join(map(quoted_name, comes))
    done = connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {source}").fetchone()
    connection.execute("INSERT INTO lake.loaded VALUES ($1, $2)", [arrival, done[0] if done else 0])


def _fit(connection: duckdb.DuckDBPyConnection, table: str, name: str, kind: str, before: str | None) -> None:
    """DuckLake widens numbers, and no other type."""
    if before is None:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {quoted_name(name)} {kind}")
    elif (before, _TYPES.get(kind)) == ("integer", "number"):
        connection.execute(f"ALTER TABLE {table} ALTER COLUMN {quoted_name(name)} SET DATA TYPE DOUBLE")


def _count(connection: duckdb.DuckDBPyConnection, dataset: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table_of(dataset)}").fetchone()
    return int(row[0]) if row is not None else 0
