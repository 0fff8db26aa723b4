"""Reads the stream of requests in the gateway, and reports of devices in ingest; what the detector says becomes a verdict, an Alert for
people, an entry of the audit log, and where the city says so a hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

import structlog

from madang.base.clock import Clock
from madang.base.errors import MadangError
from madang.engine.database import LOST
from madang.trust.defence.detector import Detector
from madang.trust.defence.guard import Guard
from madang.trust.defence.verdict import Verdict
from madang.trust.defence.verdicts import Verdicts

log = structlog.get_logger()
LOOK_S = 1.0
Raise = Callable[[str, Verdict, str], Awaitable[None]]
"""Tells people of a verdict, by the id of its Alert; the last is what is done about it."""


class Watch:
    """`raise_alert` may fail without the verdict being lost."""

    def __init__(self, verdicts: Verdicts, raise_alert: Raise, clock: Clock) -> None:
        self.detector, self.verdicts, self._raise, self._clock = Detector(), verdicts, raise_alert, clock
        self._looked = clock.now()

    async def run(self, guard: Guard) -> None:
        """For ever; while the database is away nothing new is held back, and what is held stays."""
        while True:
            try:
                await self.look(guard)
            except (MadangError, *LOST) as error:
                log.warning("verdicts wait", error=repr(error))
            await asyncio.sleep(LOOK_S)

    async def look(self, guard: Guard) -> None:
        """Once: reads what came, judges, and knows who is held back."""
        found = [verdict for access in guard.stream.drain() for verdict in self.detector.see(access)]
        await self.settle([*found, *self.detector.tick(self._clock.now().timestamp())])
        now = self._clock.now()
        for subject in await self.verdicts.released_since(self._looked - timedelta(seconds=5 * LOOK_S)):
            self.detector.forgive(subject)
        self._looked = now
        guard.hold(await self.verdicts.holds())

    async def settle(self, found: Iterable[Verdict]) -> None:
        """Keeps verdicts and tells of them."""
        for verdict in found:
            identifier, act = await self.verdicts.add(verdict), self.verdicts.act_on(verdict)
            log.warning("something unusual", verdict=verdict.text(), act=act, id=identifier)
            try:
                await self._raise(identifier, verdict, act)
            except (MadangError, *LOST) as error:
                log.error("an alert could not be told", id=identifier, error=repr(error))
