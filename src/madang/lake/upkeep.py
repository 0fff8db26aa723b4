"""Keeps the lake small and quick: many little files become few sorted ones, what no commit knows goes, old days go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from madang.base.limits import LAKE_SMALL_FILE_BYTES
from madang.lake.shape import SORTED


@dataclass(frozen=True)
class Kept:
    """What one round did: files merged into fewer, files removed from disk."""

    merged: int
    removed: int


def merge(connection: duckdb.DuckDBPyConnection, largest_bytes: int = LAKE_SMALL_FILE_BYTES) -> int:
    """Sorts what is in files of less than so many bytes into fewer; how many there were."""
    return _merge(connection, f", max_file_size => {largest_bytes}")


def merge_all(connection: duckdb.DuckDBPyConnection) -> int:
    """All of them, up to DuckLake's target of 512 MB a file."""
    return _merge(connection, "")


def _merge(connection: duckdb.DuckDBPyConnection, which: str) -> int:
    """DuckLake sorts what it writes while a table has an order: a fifth of what rolling costs, for files that are merged soon."""
    connection.execute(f"ALTER TABLE lake.observation SET SORTED BY ({SORTED})")
    rows = connection.execute(f"CALL ducklake_merge_adjacent_files('lake', 'observation'{which})").fetchall()
    connection.execute("ALTER TABLE lake.observation RESET SORTED BY")
    return sum(int(row[2]) for row in rows)


def forget(connection: duckdb.DuckDBPyConnection, before: datetime) -> int:
    """Observations of changes before then; they are gone from disk after `sweep`. How many."""
    row = connection.execute(
        "DELETE FROM lake.observation WHERE changed_at < ?", [before.replace(tzinfo=None)]
    ).fetchone()
    connection.execute("CALL ducklake_rewrite_data_files('lake', 'observation', delete_threshold => 0.0)")
    return int(row[0]) if row is not None else 0


def sweep(connection: duckdb.DuckDBPyConnection, older_than: datetime) -> int:
    """Ends time travel to before then, and removes what only that needed, and what killed processes left. How many files."""
    when = f"TIMESTAMPTZ '{older_than.isoformat()}'"
    connection.execute(f"CALL ducklake_expire_snapshots('lake', older_than => {when})")
    gone = connection.execute("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)").fetchall()
    left = connection.execute(f"CALL ducklake_delete_orphaned_files('lake', older_than => {when})").fetchall()
    return len(gone) + len(left)
