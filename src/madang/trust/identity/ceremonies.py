"""What is between two requests of one ceremony (WebAuthn challenge, first factor, way out to another provider): kept once, taken once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import BadRequest
from madang.base.limits import CEREMONY_LIFETIME_S
from madang.trust.identity.secrets import hashed, new_secret


class Ceremonies:
    """The register of what has begun."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def begin(self, kind: str, about: dict[str, Any]) -> str:
        """The secret by which it goes on, within CEREMONY_LIFETIME_S."""
        token = new_secret()
        expires = self._clock.now() + timedelta(seconds=CEREMONY_LIFETIME_S)
        sql = "INSERT INTO ceremony (hash, kind, about, expires_at) VALUES ($1, $2, $3, $4)"
        await self._pool.execute(sql, hashed(token), kind, about, expires)
        return token

    async def look(self, kind: str, token: str) -> dict[str, Any]:
        """What it is about; it goes on. Raises BadRequest."""
        sql = "SELECT about FROM ceremony WHERE hash = $1 AND kind = $2 AND expires_at > $3"
        return _known(await self._pool.fetchval(sql, hashed(token), kind, self._clock.now()))

    async def take(self, kind: str, token: str) -> dict[str, Any]:
        """What it is about; it ends. Raises BadRequest."""
        sql = "DELETE FROM ceremony WHERE hash = $1 AND kind = $2 AND expires_at > $3 RETURNING about"
        return _known(await self._pool.fetchval(sql, hashed(token), kind, self._clock.now()))

    async def sweep(self) -> None:
        await self._pool.execute("DELETE FROM ceremony WHERE expires_at <= $1", self._clock.now())


def _known(about: dict[str, Any] | None) -> dict[str, Any]:
    if about is None:
        raise BadRequest("this took too long, or was done already: begin again", reason="ceremony_gone")
    return about
