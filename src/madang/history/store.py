"""Reads of what was true, from the table `history`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import lt
from typing import Any

import asyncpg

from madang.base.clock import from_iso, to_iso
from madang.base.errors import NotFound
from madang.base.limits import HISTORY_READ_ENTITIES, HISTORY_READ_ROWS
from madang.context.sql import Parameters
from madang.engine.database import fetch
from madang.history.evolution import Rows, needs_times
from madang.history.window import Window

READ_ROWS_LEAST = 200
_START = datetime(1970, 1, 1, tzinfo=UTC)
# Columns of all rows: a record a row would cost five times as much on the way. Folded beside each id: grouping would sort the rows.
_ROWS = """
SELECT e.id, folded.*
FROM unnest($1::text[]) AS e(id), LATERAL (
  SELECT array_agg(seq) AS seqs, string_agg(op::text, '') AS ops, {times} AS times, max(at) AS last,
         '[' || string_agg(change::text, ',') || ']' AS changes
  FROM (SELECT seq, at, op, change FROM history WHERE entity_id = e.id AND at < $2 {order} LIMIT $3) AS page
) AS folded
WHERE seqs IS NOT NULL
"""
_ORDER = "AND (at, seq) > ($4, $5) ORDER BY at, seq"
_KNOWN = """
SELECT e.id, last.types, last.op, last.at AS last, first.at AS first
FROM unnest($1::text[]) AS e(id),
  LATERAL (SELECT types, op::text, at FROM history WHERE entity_id = e.id ORDER BY at DESC, seq DESC LIMIT 1) AS last,
  LATERAL (SELECT at FROM history WHERE entity_id = e.id ORDER BY at LIMIT 1) AS first
"""


@dataclass(frozen=True)
class Known:
    """What history knows of an entity: its types and times (ISO), and whether it was deleted last."""

    types: list[str]
    first: str
    last: str
    deleted: bool


@dataclass(frozen=True)
class Candidates:
    """Which entities come into question. Names are internal; empty means all."""

    ids: tuple[str, ...] = ()
    id_pattern: str | None = None
    types: tuple[str, ...] = ()


class History:
    """Reads through a pool. What an entity was is read in portions: no question holds more than one in memory."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """Those of `ids` that history knows."""
        return {
            record["id"]: Known(
                record["types"].split("\x1f"), to_iso(record["first"]), to_iso(record["last"]), record["op"] == "d"
            )
            for record in await self._fetch(_KNOWN, [list(ids)])
        }

    async def one(self, identifier: str) -> Known:
        """Raises NotFound."""
        known = (await self.known([identifier])).get(identifier)
        if known is None:
            raise NotFound(f"no history of {identifier}")
        return known

    async def rows(
        self, ids: Sequence[str], window: Window, names: frozenset[str] | None
    ) -> AsyncIterator[tuple[str, Rows]]:
        """Portions of each entity, each entity's in the order they were written; `names` is what will be looked at."""
        times = "array_agg(at)" if needs_times(window, names) else "NULL::timestamptz[]"
        before = _no_later(window)
        for begin in range(0, len(ids), HISTORY_READ_ENTITIES):
            some = ids[begin : begin + HISTORY_READ_ENTITIES]
            limit = max(READ_ROWS_LEAST, HISTORY_READ_ROWS // len(some))
            # Rows lie in the order they were written, nearly always: sorting them would cost as much as reading them.
            for record in await self._fetch(_ROWS.format(times=times, order=""), [list(some), before, limit]):
                seqs = record["seqs"]
                if len(seqs) < limit and all(map(lt, seqs, seqs[1:])):
                    yield record["id"], _rows(record)
                else:
                    async for rows in self._ordered(record["id"], times, before):
                        yield record["id"], rows

    async def _ordered(self, identifier: str, times: str, before: datetime) -> AsyncIterator[Rows]:
        """One entity from the beginning, a portion at a time."""
        sql, size = _ROWS.format(times=times, order=_ORDER), HISTORY_READ_ROWS
        at, seq, count = _START, -1, size
        while count == size:
            records = await self._fetch(sql, [[identifier], before, size, at, seq])
            for record in records:
                yield _rows(record)
                at, seq = record["last"], record["seqs"][-1]
            count = len(records[0]["seqs"]) if records else 0

    async def candidates(self, asked: Candidates, after: str, limit: int) -> list[str]:
        """Ids beyond `after`, in order: what is there now, and what is known by its past only."""
        parameters = Parameters()
        now = _where(asked, parameters, "id", "types", after)
        past = _where(asked, parameters, "entity_id", "string_to_array(types, E'\\x1f')", after)
        count = parameters.add(limit)
        sql = f"""
            SELECT id FROM (
              (SELECT id FROM entity WHERE {now} ORDER BY id LIMIT {count})
              UNION
              (SELECT DISTINCT entity_id FROM history WHERE op IN ('t', 'd') AND {past} ORDER BY entity_id LIMIT {count})
            ) AS both_of_them ORDER BY id LIMIT {count}
        """  # noqa: S608 - values only ever as parameters
        return [record["id"] for record in await self._fetch(sql, parameters.values)]

    async def _fetch(self, sql: str, values: list[Any]) -> list[asyncpg.Record]:
        return await fetch(self._pool, sql, values)


def _rows(record: asyncpg.Record) -> Rows:
    return Rows(record["seqs"], record["ops"], record["times"], record["changes"])


def _no_later(window: Window) -> datetime:
    """Nothing is modified or deleted before it is written; of other times the place in the table says nothing."""
    written = window.property in ("modifiedAt", "deletedAt") and window.high
    return from_iso(window.high) if written and window.high else datetime.max.replace(tzinfo=UTC)


def _where(asked: Candidates, parameters: Parameters, identifier: str, types: str, after: str) -> str:
    terms = [f"{identifier} > {parameters.add(after)}"]
    if asked.ids:
        terms.append(f"{identifier} = ANY({parameters.add(list(asked.ids))}::text[])")
    if asked.id_pattern:
        terms.append(f"{identifier} ~ {parameters.add(asked.id_pattern)}")
    if asked.types:
        terms.append(f"{types} && {parameters.add(list(asked.types))}::text[]")
    return " AND ".join(terms)
