"""Indicators that have a formula are computed for this year, over the lake and what is true now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import duckdb
import structlog

from madang.base.clock import Clock
from madang.lake.catalogue.lineage import Lineage
from madang.lake.indicators.definition import Definition, every
from madang.lake.indicators.macros import add_macros
from madang.lake.indicators.values import Values

log = structlog.get_logger()
SOON, EVERY = timedelta(minutes=10), timedelta(hours=6)


class Computing:
    """`connect` opens the lake."""

    def __init__(
        self,
        values: Values,
        lineage: Lineage,
        connect: Callable[[], duckdb.DuckDBPyConnection],
        clock: Clock,
        zone: str = "UTC",
    ) -> None:
        self._values, self._lineage, self._connect, self._clock, self._zone = values, lineage, connect, clock, zone
        self._due: datetime | None = None

    async def once(self) -> bool:
        """At the start, soon after, when a new city has something to tell, then every six hours. A formula that fails is told in the log
        and leaves no value."""
        now = self._clock.now()
        if self._due is not None and now < self._due:
            return False
        self._due = now + (SOON if self._due is None else EVERY)
        for one, year, value, rows in await asyncio.to_thread(self._computed, now.year):
            await self._values.computed(one.code, year, value, rows, ", ".join(one.sources), one.confidence)
            await self._lineage.tell(
                "indicator", [came_by(one, each) for each in one.sources], [f"indicator:{one.code}"], now
            )
        return False

    def _computed(self, year: int) -> list[tuple[Definition, int, float, int]]:
        found = []
        formulas = [one for each in every().values() for one in each.indicator if one.formula]
        with self._connect() as lake:
            add_macros(lake)
            for one in formulas:
                try:
                    told = compute(lake, one, year, self._zone)
                except duckdb.Error as error:
                    log.warning("an indicator could not be computed", code=one.code, error=str(error).splitlines()[0])
                    continue
                if told is not None:
                    found.append((one, year, *told))
        return found


def compute(lake: duckdb.DuckDBPyConnection, one: Definition, year: int, zone: str = "UTC") -> tuple[float, int] | None:
    """The value and the rows it is made of; None where nothing is known. The connection has our macros. Raises duckdb.Error."""
    known = {"from": datetime(year, 1, 1), "until": datetime(year + 1, 1, 1), "zone": zone}
    asked = {name: value for name, value in known.items() if f"${name}" in one.formula}
    row = lake.execute(one.formula, asked).fetchone()
    if row is None or row[0] is None or not row[1]:
        return None
    return float(row[0]), int(row[1])


def came_by(one: Definition, source: str) -> str:
    """Of a kind of thing whose past counts, its history in the lake. Pure."""
    kind = source.removeprefix("device:")
    return f"observation:{kind}" if f"type = '{kind}'" in one.formula else source
