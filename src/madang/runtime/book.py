"""What is known of an app beside what it is: what it used, what happened to it, what it printed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from madang.base.clock import Clock
from madang.base.limits import APP_EVENTS_SHOWN, APP_LOG_SHOWN_BYTES
from madang.runtime.keeping import Keeping
from madang.runtime.logs import log_path, tail
from madang.runtime.meter import Meter
from madang.runtime.records import Records

_DAY = timedelta(days=1)


class Book:
    """Of one city. `keeping`: what each app uses now."""

    def __init__(self, run_dir: Path, records: Records, meter: Meter, keeping: Keeping, clock: Clock) -> None:
        self._run_dir, self._records, self._meter, self._keeping, self._clock = run_dir, records, meter, keeping, clock

    @property
    def used(self) -> Mapping[str, Mapping[str, Any]]:
        """Now, by app; see `Host.report`."""
        return self._keeping.used

    async def of(self, app_id: str) -> dict[str, Any]:
        """`usage` of the last 24 hours by tenant and measure, `events` the last first, the end of the `log`, and what is `used` now."""
        now = self._clock.now()
        usage = await self._meter.usage(app_id, now - _DAY, now)
        return {
            "usage": [(tenant, measure, float(amount)) for (tenant, measure), amount in usage.items()],
            "events": await self._records.events(app_id, APP_EVENTS_SHOWN),
            "log": tail(log_path(self._run_dir, app_id), APP_LOG_SHOWN_BYTES),
            "used": self.used.get(app_id),
        }
