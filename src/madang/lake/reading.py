"""Reads of all that was: what is in the lake and what history still holds, as one table at one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from madang.lake.roller import rolled_upto
from madang.lake.shape import NAMES, observations


@contextmanager
def all_that_was(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Within, `observation` has every observation once, rolled or not. One snapshot of the lake holds for all questions within; what
    rolls meanwhile is read where it was."""
    connection.execute("BEGIN")
    try:
        upto = rolled_upto(connection)
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW observation ({NAMES}) AS "
            f"SELECT {NAMES} FROM lake.observation UNION ALL ({observations(f'seq > {upto}')})"
        )
        yield connection
    finally:
        connection.execute("ROLLBACK")
