"""Data sets of a running city, wired: what its gateway needs of them, and what the lake's process does with them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import asyncpg
import duckdb
import structlog

from madang.base.city import CityConfig
from madang.base.clock import SystemClock
from madang.base.errors import MadangError
from madang.context.writer import Writer
from madang.engine.database import LOST
from madang.engine.outward import networks_of_city
from madang.engine.privilege import APP_UID, is_root, own
from madang.engine.settings import Settings
from madang.engine.temporary import sockets_of
from madang.lake.catalogue.contracts import Contracts
from madang.lake.catalogue.indexing import Indexing
from madang.lake.catalogue.words import Morphemes, asked_at, serve_words
from madang.lake.connection import Place, open_lake
from madang.lake.datasets.dataset import Arrival, Dataset
from madang.lake.datasets.house import DataHouse, open_data
from madang.lake.datasets.receiving import Receiving
from madang.lake.feeds.pulling import Pulling
from madang.lake.files.report import Finding, Report
from madang.lake.indicators.computing import Computing
from madang.lake.publishing.checking import Checking
from madang.lake.publishing.publication import Publication
from madang.model.operations import Replace
from madang.trust.audit.entry import Event
from madang.trust.audit.log import AuditLog
from madang.trust.privacy.tables import looks_personal, scan

log = structlog.get_logger()
LOOK_S, PROMISES_S = 1.0, 10.0


def open_folder(path: Path) -> None:
    """For this process, and to be read by those who answer questions: they are of the apps' group, which Landlock lets in nowhere else."""
    own(path, os.getuid(), 0o750)
    if is_root():
        os.chown(path, -1, APP_UID)


def words_path(settings: Settings) -> Path:
    """Where the lake's process tells the words of a text; for the city's own processes only."""
    return sockets_of(settings.run_dir).path / "words.sock"


def open_datasets(pool: asyncpg.Pool, settings: Settings) -> DataHouse:
    """The gateway's."""
    house = open_data(pool, settings.run_dir, settings.city, SystemClock(), asked_at(words_path(settings)))
    for folder in (house.inbox, house.published):
        open_folder(folder)
    return house


def open_contracts(pool: asyncpg.Pool, city: CityConfig, writer: Writer) -> Contracts:
    """An Alert of theirs takes the place of the one before."""
    return Contracts(pool, city.id, SystemClock(), lambda entity: writer.submit(Replace(entity, create=True)))


async def look_after(contracts: Contracts, house: DataHouse) -> None:
    """For ever: promises, and who used what."""

    async def once() -> bool:
        await contracts.once()
        await house.uses.settle()
        return False

    await _again_and_again(once, "promises of data wait", PROMISES_S)


class Coming:
    """What comes into the lake but for history, and what goes out of it to everybody."""

    def __init__(self, settings: Settings, city: CityConfig, pool: asyncpg.Pool, place: Place) -> None:
        self._register, self._clock, self._words, self._path = (
            AuditLog(pool),
            SystemClock(),
            Morphemes(),
            words_path(settings),
        )
        house = open_data(pool, settings.run_dir, city.id, self._clock, asked_at(self._path))
        for folder in (house.inbox, house.published):
            open_folder(folder)
        self._lineage, connect = house.lineage, partial(open_lake, settings.database, place)
        argv = [sys.executable, "-m", "madang.cli.reading"]
        self._receiving = Receiving(house.book, connect, argv, house.inbox, city.bbox, self._came)
        self._pulling = Pulling(house.feeds, house.book, house.inbox, networks_of_city())
        self._checking = Checking(
            house.book, house.publications, connect, house.published, scan, looks_personal, self._checked
        )
        self._indexing = Indexing(house.book, self._words)
        self._computing = Computing(house.values, house.lineage, connect, self._clock)

    async def run(self) -> None:
        """For ever: each by itself, so that a long file keeps nobody waiting."""
        await asyncio.gather(
            _again_and_again(self._receiving.once, "a file waits"),
            _again_and_again(self._pulling.once, "a feed waits"),
            _again_and_again(self._checking.once, "a publication waits"),
            _again_and_again(self._indexing.once, "the catalogue waits"),
            _again_and_again(self._computing.once, "the indicators wait"),
            serve_words(self._path, self._words),
        )

    async def _came(self, dataset: Dataset, arrival: Arrival, report: Report) -> None:
        outcome = "quarantined" if report.stops else "loaded"
        details = {"arrival": arrival.id, "rows": str(report.rows), "stops": " ".join(one.code for one in report.stops)}
        await self._put(arrival.sent_by, f"dataset.{outcome}", dataset.id, details)
        if not report.stops:
            source = f"source:{arrival.source or arrival.name}"
            await self._lineage.tell("load", [source], [f"dataset:{dataset.id}"], self._clock.now())

    async def _checked(self, one: Publication, state: str, checks: list[Finding]) -> None:
        stops = " ".join(f"{found.code}:{found.column}" for found in checks if found.severity == "stop")
        await self._put(one.asked_by, f"dataset.{state}", f"{one.dataset} {one.version}", {"stops": stops})
        if state == "waiting":
            names = [f"dataset:{one.dataset}"], [f"published:{one.dataset}"]
            await self._lineage.tell("publish", *names, self._clock.now())

    async def _put(self, who: str, what: str, whom: str, details: dict[str, str]) -> None:
        await self._register.append(Event(self._clock.now(), who, what, whom, "", "done", details))


async def _again_and_again(once: Callable[[], Awaitable[bool]], waits: str, look_s: float = LOOK_S) -> None:
    """`once` tells whether there may be more to do at once."""
    while True:
        try:
            busy = await once()
        except (duckdb.Error, MadangError, OSError, *LOST) as error:
            log.warning(waits, error=str(error).split("\n", 1)[0])
            busy = False
        await asyncio.sleep(0 if busy else look_s)
