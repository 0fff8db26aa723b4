"""What people want to be told of, how they are reached, and what was sent, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from madang.base.clock import Clock
from madang.base.errors import NotFound, TooMany
from madang.base.limits import NOTICES_SHOWN, NOTIFY_WISHES_MAX, NOTIFY_WISHES_OF_ONE_MAX
from madang.operations.notifying.nouns import ROLES, Notice, Reach, Recipient, Wish, read_reach, read_wish

NOTICE = "id, key, entry, incident, step, severity, who, channel, state, attempts, made_at, next_at, done_at, error, simulated"
_PEOPLE = (
    "SELECT 'person:' || id AS who, roles, body FROM person LEFT JOIN notify_reach ON who = 'person:' || id"
    " WHERE ended_at IS NULL AND tenant = '' AND roles && $1"
)


@dataclass(frozen=True)
class KeptWish:
    id: int
    wish: Wish
    made_by: str
    made_at: datetime


def notice_of(row: Any) -> Notice:
    return Notice(**dict(row))


class NotifyBook:
    """The room's tables but for what is sent."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self.pool, self.clock = pool, clock

    async def wishes(self, who: str | None = None) -> list[KeptWish]:
        """Of all, or of one: a person or a role."""
        sql = "SELECT id, body, made_by, made_at FROM notify_wish WHERE $1::text IS NULL OR who = $1 ORDER BY id"
        rows = await self.pool.fetch(sql, who)
        return [KeptWish(row["id"], read_wish(row["body"]), row["made_by"], row["made_at"]) for row in rows]

    async def add(self, wish: Wish, by: str) -> int:
        """Raises TooMany."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE notify_wish IN SHARE ROW EXCLUSIVE MODE")
            sql = "SELECT count(*), count(*) FILTER (WHERE who = $1) FROM notify_wish"
            every, of_one = await connection.fetchrow(sql, wish.who)
            if every >= NOTIFY_WISHES_MAX or of_one >= NOTIFY_WISHES_OF_ONE_MAX:
                raise TooMany("there are as many wishes as there may be", reason="notify_wishes", wait_s=60)
            sql = "INSERT INTO notify_wish (who, body, made_by, made_at) VALUES ($1, $2, $3, $4) RETURNING id"
            body = msgspec.to_builtins(wish)
            return int(await connection.fetchval(sql, wish.who, body, by, self.clock.now()))

    async def remove(self, wish: int, who: str | None = None) -> None:
        """`who`: only one that is theirs. Raises NotFound."""
        sql = "DELETE FROM notify_wish WHERE id = $1 AND ($2::text IS NULL OR who = $2) RETURNING 1"
        if not await self.pool.fetchval(sql, wish, who):
            raise NotFound("no such wish")

    async def reach(self, who: str) -> Reach | None:
        """None of somebody who has not said."""
        body = await self.pool.fetchval("SELECT body FROM notify_reach WHERE who = $1", who)
        return None if body is None else read_reach(body)

    async def reach_by(self, who: str, reach: Reach) -> None:
        """From now on, also for what waits."""
        sql = (
            "INSERT INTO notify_reach (who, body) VALUES ($1, $2) ON CONFLICT (who) DO UPDATE SET body = excluded.body"
        )
        await self.pool.execute(sql, who, msgspec.to_builtins(reach))

    async def recipients(self) -> list[Recipient]:
        """Everybody who may be told and said how; by the roles they hold."""
        rows = await self.pool.fetch(_PEOPLE, list(ROLES))
        return [
            Recipient(row["who"], frozenset(row["roles"]), read_reach(row["body"]))
            for row in rows
            if row["body"] is not None
        ]

    async def notices(self, who: str | None = None) -> Sequence[Notice]:
        """The latest, of all or to one person."""
        sql = f"SELECT {NOTICE} FROM notice WHERE $1::text IS NULL OR who = $1 ORDER BY made_at DESC, id DESC LIMIT $2"
        return [notice_of(row) for row in await self.pool.fetch(sql, who, NOTICES_SHOWN)]
