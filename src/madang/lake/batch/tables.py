"""The tables of the lake that a question names, at one moment: files, and what history still holds of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from madang.base.errors import Unavailable
from madang.lake.connection import Place, extension, store_secret
from madang.lake.datasets.loading import SCHEMA, files_of
from madang.lake.roller import rolled_upto
from madang.lake.shape import NAMES, observations
from madang.lake.sql.filtering import quoted, quoted_name

OBSERVATION = "observation"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Table:
    """`files`: Parquet, on disk or at the store; `fresh`: rows that are in none of them."""

    files: list[str] = field(default_factory=list)
    fresh: pa.Table | None = None

    def parts(self, most: int) -> list[Table]:
        """At most so many, with files of each kind of age in each; the fresh rows are in the first."""
        shares = [self.files[place::most] for place in range(min(most, max(1, len(self.files))))]
        return [Table(share, self.fresh if place == 0 else None) for place, share in enumerate(shares)]


def tables_of(lake: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Table]:
    """By name; what the question does not name is not there. Raises Unavailable while files are written anew after an erasure."""
    lake.execute("BEGIN")
    try:
        named = set(_NAME.findall(sql))
        rows = lake.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake' AND schema_name = $1", [SCHEMA]
        )
        found = {row[0]: _listed(files_of(lake, row[0]), row[0]) for row in rows.fetchall() if row[0] in named}
        return found | ({OBSERVATION: _observation(lake)} if OBSERVATION in named else {})
    finally:
        lake.execute("ROLLBACK")


def _observation(lake: duckdb.DuckDBPyConnection) -> Table:
    upto = rolled_upto(lake)
    listed = lake.execute("SELECT data_file, delete_file FROM ducklake_list_files('lake', 'observation')").fetchall()
    fresh = lake.execute(f"SELECT * FROM ({observations(f'seq > {upto}')}) AS fresh ({NAMES})").to_arrow_table()
    return Table(_listed(listed, OBSERVATION).files, fresh)


def _listed(files: list[tuple[str, str | None]], name: str) -> Table:
    if any(deleted is not None for _, deleted in files):
        raise Unavailable(f"{name} is written anew after something was taken from it; ask again", wait_s=5)
    return Table([data for data, _ in files])


def opened(tables: dict[str, Table], place: Place, threads: int) -> duckdb.DuckDBPyConnection:
    """A connection of its own with those tables as views; it knows no database."""
    config: dict[str, Any] = {
        "threads": threads,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "temp_directory": place.spill,
    }
    connection = duckdb.connect(config=config)
    connection.execute("SET TimeZone = 'UTC'")
    if place.is_remote:
        connection.load_extension(str(extension("httpfs")))
        connection.execute(store_secret(place))
    for name, table in tables.items():
        connection.execute(f"CREATE VIEW {quoted_name(name)} AS {_source(connection, name, table)}")
    return connection


def _source(connection: duckdb.DuckDBPyConnection, name: str, table: Table) -> str:
    sources = []
    if table.files:
        sources.append(f"FROM read_parquet([{', '.join(map(quoted, table.files))}], union_by_name = true)")
    if table.fresh is not None:
        connection.register(f"fresh of {name}", table.fresh)
        sources.append(f"FROM {quoted_name(f'fresh of {name}')}")
    return " UNION ALL BY NAME ".join(sources) or "SELECT NULL AS nothing WHERE false"
