"""What happened since a place in the log, in commit order: the table `history` read as the outbox that it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from madang.base.clock import Clock, SystemClock
from madang.base.errors import Gone
from madang.base.limits import CHANGES_REPLAY_MAX_AGE_S, CHANGES_REPLAY_ROWS
from madang.bus.courier import recorded_of
from madang.engine.database import fetch
from madang.model.change import Change

_TOP = "SELECT coalesce(max(seq), 0) AS top FROM history"
_NEXT_AT = "SELECT at FROM history WHERE seq > $1 ORDER BY seq LIMIT 1"
# By places, not by LIMIT: a question costs the same however few of the rows are of the asked types.
_SOME = """
SELECT seq, op, entity_id, types, at, change, NULL AS before FROM history
WHERE seq > $1 AND seq <= $2 AND op <> 't' AND string_to_array(types, E'\\x1f') && $3::text[] ORDER BY seq
"""


@dataclass(frozen=True)
class Portion:
    """All changes up to the place `upto`; `last`: there was nothing behind it when it was read."""

    changes: list[Change]
    upto: int
    last: bool


class Outbox:
    """Reads of one tenant's log."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock | None = None) -> None:
        self._pool, self._clock = pool, clock or SystemClock()

    async def top(self) -> int:
        """The place of the present."""
        return int((await fetch(self._pool, _TOP, []))[0]["top"])

    async def check(self, after: int, not_before: datetime | None = None) -> None:
        """Raises Gone when what came right after that place is older than CHANGES_REPLAY_MAX_AGE_S or than `not_before`, and when the log
        never came so far."""
        oldest = self._clock.now() - timedelta(seconds=CHANGES_REPLAY_MAX_AGE_S)
        oldest = oldest if not_before is None else max(oldest, not_before)
        following = await fetch(self._pool, _NEXT_AT, [after])
        if (following and following[0]["at"] < oldest) or (not following and after > await self.top()):
            raise Gone(f"what happened right after {after} is not told any more", top=await self.top())

    async def after(self, place: int, types: Sequence[str]) -> Portion:
        """Changes of entities of one of these types."""
        top = await self.top()
        upto = min(top, place + CHANGES_REPLAY_ROWS)
        records = await fetch(self._pool, _SOME, [place, upto, list(types)]) if upto > place else []
        return Portion([recorded_of(record).change for record in records], max(upto, place), upto >= top)
