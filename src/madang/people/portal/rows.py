"""Rows of a published table, by pages: asked of the lake's process, which reads the file that was approved."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from madang.base.limits import LAKE_SQL_MEMORY_MB, LAKE_SQL_TIME_S
from madang.lake.datasets.dataset import Dataset
from madang.lake.datasets.house import DataHouse
from madang.lake.files.report import Box
from madang.lake.publishing.asking import condition, count_of, rows_of
from madang.lake.sql.job import Job, Limits

Json = dict[str, Any]
Ask = Callable[[Job], Awaitable[AsyncIterator[bytes]]]


@dataclass(frozen=True)
class Page:
    """`numbers`: of each row in its file, from 1, which names it for as long as its version is published. Geometry is WKB in base64."""

    rows: list[Json]
    numbers: list[int]
    total: int


class Rows:
    def __init__(self, house: DataHouse, ask: Ask) -> None:
        self._house, self._ask = house, ask

    def columns(self, dataset: Dataset) -> list[tuple[str, str]]:
        """With their types."""
        return [(one.name, one.type) for one in dataset.shown.columns] if dataset.shown is not None else []

    async def page(
        self, dataset: Dataset, limit: int, offset: int = 0, bbox: Box | None = None, equal: Mapping[str, Any] | None = None,
        number: int | None = None,
    ) -> Page:  # fmt: skip
        """Rows within a box (degrees), of equal values, or of one number. Raises BadRequest for a column that there is not."""
        names = [name for name, _ in self.columns(dataset)]
        where = condition(names, bbox, equal or {}, number)
        found = await self._rows(dataset, rows_of(dataset.id, names, where, limit, offset), limit)
        ((total,),) = await self._rows(dataset, count_of(dataset.id, where), 1)
        rows = [dict(zip(names, row[1:], strict=True)) for row in found]
        return Page(rows, [int(row[0]) for row in found], int(total))

    async def _rows(self, dataset: Dataset, sql: str, limit: int) -> Sequence[list[Any]]:
        limits = Limits(max(1, limit), LAKE_SQL_MEMORY_MB, LAKE_SQL_TIME_S)
        answer = await self._ask(Job(sql, "true", {}, "json", limits, sheets={dataset.id: self._house.sheet(dataset)}))
        body = b"".join([part async for part in answer])
        found: Sequence[list[Any]] = msgspec.json.decode(body)["rows"]
        return found
