"""What was edited or erased in history is void in the lake too: its rows go, and what history has of it is read again.

One commit each, then the files are written anew. An erasure also ends time travel to before it, so that no byte is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from madang.base.limits import LAKE_ORDERS_A_ROUND
from madang.lake.roller import rolled_upto
from madang.lake.shape import NAMES, observations
from madang.lake.upkeep import sweep

_OPEN = (
    "SELECT id, entity_id, attribute, dataset, array_to_string(seqs, '','') AS seqs, erased FROM lake_order"
    f" ORDER BY id LIMIT {LAKE_ORDERS_A_ROUND}"
)


@dataclass(frozen=True)
class Order:
    """`seqs`: of which changes, separated by commas; None for all."""

    id: int
    entity_id: str
    attribute: str | None
    dataset: str | None
    seqs: str | None
    erased: bool


@dataclass(frozen=True)
class Done:
    """`gone` rows of the lake were void, `again` were read from history, `files` were removed from disk."""

    order: Order
    gone: int
    again: int
    files: int


def open_orders(connection: duckdb.DuckDBPyConnection) -> list[Order]:
    """The oldest first."""
    return [Order(*row) for row in connection.execute(f"FROM postgres_query('city', '{_OPEN}')").fetchall()]


def carry_out(connection: duckdb.DuckDBPyConnection, order: Order, now: datetime) -> Done:
    """May be done again after a crash: the order goes last. Raises duckdb.Error."""
    connection.execute("BEGIN")
    try:
        gone, again = _replace(connection, order)
        connection.execute("COMMIT")
    except duckdb.Error:
        connection.execute("ROLLBACK")
        raise
    files = 0
    if gone:
        connection.execute("CALL ducklake_rewrite_data_files('lake', 'observation', delete_threshold => 0.0)")
    if gone and order.erased:
        files = sweep(connection, now)
    connection.execute(f"CALL postgres_execute('city', 'DELETE FROM lake_order WHERE id = {order.id}')")
    return Done(order, gone, again, files)


def _replace(connection: duckdb.DuckDBPyConnection, order: Order) -> tuple[int, int]:
    upto = rolled_upto(connection)
    entity = order.entity_id.replace("'", "''''")  # a text of PostgreSQL's within a text of DuckDB's
    of = "true" if order.seqs is None else f"seq IN ({order.seqs})"
    condition = f"entity_id = ''{entity}'' AND seq <= {upto} AND {of}"
    chosen = "($1 IS NULL OR attribute = $1) AND ($2 IS NULL OR coalesce(dataset_id, '') = $2)"
    which = [order.attribute, order.dataset]
    rows = f"SELECT * FROM ({observations(condition)}) AS o({NAMES}) WHERE {chosen}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE again AS {rows}", which)
    gone = connection.execute(
        f"DELETE FROM lake.observation WHERE entity_id = $3 AND {of} AND {chosen}", [*which, order.entity_id]
    )
    count = gone.fetchone()
    again = connection.execute("INSERT INTO lake.observation FROM again").fetchone()
    return (int(count[0]) if count else 0), (int(again[0]) if again else 0)
