"""Data sets of a running city, wired for its gateway, which loads neither DuckDB nor what reads files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import structlog

from madang.base.city import CityConfig
from madang.base.clock import SystemClock
from madang.base.errors import MadangError
from madang.context.writer import Writer
from madang.engine.database import LOST
from madang.engine.privilege import APP_UID, is_root, own
from madang.engine.settings import Settings
from madang.engine.temporary import sockets_of
from madang.lake.catalogue.contracts import Contracts
from madang.lake.catalogue.words import asked_at
from madang.lake.datasets.house import DataHouse, open_data
from madang.model.operations import Replace

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

    await again_and_again(once, "promises of data wait", PROMISES_S)


async def again_and_again(
    once: Callable[[], Awaitable[bool]], waits: str, look_s: float = LOOK_S, beside: tuple[type[Exception], ...] = ()
) -> None:
    """For ever. `once` tells whether there may be more to do at once; what fails for want of something is tried again, as are errors
    `beside`."""
    while True:
        try:
            busy = await once()
        except (MadangError, OSError, *beside, *LOST) as error:
            log.warning(waits, error=str(error).split("\n", 1)[0])
            busy = False
        await asyncio.sleep(0 if busy else look_s)
