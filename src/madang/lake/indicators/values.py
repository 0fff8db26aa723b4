"""Values of indicators, each with where it is from; what was told before stays, the latest telling of a year counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import asyncpg
import msgspec

from madang.base.clock import Clock
from madang.base.errors import BadRequest
from madang.lake.indicators.definition import get

Confidence = Literal["computed", "official", "estimated"]


class Value(msgspec.Struct, frozen=True):
    """`rows`: of which it was computed; 0 for what was entered."""

    code: str
    year: int
    value: float
    rows: int
    source: str
    confidence: Confidence
    told_by: str
    told_at: datetime


class Values:
    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def enter(self, code: str, year: int, value: float, source: str, confidence: Confidence, by: str) -> None:
        """Raises NotFound, BadRequest for what is computed, has no source or cannot be."""
        if get(code).formula:
            raise BadRequest("this one is computed from the data", reason="indicator_computed")
        if not source.strip() or confidence not in ("official", "estimated") or value != value or abs(value) > 1e18:
            raise BadRequest("a value with its source, official or estimated", reason="indicator_form")
        await self._put(code, year, value, 0, source.strip()[:500], confidence, by)

    async def computed(
        self, code: str, year: int, value: float, rows: int, source: str, confidence: Confidence = "computed"
    ) -> None:
        """What is the same as before is not told again."""
        last = await self.series(code)
        if not any(one.year == year and (one.value, one.rows) == (value, rows) for one in last):
            await self._put(code, year, value, rows, source, confidence, "madang")

    async def series(self, code: str) -> list[Value]:
        """By year, the latest telling of each."""
        return await self._read("code = $1", code)

    async def latest(self, codes: Sequence[str]) -> dict[str, Value]:
        """The last year of each; what is missing is missing."""
        return {one.code: one for one in await self._read("code = ANY($1)", list(codes))}

    async def all_of(self, codes: Sequence[str]) -> list[Value]:
        return await self._read("code = ANY($1)", list(codes))

    async def _read(self, condition: str, value: object) -> list[Value]:
        rows = await self._pool.fetch(
            f"SELECT DISTINCT ON (code, year) * FROM indicator_value WHERE {condition} ORDER BY code, year, told_at DESC",
            value,
        )
        return [Value(**dict(row)) for row in rows]

    async def _put(
        self, code: str, year: int, value: float, rows: int, source: str, confidence: Confidence, by: str
    ) -> None:
        if not 1900 <= year <= 2200:
            raise BadRequest("year: 1900 to 2200", reason="indicator_form")
        await self._pool.execute(
            "INSERT INTO indicator_value VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            code, year, value, rows, source, confidence, by, self._clock.now(),
        )  # fmt: skip
