"""The whole lake asked by parts gives what it gives at once, and others read what is exported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from distributed import Client, LocalCluster
from pyiceberg.table import StaticTable
from tests.lake.test_upkeep import write

from madang.base.errors import BadRequest
from madang.cli.batch import _share_of
from madang.context.writer import Writer
from madang.lake.batch.exporting import Format, export
from madang.lake.batch.running import run, run_by_parts
from madang.lake.batch.tables import Table, opened, tables_of
from madang.lake.connection import Place
from madang.lake.roller import roll

HERE = Place("")
ROWS = pa.table(
    {"kind": ["car", "bus", "car", None, "tram", "bus"] * 4, "n": list(range(24)), "value": [0.5 * one for one in range(24)]}
)  # fmt: skip
BY_PARTS = (
    "SELECT * FROM rides WHERE n < 9 ORDER BY n DESC LIMIT 4",
    "SELECT count(*), sum(n), avg(value), min(n), max(kind) FROM rides",
    "SELECT kind, avg(value) FILTER (WHERE n > 3) AS mean, count(kind) AS told FROM rides GROUP BY kind ORDER BY kind",
    "SELECT n % 3 AS third, max(value) - min(value) FROM rides r WHERE r.n > 2 GROUP BY third HAVING count(*) > 1 ORDER BY third",
    "SELECT upper(kind) AS kind, count(*) AS n FROM rides GROUP BY kind ORDER BY n, kind",
    "SELECT kind, 2 * sum(n) + count(*) AS x FROM rides GROUP BY ALL ORDER BY x DESC LIMIT 2",
    "SELECT kind, bool_or(n > 22) FROM rides GROUP BY 1 ORDER BY 1",
    "SELECT sum(n) FROM rides WHERE n > 99",
)
NOT_BY_PARTS = (
    "SELECT median(value) FROM rides", "SELECT count(DISTINCT kind) FROM rides", "SELECT DISTINCT kind FROM rides",
    "SELECT n, row_number() OVER (ORDER BY n) FROM rides", "SELECT * FROM rides a JOIN rides b USING (n)",
    "SELECT * FROM rides WHERE n = (SELECT max(n) FROM rides)", "WITH a AS (FROM rides) FROM a", "SELECT 1",
    "SELECT kind, count(*) FROM rides GROUP BY ROLLUP (kind)", "SELECT * FROM rides OFFSET 2", "SELECT list(n) FROM rides",
)  # fmt: skip


def here(work: Callable[[Any], pa.Table], jobs: Sequence[Any]) -> list[pa.Table]:
    return [work(one) for one in jobs]


def filed(folder: Path, cuts: Sequence[int]) -> dict[str, Table]:
    """The rows, those up to each cut in a file, and the rest in none."""
    files, before = [], 0
    for place, cut in enumerate([*sorted(cuts), 20]):
        files.append(str(folder / f"{place}.parquet"))
        duckdb.from_arrow(ROWS.slice(before, cut - before)).write_parquet(files[-1])
        before = cut
    return {"rides": Table(files, ROWS.slice(20))}


@pytest.mark.parametrize("sql", BY_PARTS)
def test_by_parts_is_what_it_is_at_once(tmp_path: Path, sql: str) -> None:
    tables = filed(tmp_path, [3, 3, 11])
    assert run_by_parts(tables, sql, HERE, here).to_pydict() == run(tables, sql, HERE).to_pydict()


@pytest.mark.parametrize("sql", NOT_BY_PARTS)
def test_what_has_no_answer_of_parts_is_refused(tmp_path: Path, sql: str) -> None:
    with pytest.raises(BadRequest):
        run_by_parts(filed(tmp_path, [9]), sql, HERE, here)


@pytest.fixture
def cluster() -> Iterator[Client]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as workers,
        Client(workers) as client,
    ):
        yield client


@pytest.fixture
async def filled(writer: Writer, lake: duckdb.DuckDBPyConnection) -> AsyncIterator[duckdb.DuckDBPyConnection]:
    """Three files of the lake, and what history still holds."""
    for number in range(4):
        await write(writer, f"kim{number % 2}", n=number, label="가")
        if number < 3:
            roll(lake)
    yield lake


async def test_dask_answers_as_duckdb_does(filled: duckdb.DuckDBPyConnection, place: Place, cluster: Client) -> None:
    sql = "SELECT entity_id, sum(value) AS total, count(*) AS rows FROM observation GROUP BY ALL ORDER BY ALL"
    tables = tables_of(filled, sql)
    found = run_by_parts(tables, sql, place, _share_of(cluster))
    assert (len(tables["observation"].files), found.equals(run(tables, sql, place))) == (3, True)
    assert found.to_pydict() == {
        "entity_id": ["urn:ngsi-ld:S:kim0", "urn:ngsi-ld:S:kim1"],
        "total": [2.0, 4.0],
        "rows": [4, 4],
    }


def read_delta(folder: Path) -> pa.Table:
    return DeltaTable(folder / "observation").to_pyarrow_table()


def read_iceberg(folder: Path) -> pa.Table:
    newest = max((folder / "observation" / "metadata").glob("*.metadata.json"))
    return StaticTable.from_metadata(newest.as_uri()).scan().to_arrow()


@pytest.mark.parametrize(("form", "read"), [("delta", read_delta), ("iceberg", read_iceberg)])
async def test_an_export_is_read_by_others(
    filled: duckdb.DuckDBPyConnection, place: Place, tmp_path: Path, form: Format, read: Callable[[Path], pa.Table]
) -> None:
    told = "seq", "changed_at", "entity_id", "attribute", "value", "text"
    with opened(tables_of(filled, "FROM observation"), place, threads=1) as connection:
        rows = [export(connection, "observation", form, tmp_path / "out") for _ in range(2)]
        there = connection.execute(f"SELECT {', '.join(told)} FROM observation").to_arrow_table()
    found = read(tmp_path / "out").select(told)
    order = [("seq", "ascending"), ("attribute", "ascending")]
    assert rows == [8, 8]
    assert found.sort_by(order).to_pylist() == there.sort_by(order).to_pylist()
