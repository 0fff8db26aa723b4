"""Types of columns that came as text: what all of a column's values can be, it is; what nearly all can be is told."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from madang.lake.files.report import Finding
from madang.lake.files.table import Table
from madang.lake.sql.filtering import quoted_name

NEARLY = 0.95
_NOTHING = "('-', 'NA', 'N/A', 'NULL', 'null', 'NaN', 'nan')"
_DATES = "['%Y-%m-%d', '%Y.%m.%d', '%Y/%m/%d']"
_TIMES = "['%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%S', '%Y-%m-%d %H:%M', '%Y.%m.%d %H:%M:%S', '%Y/%m/%d %H:%M:%S', '%Y-%m-%dT%H:%M:%SZ']"
_GROUPED = r"'^-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$'"
_VALUE = f"CASE WHEN trim(@) IN {_NOTHING} THEN NULL ELSE nullif(trim(@), '') END"
_NUMBER = f"CASE WHEN regexp_matches(@, {_GROUPED}) THEN replace(@, ',', '') ELSE @ END"
# An id that begins with a zero is no number, and twenty digits are not one that a double can give back.
_IS_CODE = r"regexp_matches(@, '^[-+]?0[0-9]') OR length(@) > 18"
CASTS = {
    "BIGINT": f"CASE WHEN regexp_matches({_NUMBER}, '^[-+]?[0-9]+$') THEN try_cast({_NUMBER} AS BIGINT) END",  # a cast rounds
    "DOUBLE": f"try_cast({_NUMBER} AS DOUBLE)",
    "DATE": f"try_strptime(@, {_DATES})::DATE",
    "TIMESTAMP": f"coalesce(try_strptime(@, {_TIMES}), try_cast(@ AS TIMESTAMP))",
    "BOOLEAN": "CASE lower(@) WHEN 'true' THEN true WHEN 'false' THEN false END",
}


@dataclass(frozen=True)
class Counts:
    """Values of one column that are there, that each type can take, and that look like codes."""

    values: int
    by_type: dict[str, int]
    codes: int


def typed(table: Table) -> Table:
    """The table with the types that its texts have."""
    if not table.is_text:
        return table
    with duckdb.connect(config={"memory_limit": "1GB", "threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rows", table.rows)
        texts = [field.name for field in table.rows.schema if pa.types.is_string(field.type)]
        counted = {name: _count(connection, name) for name in texts}
        found = {name: type_of(counts) for name, counts in counted.items()}
        columns = [_cast(name, found.get(name, "")) for name in table.rows.column_names]
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM rows").to_arrow_table()
        table.findings += [
            told for name, counts in counted.items() if (told := _nearly(connection, name, counts, found[name]))
        ]
    table.rows = rows
    return table


def type_of(counts: Counts) -> str:
    """The narrowest type that takes every value. Pure."""
    if not counts.values:
        return "VARCHAR"
    fits = [name for name, count in counts.by_type.items() if count == counts.values]
    return next((name for name in fits if name not in ("BIGINT", "DOUBLE") or not counts.codes), "VARCHAR")


def _count(connection: duckdb.DuckDBPyConnection, name: str) -> Counts:
    counts = ", ".join(f"count({_of(cast, 'v')})" for cast in CASTS.values())
    row = connection.execute(
        f"SELECT count(v), count(*) FILTER ({_of(_IS_CODE, 'v')}), {counts}"
        f" FROM (SELECT {_of(_VALUE, quoted_name(name))} AS v FROM rows)"
    ).fetchone()
    assert row is not None
    return Counts(row[0], dict(zip(CASTS, row[2:], strict=True)), row[1])


def _of(expression: str, value: str) -> str:
    return expression.replace("@", value)


def _cast(name: str, kind: str) -> str:
    column = quoted_name(name)
    if not kind:
        return column
    value = f"({_of(_VALUE, column)})"
    return f"{_of(CASTS[kind], value) if kind in CASTS else value} AS {column}"


def _nearly(connection: duckdb.DuckDBPyConnection, name: str, counts: Counts, kind: str) -> Finding | None:
    """Nearly all are numbers, and some are not: a fault of the file, most likely."""
    numbers = counts.by_type["DOUBLE"]
    if kind != "VARCHAR" or counts.codes or not NEARLY * counts.values <= numbers < counts.values:
        return None
    cast = _of(CASTS["DOUBLE"], "v")
    rows = connection.execute(
        f"SELECT DISTINCT v FROM (SELECT {_of(_VALUE, quoted_name(name))} AS v FROM rows)"
        f" WHERE v IS NOT NULL AND {cast} IS NULL ORDER BY v LIMIT 5"
    ).fetchall()
    return Finding(
        "not_all_numbers", "stop", name, counts.values - numbers, {"examples": [str(row[0])[:80] for row in rows]}
    )
