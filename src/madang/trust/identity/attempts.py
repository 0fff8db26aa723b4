"""Attempts to sign in, counted by login before they are judged, so that many at once are not heard together."""

from __future__ import annotations

from datetime import timedelta

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import TooMany
from madang.base.limits import SIGN_IN_FORGET_S
from madang.trust.identity.lockout import heard_at
from madang.trust.identity.secrets import hashed


class Attempts:
    """The register, of accounts that are there and of those that are not alike: nobody learns which are."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def count(self, login: str) -> None:
        """One more, taken for a failure until `succeeded`. Raises TooMany with `wait_s` while none is heard."""
        now, key = self._clock.now(), hashed(login)
        async with self._pool.acquire() as connection, connection.transaction():
            sql = "INSERT INTO sign_in_attempt (login, failures, failed_at) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING"
            await connection.execute(sql, key, now)
            sql = "SELECT failures, failed_at FROM sign_in_attempt WHERE login = $1 FOR UPDATE"
            failures, failed_at = await connection.fetchrow(sql, key)
            heard = heard_at(failures, failed_at)
            if heard is not None and heard > now:
                wait_s = round((heard - now).total_seconds())
                raise TooMany("too many wrong attempts: wait, or use a passkey", reason="locked", wait_s=wait_s)
            sql = "UPDATE sign_in_attempt SET failures = failures + 1, failed_at = $2 WHERE login = $1"
            await connection.execute(sql, key, now)

    async def succeeded(self, login: str) -> None:
        await self._pool.execute("DELETE FROM sign_in_attempt WHERE login = $1", hashed(login))

    async def sweep(self) -> None:
        """What nobody tried again for SIGN_IN_FORGET_S."""
        old = self._clock.now() - timedelta(seconds=SIGN_IN_FORGET_S)
        await self._pool.execute("DELETE FROM sign_in_attempt WHERE failed_at < $1", old)
