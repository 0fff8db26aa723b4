"""What the lake's process does, round after round: rolls, carries out orders, merges, forgets. One connection, one thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import duckdb

from madang.base.city import LakeSettings
from madang.base.clock import Clock
from madang.base.limits import LAKE_BATCHES_A_ROUND
from madang.lake.connection import Place, open_lake
from madang.lake.orders import Done, carry_out, open_orders
from madang.lake.roller import prepare, roll
from madang.lake.upkeep import forget, merge, merge_all, sweep

MERGE_EVERY, SETTLE_EVERY = timedelta(minutes=15), timedelta(days=1)


@dataclass
class Round:
    """What one round did; `left` tells that more waits. `forgot` observations were older than what is kept."""

    rows: int = 0
    upto: int = 0
    left: bool = False
    orders: list[Done] = field(default_factory=list)
    forgot: int = 0
    files: int = 0


class Keeper:
    """`connect` is given for tests. What fails leaves the connection closed, and the next round opens another."""

    def __init__(self, dsn: str, place: Place, settings: LakeSettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._connect: Callable[[], duckdb.DuckDBPyConnection] = lambda: open_lake(dsn, place, settings.memory_mb)
        self._lake: duckdb.DuckDBPyConnection | None = None
        self._merged = self._settled = clock.now()

    def round(self) -> Round:
        """Raises duckdb.Error, Unavailable; what was committed stays."""
        try:
            return self._round(self._open())
        except duckdb.Error:
            self.close()
            raise

    def close(self) -> None:
        if self._lake is not None:
            self._lake.close()
            self._lake = None

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._lake is None:
            self._lake = self._connect()
            prepare(self._lake)
        return self._lake

    def _round(self, lake: duckdb.DuckDBPyConnection) -> Round:
        done, now = Round(left=True), self._clock.now()
        for _ in range(LAKE_BATCHES_A_ROUND):
            batch = roll(lake)
            if batch is None:
                done.left = False
                break
            done.rows, done.upto = done.rows + batch.rows, batch.upto
        for order in open_orders(lake):
            done.orders.append(carry_out(lake, order, now))
        if now - self._merged >= MERGE_EVERY:
            self._merged = now
            merge(lake)
        if now - self._settled >= SETTLE_EVERY:
            self._settled = now
            self._settle(lake, now, done)
        return done

    def _settle(self, lake: duckdb.DuckDBPyConnection, now: datetime, done: Round) -> None:
        if self._settings.keep_days is not None:
            done.forgot = forget(lake, now - timedelta(days=self._settings.keep_days))
        merge_all(lake)
        done.files = sweep(lake, now - timedelta(days=self._settings.travel_days))
