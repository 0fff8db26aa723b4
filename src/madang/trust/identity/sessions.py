"""Sessions of people who signed in at our own pages: a cookie's secret, seen and ended by whom they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from madang.base.clock import Clock
from madang.base.limits import SESSION_IDLE_S, SESSION_LIFETIME_S, SESSIONS_MAX
from madang.trust.identity.endings import tell_ended
from madang.trust.identity.people import end_all
from madang.trust.identity.secrets import hashed, new_id, new_secret

_COLUMNS = "id, person, methods, signed_in_at, seen_at, expires_at, agent, address"


@dataclass(frozen=True)
class Session:
    """`methods` by which its person showed who they are (RFC 8176), at `signed_in_at`; `agent` and `address` as the browser told."""

    id: str
    person: str
    methods: tuple[str, ...]
    signed_in_at: datetime
    seen_at: datetime
    expires_at: datetime
    agent: str
    address: str


def is_alive(session: Session, now: datetime) -> bool:
    """Not past its end, and not idle for too long."""
    return now < session.expires_at and now - session.seen_at < timedelta(seconds=SESSION_IDLE_S)


def session_of(row: Any) -> Session:
    return Session(**{**dict(row), "methods": tuple(row["methods"])})


class Sessions:
    """The register of sessions."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def begin(self, person_id: str, methods: Sequence[str], agent: str, address: str) -> str:
        """The secret of a new session. Those beyond the limit end, the least recently seen first."""
        token, now = new_secret(), self._clock.now()
        sql = (
            "INSERT INTO sign_in_session (id, hash, person, methods, signed_in_at, seen_at, expires_at, agent, address)"
            " VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)"
        )
        expires = now + timedelta(seconds=SESSION_LIFETIME_S)
        await self._pool.execute(
            sql, new_id(), hashed(token), person_id, list(methods), now, expires, agent[:300], address[:100]
        )
        for over in (await self.of(person_id))[SESSIONS_MAX:]:
            await self.end(person_id, over.id)
        return token

    async def find(self, token: str) -> Session | None:
        """The session of a cookie, if it is alive."""
        sql = f"SELECT {_COLUMNS} FROM sign_in_session WHERE hash = $1 AND ended_at IS NULL"
        row = await self._pool.fetchrow(sql, hashed(token))
        found = None if row is None else session_of(row)
        return found if found is not None and is_alive(found, self._clock.now()) else None

    async def seen(self, session_id: str) -> None:
        sql = "UPDATE sign_in_session SET seen_at = $2 WHERE id = $1"
        await self._pool.execute(sql, session_id, self._clock.now())

    async def renew(self, session: Session, methods: Sequence[str]) -> str:
        """A further factor was shown, or the person signed in again: a new secret for the same session."""
        token = new_secret()
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "UPDATE sign_in_session SET hash = $2, methods = $3, signed_in_at = $4, seen_at = $4 WHERE id = $1",
                session.id, hashed(token), list(methods), self._clock.now(),
            )  # fmt: skip
            await tell_ended(connection, f"session:{session.id}")
        return token

    async def of(self, person_id: str) -> list[Session]:
        """Those that are alive, the latest seen first."""
        sql = f"SELECT {_COLUMNS} FROM sign_in_session WHERE person = $1 AND ended_at IS NULL ORDER BY seen_at DESC, id"
        now = self._clock.now()
        return [one for one in map(session_of, await self._pool.fetch(sql, person_id)) if is_alive(one, now)]

    async def end(self, person_id: str, session_id: str) -> None:
        """With what was granted in it. One that is not theirs is none."""
        async with self._pool.acquire() as connection, connection.transaction():
            sql = "UPDATE sign_in_session SET ended_at = $3 WHERE id = $1 AND person = $2 AND ended_at IS NULL RETURNING 1"
            if await connection.fetchval(sql, session_id, person_id, self._clock.now()) is None:
                return
            sql = (
                "UPDATE oauth_grant SET ended_at = $2 WHERE session = $1 AND ended_at IS NULL"
                " AND NOT 'offline_access' = ANY (scopes) RETURNING id"
            )
            grants = await connection.fetch(sql, session_id, self._clock.now())
            await tell_ended(connection, f"session:{session_id}", *(f"grant:{row['id']}" for row in grants))

    async def end_all(self, person_id: str) -> None:
        """Every session and grant of a person."""
        async with self._pool.acquire() as connection, connection.transaction():
            await end_all(connection, person_id, self._clock)
