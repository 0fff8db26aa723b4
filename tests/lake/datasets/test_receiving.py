"""A file's way into the lake: read behind walls, kept in quarantine or loaded, once; and tables that change their shape."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.conftest import shared

from madang.base.clock import ManualClock
from madang.base.errors import BadRequest, Conflict, NotFound
from madang.engine.temporary import scratch
from madang.lake.connection import Place, open_lake
from madang.lake.datasets.book import Book
from madang.lake.datasets.dataset import Arrival, Dataset, Described
from madang.lake.datasets.inbox import parts_of, take
from madang.lake.datasets.loading import columns_of, files_of, load, prepare_datasets, table_of
from madang.lake.datasets.receiving import Receiving
from madang.lake.files.report import Hints, Known, Report

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
READ = [sys.executable, "-m", "madang.cli.reading"]


@pytest.fixture
def book(pool: asyncpg.Pool) -> Book:
    return Book(pool, ManualClock(NOW))


@pytest.fixture
def inbox() -> AsyncIterator[Path]:
    folder = scratch("madang-inbox-")
    (folder.path / "inbox").mkdir()
    yield folder.path / "inbox"
    folder.remove()


@pytest.fixture
async def receiving(dsn: str, place: Place, book: Book, inbox: Path) -> AsyncIterator[tuple[Receiving, list[str]]]:
    told: list[str] = []

    async def tell(dataset: Dataset, arrival: Arrival, report: Report) -> None:
        told.append(f"{dataset.id} {arrival.name} {len(report.stops)}")

    receiving = Receiving(book, lambda: open_lake(dsn, place), READ, inbox, (126.7, 37.4, 127.2, 37.7), tell)
    yield receiving, told
    receiving.close()


async def send(book: Book, inbox: Path, dataset: str, path: Path) -> str:
    return (await take(book, inbox, dataset, path.name, parts_of(path), Hints(), "person:one")).arrival


async def test_wifi_waits_for_a_person_and_is_right_then(
    receiving: tuple[Receiving, list[str]], book: Book, inbox: Path, lake: duckdb.DuckDBPyConnection
) -> None:
    process, told = receiving
    await book.make("wifi", Described({"ko": "공공 와이파이"}), "person:one")
    arrival = await send(book, inbox, "wifi", shared("seoul/wifi-aps.csv"))
    assert (await process.once(), await process.once()) == (True, False)
    kept = await book.arrival(arrival)
    assert kept.report is not None
    assert (kept.state, [one.code for one in kept.report.stops]) == ("quarantined", ["swapped_coordinates"])
    assert columns_of(lake, "wifi") == []
    hints = Hints(longitude="위도", latitude="경도", accepted=["outside_city"])
    await book.release(arrival, hints, "person:two", "headers were swapped at the source")
    assert await process.once()
    after, dataset = await book.arrival(arrival), await book.get("wifi")
    assert (after.state, after.decided_by, dataset.rows) == ("loaded", "person:two", 13_615)
    assert told == ["wifi wifi-aps.csv 1", "wifi wifi-aps.csv 0"]
    assert list(inbox.iterdir()) == []
    with pytest.raises(Conflict):
        await book.reject(arrival, "person:two", "late")


async def test_what_cannot_be_read_is_in_quarantine_with_its_reason(
    receiving: tuple[Receiving, list[str]], book: Book, inbox: Path, tmp_path: Path
) -> None:
    await book.make("odd", Described({"en": "Odd"}), "person:one")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 nothing")
    arrival = await send(book, inbox, "odd", tmp_path / "a.parquet")
    await receiving[0].once()
    await book.reject(arrival, "person:two", "no use")
    kept = await book.arrival(arrival)
    assert kept.report is not None
    assert (kept.state, [one.code for one in kept.report.stops]) == ("rejected", ["unreadable"])


async def test_nobody_sends_to_what_is_not_there(book: Book, inbox: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a\n1\n")
    with pytest.raises(NotFound):
        await send(book, inbox, "none", tmp_path / "a.csv")
    assert list(inbox.iterdir()) == []


async def test_what_came_before_is_not_read_again(book: Book, inbox: Path, tmp_path: Path) -> None:
    await book.make("same", Described({"en": "Same"}), "person:one")
    (tmp_path / "a.csv").write_bytes(b"a\n1\n")
    first = await take(book, inbox, "same", "a.csv", parts_of(tmp_path / "a.csv"), Hints(), "x")
    again = await take(book, inbox, "same", "a.csv", parts_of(tmp_path / "a.csv"), Hints(), "x", "", first.sha256)
    assert (again.arrival, again.sha256 == first.sha256, len(list(inbox.iterdir()))) == ("", True, 1)


@pytest.mark.parametrize("identifier", ["", "A", "1a", "a-b", "observation", "a" * 64, "a; DROP"])
async def test_ids_that_cannot_be(book: Book, identifier: str) -> None:
    with pytest.raises(BadRequest):
        await book.make(identifier, Described({"en": "x"}), "person:one")


Write = Callable[[dict[str, list[object]]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(columns: dict[str, list[object]]) -> Path:
        pq.write_table(pa.table(columns), tmp_path / "t.parquet")
        return tmp_path / "t.parquet"

    return write


@pytest.fixture
def tables(lake: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    prepare_datasets(lake)
    return lake


def rows(lake: duckdb.DuckDBPyConnection, dataset: str) -> list[tuple[object, ...]]:
    return lake.execute(f"FROM {table_of(dataset)} ORDER BY ALL").fetchall()


def test_an_arrival_is_loaded_once(tables: duckdb.DuckDBPyConnection, write: Write) -> None:
    file = write({"n": [1, 2]})
    found = [load(tables, "a", "one", file, False), load(tables, "a", "one", file, False)]
    assert found == [([Known("n", "integer")], 2)] * 2


def test_columns_are_added_and_widened(tables: duckdb.DuckDBPyConnection, write: Write) -> None:
    load(tables, "a", "one", write({"n": [1], "gone": ["x"]}), False)
    columns, count = load(tables, "a", "two", write({"n": [1.5], "new": [True]}), False)
    assert columns == [Known("n", "number"), Known("gone", "text"), Known("new", "boolean")]
    assert (count, rows(tables, "a")) == (2, [(1.0, "x", None), (1.5, None, True)])


def test_what_is_replaced_may_change_its_type(tables: duckdb.DuckDBPyConnection, write: Write) -> None:
    load(tables, "a", "one", write({"n": [1, 2]}), True)
    columns, _ = load(tables, "a", "two", write({"n": ["x"]}), True)
    assert (columns, rows(tables, "a")) == ([Known("n", "text")], [("x",)])
    assert [deleted for _, deleted in files_of(tables, "a")] == [None]


def test_what_does_not_fit_leaves_all_as_it_was(tables: duckdb.DuckDBPyConnection, write: Write) -> None:
    load(tables, "a", "one", write({"n": [1]}), False)
    with pytest.raises(duckdb.ConversionException):
        load(tables, "a", "two", write({"n": ["x"]}), False)
    assert (rows(tables, "a"), tables.execute("SELECT arrival FROM lake.loaded").fetchall()) == ([(1,)], [("one",)])
