"""A lake of each test's own, over the session's PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import duckdb
import pytest

from madang.lake.connection import Place, open_lake
from madang.lake.roller import prepare


@pytest.fixture
async def place(pool: asyncpg.Pool, tmp_path: Path) -> Place:
    await pool.execute("DROP SCHEMA IF EXISTS lake CASCADE")
    return Place(str(tmp_path / "lake"))


@pytest.fixture
async def lake(dsn: str, place: Place) -> AsyncIterator[duckdb.DuckDBPyConnection]:
    connection = open_lake(dsn, place)
    prepare(connection)
    yield connection
    connection.close()
