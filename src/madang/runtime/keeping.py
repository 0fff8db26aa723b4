"""What the gateway does for apps again and again: takes what the supervisor tells of them, and what was counted, into the database."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any

from madang.base.errors import Unavailable
from madang.engine.database import LOST
from madang.runtime.apps import Apps
from madang.runtime.doorman import Doorman
from madang.runtime.meter import Meter, measured_by
from madang.runtime.records import Event, Records

SWEEP_S = 2.0


class Keeping:
    """`used`: what each app uses now, as the supervisor says (`Host.report`)."""

    def __init__(self, apps: Apps, records: Records, meter: Meter, doorman: Doorman) -> None:
        self._apps, self._records, self._meter, self._doorman = apps, records, meter, doorman
        self._epoch, self._seq = "", 0
        self.used: dict[str, dict[str, Any]] = {}

    async def run(self) -> None:
        """For ever."""
        while True:
            await self.once()
            await asyncio.sleep(SWEEP_S)

    async def once(self) -> None:
        """What cannot be kept now is kept the next time; a supervisor that is away is asked again."""
        report: dict[str, Any] | None = None
        with contextlib.suppress(Unavailable):
            report = await self._apps.running.report(self._seq)
            if report["epoch"] != self._epoch:  # another supervisor, whose numbers begin anew
                self._epoch, self._seq = report["epoch"], 0
                report = await self._apps.running.report(0)
            self.used = report["used"]
        with contextlib.suppress(*LOST):
            await self._meter.sweep(measured_by(report) if report is not None else ())
            told = [_event(one) for one in report["events"]] if report is not None else []
            seen = list(self._doorman.events)
            await self._records.happened([*told, *seen])
            for _ in seen:
                self._doorman.events.popleft()
            if report is not None and report["events"]:
                self._seq = report["events"][-1]["seq"]


def _event(told: dict[str, Any]) -> Event:
    return Event(told["app"], datetime.fromtimestamp(told["at"], UTC), told["kind"], told["detail"])
