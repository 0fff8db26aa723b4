"""Files and feeds of a running city, wired: the door at which they come, and what the lake's process does with them."""

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
from madang.engine.database import LOST
from madang.engine.outward import networks_of_city
from madang.engine.privilege import APP_UID, is_root, own
from madang.engine.settings import Settings
from madang.lake.connection import Place, open_lake
from madang.lake.datasets.book import Book
from madang.lake.datasets.dataset import Arrival, Dataset
from madang.lake.datasets.inbox import inbox_of
from madang.lake.datasets.receiving import Receiving
from madang.lake.feeds.feeds import Feeds
from madang.lake.feeds.pulling import Pulling
from madang.lake.files.report import Report
from madang.people.datasets import DatasetsDoor
from madang.trust.audit.entry import Event
from madang.trust.audit.log import AuditLog
from madang.trust.audit.recorder import Recorder

log = structlog.get_logger()
LOOK_S = 1.0


def open_folder(path: Path) -> None:
    """For this process, and to be read by those who answer questions: they are of the apps' group, which Landlock lets in nowhere else."""
    own(path, os.getuid(), 0o750)
    if is_root():
        os.chown(path, -1, APP_UID)


def open_datasets(pool: asyncpg.Pool, settings: Settings, recorder: Recorder) -> DatasetsDoor:
    clock, inbox = SystemClock(), inbox_of(settings.run_dir)
    open_folder(inbox)
    return DatasetsDoor(Book(pool, clock), Feeds(pool, clock), inbox, recorder)


class Coming:
    """What comes into the lake but for history."""

    def __init__(self, settings: Settings, city: CityConfig, pool: asyncpg.Pool, place: Place) -> None:
        self._register, self._clock = AuditLog(pool), SystemClock()
        book, inbox = Book(pool, self._clock), inbox_of(settings.run_dir)
        open_folder(inbox)
        argv = [sys.executable, "-m", "madang.cli.reading"]
        self._receiving = Receiving(
            book, partial(open_lake, settings.database, place), argv, inbox, city.bbox, self._told
        )
        self._pulling = Pulling(Feeds(pool, self._clock), book, inbox, networks_of_city())

    async def read(self) -> None:
        """For ever."""
        await _again_and_again(self._receiving.once, "a file waits")

    async def pull(self) -> None:
        """For ever."""
        await _again_and_again(self._pulling.once, "a feed waits")

    async def _told(self, dataset: Dataset, arrival: Arrival, report: Report) -> None:
        outcome = "quarantined" if report.stops else "loaded"
        details = {"arrival": arrival.id, "rows": str(report.rows), "stops": " ".join(one.code for one in report.stops)}
        event = Event(self._clock.now(), arrival.sent_by, f"dataset.{outcome}", dataset.id, "", "done", details)
        await self._register.append(event)


async def _again_and_again(once: Callable[[], Awaitable[bool]], waits: str) -> None:
    """`once` tells whether there may be more to do at once."""
    while True:
        try:
            busy = await once()
        except (duckdb.Error, MadangError, OSError, *LOST) as error:
            log.warning(waits, error=str(error).split("\n", 1)[0])
            busy = False
        await asyncio.sleep(0 if busy else LOOK_S)
