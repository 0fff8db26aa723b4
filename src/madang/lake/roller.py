"""History rolls into the lake: batch after batch, each once, whenever it is killed.

A batch's rows and the place up to which history is in the lake are one commit of DuckLake's, which is one transaction of PostgreSQL's.
Two rollers at once conflict at that one row: one of them begins anew. Parquet that a killed roller left behind belongs to no commit;
`upkeep` removes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from madang.base.limits import LAKE_BATCH_ROWS
from madang.lake.connection import set_format
from madang.lake.shape import observations, tables

_NEXT = "SELECT max(seq) FROM (SELECT seq FROM history WHERE seq > {after} ORDER BY seq LIMIT {limit}) AS batch"
# Retention asks here what is still to be carried.
_CURSOR = "INSERT INTO lake_cursor (seq) VALUES ({upto}) ON CONFLICT (one) DO UPDATE SET seq = greatest(lake_cursor.seq, excluded.seq)"


@dataclass(frozen=True)
class Rolled:
    """What one batch was: observations written, and the last change they tell of."""

    rows: int
    upto: int


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes what is not there yet. May be called again, also by two at once."""
    connection.execute("BEGIN")
    try:
        for statement in tables():
            connection.execute(statement)
        if connection.execute("SELECT count(*) FROM lake.rolled").fetchone() == (0,):
            connection.execute("INSERT INTO lake.rolled VALUES (0)")
        connection.execute("COMMIT")
    except duckdb.Error:
        connection.execute("ROLLBACK")
        raise
    set_format(connection)


def rolled_upto(connection: duckdb.DuckDBPyConnection) -> int:
    """The history up to here is in the lake."""
    found = connection.execute("SELECT max(upto) FROM lake.rolled").fetchone()
    return int(found[0]) if found is not None and found[0] is not None else 0


def roll(connection: duckdb.DuckDBPyConnection, limit: int = LAKE_BATCH_ROWS) -> Rolled | None:
    """One batch of at most so many changes; None when there is nothing new. Raises duckdb.Error, then nothing of it is in the lake."""
    connection.execute("BEGIN")
    try:
        done = _batch(connection, limit)
        connection.execute("COMMIT")
    except duckdb.Error:
        _give_up(connection)
        raise
    if done is not None:
        tell_carried(connection, done.upto)
    return done


def _batch(connection: duckdb.DuckDBPyConnection, limit: int) -> Rolled | None:
    after = rolled_upto(connection)
    sql = _NEXT.format(after=after, limit=limit)
    found = connection.execute(f"FROM postgres_query('city', '{sql}')").fetchone()
    if found is None or found[0] is None:
        return None
    upto = int(found[0])
    rows = connection.execute(
        f"INSERT INTO lake.observation {observations(f'seq > {after} AND seq <= {upto}')}"
    ).fetchone()
    connection.execute("UPDATE lake.rolled SET upto = ? WHERE upto = ?", [upto, after])
    return Rolled(int(rows[0]) if rows is not None else 0, upto)


def tell_carried(connection: duckdb.DuckDBPyConnection, upto: int) -> None:
    """After the commit: till then retention keeps what the lake does not have. Told again with each batch."""
    connection.execute(f"CALL postgres_execute('city', '{_CURSOR.format(upto=upto)}')")


def _give_up(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.execute("ROLLBACK")
    except duckdb.Error:
        return  # it was rolled back by what failed
