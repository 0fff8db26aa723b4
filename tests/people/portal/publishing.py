"""A city that publishes data, for tests of its portal: real files and pages, and a lake that answers in this process as the real one."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from tests.browsing import City, ShiftedClock, open_city

from madang.base.errors import BadRequest
from madang.cli.portal import open_portal
from madang.lake.catalogue.indexing import Indexing
from madang.lake.catalogue.words import plain
from madang.lake.connection import Place, open_lake
from madang.lake.datasets.dataset import Described
from madang.lake.datasets.house import DataHouse, open_data
from madang.lake.datasets.loading import load, prepare_datasets
from madang.lake.files.report import Report
from madang.lake.publishing.checking import Checking, PrivacyTools
from madang.lake.sql.job import Head, Job
from madang.lake.sql.supply import supplied
from madang.lake.sql.worker import answer
from madang.people.datasets import DatasetsDoor
from madang.people.figures import noisy
from madang.people.lake import LakeDoor
from madang.trust.audit.recorder import Recorder
from madang.trust.privacy.tables import looks_personal, scan

CITY = {"ko": "마당시", "en": "Madang City"}
BENCHES = {
    "name": ["서울숲 벤치", "시청 벤치", "한강 벤치"],
    "seats": [2, 3, 4],
    "wood": [True, False, True],
    "geometry": [shapely.Point(127.04, 37.54).wkb, shapely.Point(126.978, 37.566).wkb, shapely.Point(127.0, 37.52).wkb],
}
TOLD = Described(
    {"ko": "공원 벤치 위치", "en": "Benches in parks"}, {"ko": "공원에 놓인 벤치입니다.", "en": "Benches that stand in parks."}, "공원과",
    {"ko": "쉴 곳을 알립니다.", "en": "Tell where to rest."}, "kogl-1", "MONTHLY", ["ENVI", "REGI"], ["벤치", "bench"],
)  # fmt: skip
PLAIN = {"dong": ["가동", "나동", "가동"], "kg": [1.5, 2.5, 9.0]}


Connect = Callable[[], duckdb.DuckDBPyConnection]


class Asking(LakeDoor):
    """The lake's door; jobs are answered here instead of behind its socket."""

    def __init__(self, house: DataHouse, recorder: Recorder, connect: Connect, folder: Path) -> None:
        super().__init__(house.pool, Path("none"), recorder, DatasetsDoor(house, recorder))
        self._connect, self._folder = connect, folder

    async def ask(self, job: Job) -> AsyncIterator[bytes]:
        out = io.BytesIO()
        with self._connect() as lake:
            answer(supplied(lake, job, self._folder), out)
        head, _, body = out.getvalue().partition(b"\n")
        told = msgspec.json.decode(head, type=Head)
        if told.status != 200:
            raise BadRequest(told.detail)

        async def parts() -> AsyncIterator[bytes]:
            yield body

        return parts()


@dataclass
class Publishing:
    """`city` listens; `house` has what it publishes."""

    city: City
    house: DataHouse
    gate: Checking
    folder: Path

    async def publish(self, identifier: str, columns: Mapping[str, list[Any]], told: Described) -> None:
        """The whole way: loaded, checked, approved by somebody else."""
        await self.house.book.make(identifier, told, "person:one")
        await self.version(identifier, columns)

    async def version(self, identifier: str, columns: Mapping[str, list[Any]]) -> None:
        pq.write_table(pa.table(dict(columns)), self.folder / "t.parquet")
        with self.gate._connect() as lake:
            prepare_datasets(lake)
            known, rows = load(lake, identifier, str(self.house.clock.now()), self.folder / "t.parquet", True)
        await self.house.book.loaded(identifier, known, rows, Report("csv", rows, []))
        version = await self.house.publications.ask(await self.house.book.get(identifier), (), "person:one")
        await self.gate.once()
        await self.house.publications.approve(identifier, version, "person:two", "fine")
        await Indexing(self.house.book, plain).once()


async def nobody_told(*_: object) -> None:
    return None


async def nothing_spent(*_: object) -> float:
    return 0.0


@asynccontextmanager
async def open_publishing(
    pool: asyncpg.Pool, dsn: str, folder: Path, keys: Path, recorder: Recorder
) -> AsyncIterator[Publishing]:
    await pool.execute("DROP SCHEMA IF EXISTS lake CASCADE")

    async def tokens(text: str) -> list[str]:
        return plain(text)

    clock = ShiftedClock()
    house = open_data(pool, folder, "yard", clock, tokens)
    connect = partial(open_lake, dsn, Place(str(folder / "lake")))
    lake = Asking(house, recorder, connect, folder)
    gate = Checking(
        house.book, house.publications, connect, house.published,
        PrivacyTools(scan, looks_personal, noisy, nothing_spent), nobody_told,
    )  # fmt: skip
    mounts: dict[str, Any] = {}
    portal = open_portal(house, lake, "", CITY)
    async with open_city(pool, keys, recorder, clock, further=portal.doors, mounts=mounts) as city:
        mounts.update(open_portal(house, lake, city.url.rstrip("/"), CITY).mounts)
        yield Publishing(city, house, gate, folder)
