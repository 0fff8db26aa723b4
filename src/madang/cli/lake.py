"""The lake's process: history rolls into it, and what goes from it is put on record."""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial
from typing import Any

import duckdb
import structlog

from madang.base.city import LakeSettings
from madang.base.clock import SystemClock
from madang.base.errors import MadangError
from madang.bus.connection import connect, tell_every_second
from madang.cli.cities import find_city
from madang.cli.coming import Coming
from madang.cli.datasets import open_folder
from madang.cli.flight import serve_flight
from madang.cli.roles import open_pool, tell_ready, until_told
from madang.cli.serving import lake_path
from madang.engine.database import LOST
from madang.engine.settings import Settings, issuer_of
from madang.lake.connection import Place, open_lake
from madang.lake.datasets.house import published_of
from madang.lake.keeper import Keeper, Round
from madang.lake.sql.desk import SqlDesk
from madang.trust.audit.entry import Event
from madang.trust.audit.log import AuditLog

log = structlog.get_logger()
SQL_CATALOGUE_MB = 256


class LakeHouse:
    """Rounds in a thread of their own; the numbers that the status shows."""

    def __init__(self, keeper: Keeper, settings: LakeSettings, register: AuditLog) -> None:
        self._keeper, self._settings, self._register, self._clock = keeper, settings, register, SystemClock()
        self.rows, self.upto, self.ready = 0, 0, False

    async def run(self) -> None:
        """For ever. A database or store that is away is tried again at the next round."""
        while True:
            left = False
            try:
                done = await asyncio.to_thread(self._keeper.round)
                self.ready, left = True, done.left
                self.rows, self.upto = self.rows + done.rows, done.upto or self.upto
                await self._tell(done)
            except (duckdb.Error, MadangError, *LOST) as error:
                log.warning("the lake waits", error=str(error).split("\n", 1)[0])
            await asyncio.sleep(0 if left else self._settings.every_s)

    async def _tell(self, done: Round) -> None:
        for one in done.orders:
            what = "lake.erase" if one.order.erased else "lake.edit"
            details = {"rows": str(one.gone), "again": str(one.again), "files": str(one.files)}
            details |= {"attribute": one.order.attribute} if one.order.attribute is not None else {}
            await self._put(what, one.order.entity_id, details)
        if done.forgot:
            details = {"rows": str(done.forgot), "keep_days": str(self._settings.keep_days)}
            await self._put("lake.forget", "observation", details)

    async def _put(self, what: str, whom: str, details: dict[str, str]) -> None:
        await self._register.append(Event(self._clock.now(), "madang", what, whom, "", "done", details))

    def numbers(self) -> dict[str, Any]:
        return {"lake_rows": self.rows, "lake_upto": self.upto}


async def lake(settings: Settings) -> None:
    """Rolls until told to stop."""
    city = find_city(settings.city_file)
    told = city.lake or LakeSettings()
    pool = await open_pool(settings, 2)
    place = Place.of(os.environ, settings.run_dir)
    open_folder(settings.run_dir / "lake")
    # Behind the walls a question sees the lake's files, and what is published, and no more.
    folders = [str(settings.run_dir / "lake"), str(published_of(settings.run_dir))]
    argv = [sys.executable, "-m", "madang.cli.asking", *folders]
    desk = SqlDesk(partial(open_lake, settings.database, place, SQL_CATALOGUE_MB), argv, settings.run_dir / "lake")
    house = LakeHouse(Keeper(settings.database, place, told, SystemClock()), told, AuditLog(pool))
    client = await connect(settings.bus, "lake")
    coming = Coming(settings, city, pool, place)
    await until_told(
        house.run(),
        coming.run(),
        desk.serve(lake_path(settings)),
        serve_flight(issuer_of(settings), told.flight_port),
        tell_every_second(client, "lake", house.numbers),
        tell_ready(settings, "lake", lambda: house.ready),
    )
