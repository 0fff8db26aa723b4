"""Data sets and the files that come for them, in the city's database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec

from madang.base.clock import Clock
from madang.base.errors import Conflict, NotFound, TooMany
from madang.base.limits import LAKE_ARRIVALS_WAITING_MAX, LAKE_DATASETS_MAX
from madang.lake.datasets.dataset import Arrival, ArrivalState, Dataset, Described, check_id
from madang.lake.files.report import Hints, Known, Report

_TOLD = tuple(Described.__struct_fields__)
_JSON = frozenset({"title", "about", "purpose", "contract", "persons"})
_BESIDE = "columns, rows, report, shown, state, version, made_by, made_at, loaded_at, issued_at, changed_at"
COLUMNS = f"id, {', '.join(_TOLD)}, {_BESIDE}"
ARRIVAL = (
    "id, dataset, name, source, size_bytes, sha256, hints, state, report, sent_by, sent_at, decided_by, why, done_at"
)


def dataset_of(row: asyncpg.Record) -> Dataset:
    told = {name: row[name] for name in _TOLD}
    rest = {name: row[name] for name in _BESIDE.split(", ") if name not in ("columns", "report", "shown")}
    return Dataset(
        row["id"],
        msgspec.convert(told, Described),
        columns=msgspec.convert(row["columns"], list[Known]),
        report=_report(row["report"]),
        shown=_report(row["shown"]),
        **rest,
    )


def arrival_of(row: asyncpg.Record) -> Arrival:
    hints = msgspec.convert(row["hints"], Hints)
    return Arrival(**{**dict(row), "hints": hints, "report": _report(row["report"])})


class Book:
    """`clock`: when things are said to happen."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self.pool, self.clock = pool, clock

    async def make(self, identifier: str, told: Described, by: str) -> None:
        """Raises BadRequest, Conflict when there is one of that id, TooMany."""
        check_id(identifier)
        told.check()
        if await self.pool.fetchval("SELECT count(*) FROM dataset") >= LAKE_DATASETS_MAX:
            raise TooMany(f"a city may have {LAKE_DATASETS_MAX} data sets")
        names = f"id, {', '.join(_TOLD)}, columns, made_by, made_at, changed_at"
        places = ", ".join(f"${number}" for number in range(1, len(_TOLD) + 6))
        values = [identifier, *_values(told), _json([]), by, self.clock.now(), self.clock.now()]
        sql = f"INSERT INTO dataset ({names}) VALUES ({places}) ON CONFLICT DO NOTHING RETURNING id"
        if await self.pool.fetchval(sql, *values) is None:
            raise Conflict(f"there is a data set {identifier}", reason="dataset_again")

    async def describe(self, identifier: str, told: Described) -> None:
        """Raises BadRequest, NotFound."""
        told.check()
        sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(_TOLD, 2))
        sql = f"UPDATE dataset SET {sets}, changed_at = ${len(_TOLD) + 2} WHERE id = $1 RETURNING id"
        if await self.pool.fetchval(sql, identifier, *_values(told), self.clock.now()) is None:
            raise NotFound(f"there is no data set {identifier[:80]}")

    async def find(self, identifier: str) -> Dataset | None:
        row = await self.pool.fetchrow(f"SELECT {COLUMNS} FROM dataset WHERE id = $1", identifier)
        return dataset_of(row) if row is not None else None

    async def get(self, identifier: str) -> Dataset:
        """Raises NotFound."""
        found = await self.find(identifier)
        if found is None:
            raise NotFound(f"there is no data set {identifier[:80]}", reason="dataset_none")
        return found

    async def named(self, identifiers: Sequence[str]) -> list[Dataset]:
        """Those of them that there are."""
        rows = await self.pool.fetch(f"SELECT {COLUMNS} FROM dataset WHERE id = ANY($1)", list(identifiers))
        return [dataset_of(row) for row in rows]

    async def list_all(self, limit: int, after: str = "") -> list[Dataset]:
        """By id, those behind `after`."""
        sql = f"SELECT {COLUMNS} FROM dataset WHERE id > $1 ORDER BY id LIMIT $2"
        return [dataset_of(row) for row in await self.pool.fetch(sql, after, limit)]

    async def loaded(self, identifier: str, columns: Sequence[Known], rows: int, report: Report) -> None:
        """Its table holds this by now."""
        await self.pool.execute(
            "UPDATE dataset SET columns = $2, rows = $3, report = $4, loaded_at = $5, changed_at = $5 WHERE id = $1",
            identifier, _json(columns), rows, _json(report), self.clock.now(),
        )  # fmt: skip

    async def arrive(
        self, dataset: str, name: str, source: str, size_bytes: int, sha256: str, hints: Hints, by: str, identifier: str
    ) -> None:
        """Its file lies in the folder of that identifier already. Raises NotFound, TooMany."""
        await self.get(dataset)
        waiting = await self.pool.fetchval("SELECT count(*) FROM dataset_arrival WHERE state = 'waiting'")
        if waiting >= LAKE_ARRIVALS_WAITING_MAX:
            raise TooMany("too many files wait to be read", wait_s=30)
        await self.pool.execute(
            "INSERT INTO dataset_arrival (id, dataset, name, source, size_bytes, sha256, hints, state, sent_by, sent_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $9)",
            identifier, dataset, name[-200:], source, size_bytes, sha256, _json(hints), by, self.clock.now(),
        )  # fmt: skip

    async def arrival(self, identifier: str) -> Arrival:
        """Raises NotFound."""
        row = await self.pool.fetchrow(f"SELECT {ARRIVAL} FROM dataset_arrival WHERE id = $1", identifier)
        if row is None:
            raise NotFound("there is no such file", reason="arrival_none")
        return arrival_of(row)

    async def next_waiting(self) -> Arrival | None:
        """The one that has waited longest."""
        sql = f"SELECT {ARRIVAL} FROM dataset_arrival WHERE state = 'waiting' ORDER BY sent_at LIMIT 1"
        row = await self.pool.fetchrow(sql)
        return arrival_of(row) if row is not None else None

    async def arrivals(self, limit: int, dataset: str = "", *states: ArrivalState) -> list[Arrival]:
        """The latest first; of all data sets, in any state, where none is named."""
        sql = (
            f"SELECT {ARRIVAL} FROM dataset_arrival WHERE ($1 = '' OR dataset = $1)"
            " AND (cardinality($2::text[]) = 0 OR state = ANY($2)) ORDER BY sent_at DESC LIMIT $3"
        )
        return [arrival_of(row) for row in await self.pool.fetch(sql, dataset, list(states), limit)]

    async def was_read(self, identifier: str, state: ArrivalState, report: Report) -> None:
        await self.pool.execute(
            "UPDATE dataset_arrival SET state = $2, report = $3, done_at = $4 WHERE id = $1",
            identifier, state, _json(report), self.clock.now(),
        )  # fmt: skip

    async def release(self, identifier: str, hints: Hints, by: str, why: str) -> None:
        """Out of quarantine, to be read again as `hints` say. Raises Conflict for what is not in it."""
        sql = (
            "UPDATE dataset_arrival SET state = 'waiting', hints = $2, decided_by = $3, why = $4"
            " WHERE id = $1 AND state = 'quarantined' RETURNING id"
        )
        if await self.pool.fetchval(sql, identifier, _json(hints), by, why) is None:
            raise Conflict("this file is not in quarantine", reason="arrival_state")

    async def reject(self, identifier: str, by: str, why: str) -> None:
        """Raises Conflict."""
        sql = (
            "UPDATE dataset_arrival SET state = 'rejected', decided_by = $2, why = $3, done_at = $4"
            " WHERE id = $1 AND state = 'quarantined' RETURNING id"
        )
        if await self.pool.fetchval(sql, identifier, by, why, self.clock.now()) is None:
            raise Conflict("this file is not in quarantine", reason="arrival_state")


def new_arrival() -> str:
    """An identifier, which names a folder, too."""
    return uuid4().hex


def _values(told: Described) -> list[Any]:
    return [_json(getattr(told, name)) if name in _JSON else getattr(told, name) for name in _TOLD]


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


def _report(told: Any) -> Report | None:
    return msgspec.convert(told, Report) if told is not None else None
