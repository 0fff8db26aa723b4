"""A question of the whole lake, by whoever runs it: DuckDB in this process, or its parts on Dask and their answers here.

Rows are neither masked nor counted here: whoever sits at the machine has the files. `/lake/sql` is for everybody else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from madang.base.limits import LAKE_BATCH_PARTS_MAX
from madang.lake.batch.splitting import PARTS, read, split
from madang.lake.batch.tables import Table, opened
from madang.lake.connection import Place

Share = Callable[[Callable[..., pa.Table], Sequence[Any]], list[pa.Table]]
"""Calls a function with each of the arguments, somewhere, and gives what it returned in their order."""


def run(tables: dict[str, Table], sql: str, place: Place) -> pa.Table:
    """All at once. Raises duckdb.Error."""
    with opened(tables, place, threads=os.cpu_count() or 1) as connection:
        return connection.execute(sql).to_arrow_table()


def run_by_parts(tables: dict[str, Table], sql: str, place: Place, share: Share) -> pa.Table:
    """Some files each. Raises BadRequest for a question that has no answer of parts, duckdb.Error."""
    with opened(tables, place, threads=1) as connection:
        columns = [row[0] for row in connection.execute(f"DESCRIBE FROM {_table(connection, sql)}").fetchall()]
        names = [row[0] for row in connection.execute(f"DESCRIBE {sql}").fetchall()]
        made = split(connection, sql, names, columns)
        jobs = [({made.table: one}, made.part, place) for one in tables[made.table].parts(LAKE_BATCH_PARTS_MAX)]
        connection.register(PARTS, pa.concat_tables(share(part, jobs), promote_options="permissive"))
        return connection.execute(made.whole).to_arrow_table()


def part(job: tuple[dict[str, Table], str, Place]) -> pa.Table:
    """Of one part, in a worker's thread."""
    tables, sql, place = job
    with opened(tables, place, threads=1) as connection:
        return connection.execute(sql).to_arrow_table()


def _table(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    return str(read(connection, sql)["from_table"]["table_name"])
