"""The log as a film: where a moment stands in it, what was last said before, and what was said between two moments.

No index by time is kept for this: places in the log grow with time, so a moment is found by halving.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import asyncpg

from madang.base.clock import Clock, SystemClock, from_iso
from madang.base.errors import BadRequest
from madang.base.limits import REPLAY_LOOK_BACK_S, REPLAY_MAX_AGE_S, REPLAY_ROWS_MAX
from madang.bus.courier import recorded_of
from madang.engine.database import fetch
from madang.model.change import Change

_ENDS = "SELECT coalesce(min(seq), 0) AS first, coalesce(max(seq), 0) AS last FROM history"
_NEXT = "SELECT seq, at FROM history WHERE seq >= $1 ORDER BY seq LIMIT 1"
_ROWS = """
SELECT seq, op, entity_id, types, at, change, NULL AS before FROM history
WHERE seq > $1 AND seq <= $2 AND op <> 't' AND string_to_array(types, E'\\x1f') && $3::text[] ORDER BY seq LIMIT $4
"""


class Replay:
    """Reads of one tenant's log."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock | None = None) -> None:
        self._pool, self._clock = pool, clock or SystemClock()

    async def span(self) -> tuple[datetime, datetime]:
        """From when to when there is something to be seen: a day at most."""
        now = self._clock.now()
        first = await fetch(self._pool, _NEXT, [0])
        oldest = now - timedelta(seconds=REPLAY_MAX_AGE_S)
        return (max(first[0]["at"], oldest) if first else now), now

    async def place(self, at: datetime) -> int:
        """The last place whose change happened at that moment or before. Raises BadRequest for what is too long ago."""
        if self._clock.now() - at > timedelta(seconds=REPLAY_MAX_AGE_S + REPLAY_LOOK_BACK_S):
            raise BadRequest(f"a replay goes {REPLAY_MAX_AGE_S // 3600} hours back at most")
        ends = (await fetch(self._pool, _ENDS, []))[0]
        low, high = int(ends["first"]) - 1, int(ends["last"])
        while low < high:
            middle = (low + high + 1) // 2
            found = await fetch(self._pool, _NEXT, [middle])
            if found and found[0]["at"] <= at:
                low = max(middle, int(found[0]["seq"]))
            else:
                high = middle - 1
        return max(low, 0)

    async def said_before(self, at: datetime, types: Sequence[str]) -> list[Change]:
        """What entities of these types said in the REPLAY_LOOK_BACK_S up to a moment, each folded into one change."""
        upto = await self.place(at)
        begin = await self.place(at - timedelta(seconds=REPLAY_LOOK_BACK_S))
        rows = await self._rows(begin, upto, types)
        return await asyncio.to_thread(folded, rows, None)

    async def between(
        self, since: datetime, until: datetime, types: Sequence[str], every_s: float
    ) -> tuple[list[Change], datetime]:
        """Changes after `since` up to `until`, those of one entity within `every_s` folded, in the order in which each ended; and up to
        when they are whole: earlier than asked where there are more than REPLAY_ROWS_MAX."""
        rows = await self._rows(await self.place(since), await self.place(until), types)
        told = rows[-1]["at"] if len(rows) >= REPLAY_ROWS_MAX else until
        return await asyncio.to_thread(folded, rows, every_s), told

    async def _rows(self, after: int, upto: int, types: Sequence[str]) -> list[asyncpg.Record]:
        return await fetch(self._pool, _ROWS, [after, upto, list(types), REPLAY_ROWS_MAX])


def folded(rows: Iterable[asyncpg.Record], every_s: float | None) -> list[Change]:
    """One change of an entity for each `every_s` (None: one in all; 0: each by itself). An end is a change of its own: what comes after
    begins anew."""
    open_: dict[str, tuple[float, Change]] = {}
    done: list[Change] = []
    for row in rows:
        change = recorded_of(row).change
        bucket = _bucket(change, every_s)
        before = open_.get(change.id)
        if before is None or before[0] != bucket or "d" in (change.op, before[1].op):
            if before is not None:
                done.append(before[1])
            open_[change.id] = bucket, change
        else:
            later = before[1]
            later.change.update(change.change)
            later.seq, later.at = change.seq, change.at
    done += [change for _, change in open_.values()]
    return sorted(done, key=lambda change: change.seq)


def _bucket(change: Change, every_s: float | None) -> float:
    if not every_s:
        return 0.0 if every_s is None else change.seq
    return from_iso(change.at).timestamp() // every_s
