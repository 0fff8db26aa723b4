"""How the columns of a table are: absent values, ranges, what is frequent, and rows that come twice."""

from __future__ import annotations

import math
from typing import Any

import duckdb
import pyarrow as pa

from madang.lake.files.report import Profile
from madang.lake.sql.filtering import quoted_name

BINS, TOP = 20, 5
_TOP_CHARS = 200


def type_of(kind: pa.DataType, is_geometry: bool = False) -> str:
    """In a word that people and catalogues know."""
    if is_geometry:
        return "geometry"
    checks = (
        ("boolean", pa.types.is_boolean),
        ("integer", pa.types.is_integer),
        ("number", lambda one: pa.types.is_floating(one) or pa.types.is_decimal(one)),
        ("date", pa.types.is_date),
        ("time", pa.types.is_timestamp),
        ("text", lambda one: pa.types.is_string(one) or pa.types.is_large_string(one) or pa.types.is_dictionary(one)),
    )
    return next((name for name, check in checks if check(kind)), "other")


def profiles(rows: pa.Table, geometry: str) -> list[Profile]:
    """One a column."""
    with duckdb.connect(config={"memory_limit": "1GB", "threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rows", rows)
        return [_profile(connection, one.name, type_of(one.type, one.name == geometry)) for one in rows.schema]


def _profile(connection: duckdb.DuckDBPyConnection, name: str, kind: str) -> Profile:
    column = quoted_name(name)
    if kind in ("geometry", "other"):
        row = connection.execute(f"SELECT count(*) FILTER ({column} IS NULL) FROM rows").fetchone()
        return Profile(name, kind, int(row[0]) if row else 0)
    mean = f"avg({column})" if kind in ("integer", "number") else "NULL"
    row = connection.execute(
        f"SELECT count(*) FILTER ({column} IS NULL), count(DISTINCT {column}), min({column}), max({column}), {mean} FROM rows"
    ).fetchone()
    assert row is not None
    nulls, distinct, least, most, average = row
    return Profile(
        name, kind, int(nulls), int(distinct), _text(least), _text(most), _finite(average),
        _top(connection, column), _bins(connection, column, least, most) if kind in ("integer", "number") else [],
    )  # fmt: skip


def _top(connection: duckdb.DuckDBPyConnection, column: str) -> list[tuple[str, int]]:
    """Values that come more than once."""
    rows = connection.execute(
        f"SELECT {column}, count(*) AS n FROM rows WHERE {column} IS NOT NULL GROUP BY 1 HAVING n > 1"
        f" ORDER BY n DESC, 1 LIMIT {TOP}"
    ).fetchall()
    return [(_text(value), int(count)) for value, count in rows]


def _bins(connection: duckdb.DuckDBPyConnection, column: str, least: Any, most: Any) -> list[int]:
    if least is None or not (math.isfinite(least) and math.isfinite(most)) or least == most:
        return []
    rows = connection.execute(
        f"SELECT least(floor(({column} - $1) / ($2 - $1) * {BINS})::INT, {BINS - 1}) AS bin, count(*) FROM rows"
        f" WHERE isfinite({column}::DOUBLE) GROUP BY 1",
        [float(least), float(most)],
    ).fetchall()
    counts = dict(rows)
    return [int(counts.get(number, 0)) for number in range(BINS)]


def duplicates(rows: pa.Table) -> int:
    """Rows that are there already, in every column but those that only number them (each value once)."""
    with duckdb.connect(config={"memory_limit": "1GB", "threads": 1}) as connection:
        connection.register("rows", rows)
        names = [name for name in rows.column_names if not _numbers_rows(connection, name, rows.num_rows)]
        if not names:
            return 0
        columns = ", ".join(map(quoted_name, names))
        row = connection.execute(f"SELECT count(*) FROM (SELECT DISTINCT {columns} FROM rows)").fetchone()
        return rows.num_rows - int(row[0]) if row else 0


def _numbers_rows(connection: duckdb.DuckDBPyConnection, name: str, count: int) -> bool:
    """The running number that exports add: whole, each once, with few gaps."""
    column = quoted_name(name)
    row = connection.execute(
        f"SELECT count(DISTINCT {column}), max(try_cast({column} AS HUGEINT)) - min(try_cast({column} AS HUGEINT)),"
        f" count(try_cast({column}::VARCHAR AS HUGEINT)) FROM rows"
        if name != "geometry"
        else "SELECT 0, 0, 0"
    ).fetchone()
    return row is not None and row[0] == row[2] == count and count > 1 and row[1] < 2 * count


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:_TOP_CHARS]


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
