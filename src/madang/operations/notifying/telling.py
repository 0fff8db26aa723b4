"""The log of incidents becomes messages: each line is decided upon once, whatever is killed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from madang.base.limits import NOTICE_KEEP_DAYS, NOTICE_LATE_S, NOTICE_STEPS_A_LOOK
from madang.operations.incidents.rows import COLUMNS, ENTRY, entry_of, incident_of
from madang.operations.notifying import decide
from madang.operations.notifying.book import NotifyBook
from madang.operations.notifying.nouns import Recipient, Step, Telling, Wish

_NEW = (
    f"SELECT {ENTRY} FROM incident_entry WHERE what IN ('opened', 'graded', 'escalated') AND at > $1"
    " AND NOT EXISTS (SELECT 1 FROM notice_seen WHERE entry = incident_entry.id) ORDER BY id LIMIT $2"
)
_SEEN = "INSERT INTO notice_seen (entry) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1"
_MADE = (
    "INSERT INTO notice (entry, incident, step, severity, who, channel, state, made_at, next_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)"
)
_COUNTS = "SELECT who, channel, count(*) FROM notice WHERE made_at > $1 AND state <> 'bounded' GROUP BY who, channel"
_FORGET = (
    "DELETE FROM notice WHERE made_at < $1 AND state <> 'waiting'",
    "DELETE FROM notice_seen USING incident_entry WHERE entry = incident_entry.id AND at < $1",
    "DELETE FROM notify_reach USING person WHERE who = 'person:' || id AND ended_at < $1",
    "DELETE FROM notify_wish USING person WHERE who = 'person:' || person.id AND ended_at < $1",
)


class Teller:
    """Decides who is told. `zone`: the city's."""

    def __init__(self, book: NotifyBook, zone: ZoneInfo) -> None:
        self._book, self._zone = book, zone

    async def once(self) -> bool:
        """Whether there may be more. What is older than `NOTICE_LATE_S` is told to nobody any more."""
        since = self._book.clock.now() - timedelta(seconds=NOTICE_LATE_S)
        rows = await self._book.pool.fetch(_NEW, since, NOTICE_STEPS_A_LOOK)
        wishes = [one.wish for one in await self._book.wishes()] if rows else []
        people = await self._book.recipients() if rows else []
        for row in rows:
            async with self._book.pool.acquire() as connection, connection.transaction():
                if await connection.fetchval(_SEEN, row["id"]):
                    await self._decide(connection, row, wishes, people)
        return len(rows) == NOTICE_STEPS_A_LOOK

    async def _decide(
        self, connection: asyncpg.Connection, row: Any, wishes: list[Wish], people: list[Recipient]
    ) -> None:
        entry, now = entry_of(row), self._book.clock.now()
        found = await connection.fetchrow(f"SELECT {COLUMNS} FROM incident WHERE id = $1", entry.incident)
        step = decide.step_of(entry, incident_of(found))
        if step is not None:
            local = now.astimezone(self._zone).time()
            await self._make(connection, step, decide.told(step, wishes, people, local))

    async def _make(self, connection: asyncpg.Connection, step: Step, tellings: list[Telling]) -> None:
        now = self._book.clock.now()
        rows = await connection.fetch(_COUNTS, now - timedelta(hours=1))
        counts = {(row["who"], row["channel"]): row["count"] for row in rows}
        made = [
            (step.entry, step.incident, step.name, step.severity, one.who, one.channel,
             decide.first_state(one, counts), now)
            for one in tellings
        ]  # fmt: skip
        await connection.executemany(_MADE, made)

    async def tidy(self) -> None:
        """What was sent long ago is forgotten, and whose account has ended at once."""
        now = self._book.clock.now()
        for sql, days in zip(_FORGET, (NOTICE_KEEP_DAYS, 1, 0, 0), strict=True):
            await self._book.pool.execute(sql, now - timedelta(days=days))
