"""What data sets promise is looked after: a promise that is broken is an incident until it is kept again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import asyncpg

from madang.base.clock import Clock, to_iso
from madang.base.ids import entity_id
from madang.lake.datasets.book import ARRIVAL, COLUMNS, arrival_of, dataset_of
from madang.lake.datasets.dataset import Arrival, Dataset, is_late
from madang.model.entity import Entity

Promise = Literal["freshness", "schema"]
Write = Callable[[Entity], Awaitable[object]]


@dataclass(frozen=True)
class Broken:
    """A promise of a data set that is not kept, with what is wrong in a sentence."""

    dataset: str
    promise: Promise
    told: str


def broken(datasets: list[Dataset], latest: dict[str, Arrival], now: datetime) -> list[Broken]:
    """Of data sets with the last file that came for each. Pure."""
    found = []
    for one in datasets:
        late_s = is_late(one.told, one.loaded_at, now)
        if late_s > 0:
            found.append(Broken(one.id, "freshness", f"{one.id} is {late_s:.0f} s older than it promises"))
        arrival = latest.get(one.id)
        faults = (
            [each for each in arrival.report.stops if each.code.startswith("contract_")]
            if arrival and arrival.report
            else []
        )
        if arrival and faults and arrival.state == "quarantined":
            told = ", ".join(f"{each.code.removeprefix('contract_')} {each.column}" for each in faults)
            found.append(Broken(one.id, "schema", f"{arrival.name} breaks what {one.id} promises: {told}"))
    return found


class Contracts:
    """`write` takes entities into the city's context."""

    def __init__(self, pool: asyncpg.Pool, city: str, clock: Clock, write: Write) -> None:
        self._pool, self._city, self._clock, self._write = pool, city, clock, write

    async def once(self) -> None:
        """An Alert is written before it is noted: one that is written twice is the same."""
        rows = await self._pool.fetch(
            f'SELECT {COLUMNS} FROM dataset WHERE contract::text <> \'{{"columns":[],"fresh_s":0.0}}\''
        )
        datasets = [dataset_of(row) for row in rows]
        latest = await self._latest([one.id for one in datasets])
        now = self._clock.now()
        wrong = {(one.dataset, one.promise): one for one in broken(datasets, latest, now)}
        noted = {
            (row["dataset"], row["promise"]): row for row in await self._pool.fetch("SELECT * FROM dataset_incident")
        }
        for key, one in wrong.items():
            if key not in noted:
                await self._begin(one, now)
        for key, row in noted.items():
            if key not in wrong:
                await self._end(key, row, now)

    async def _latest(self, datasets: list[str]) -> dict[str, Arrival]:
        rows = await self._pool.fetch(
            f"SELECT DISTINCT ON (dataset) {ARRIVAL} FROM dataset_arrival WHERE dataset = ANY($1)"
            " ORDER BY dataset, sent_at DESC",
            datasets,
        )
        return {row["dataset"]: arrival_of(row) for row in rows}

    async def _begin(self, one: Broken, now: datetime) -> None:
        alert = entity_id("Alert", self._city, f"contract-{one.dataset}-{one.promise}")
        await self._write(alert_of(alert, one.dataset, one.promise, one.told, "open", now))
        await self._pool.execute(
            "INSERT INTO dataset_incident VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            one.dataset,
            one.promise,
            alert,
            now,
        )

    async def _end(self, key: tuple[str, Promise], row: Any, now: datetime) -> None:
        await self._write(alert_of(row["alert"], *key, "the promise is kept again", "closed", now))
        await self._pool.execute("DELETE FROM dataset_incident WHERE dataset = $1 AND promise = $2", *key)


def alert_of(identifier: str, dataset: str, promise: str, told: str, status: str, now: datetime) -> Entity:
    """An `Alert` of the Smart Data Models. Pure."""
    values: dict[str, Any] = {
        "category": "dataQuality",
        "subCategory": promise,
        "severity": "medium" if status == "open" else "informational",
        "description": told,
        "alertSource": f"dataset:{dataset}",
        "status": status,
        "dateIssued": {"@type": "DateTime", "@value": to_iso(now)},
    }
    return Entity(identifier, ["Alert"], {name: {"type": "Property", "value": value} for name, value in values.items()})
