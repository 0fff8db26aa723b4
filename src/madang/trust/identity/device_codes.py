"""The device authorization grant (RFC 8628): a kiosk shows a short code, a person says yes elsewhere."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from authlib.oauth2.rfc6749.errors import AccessDeniedError, InvalidGrantError
from authlib.oauth2.rfc8628.errors import AuthorizationPendingError, ExpiredTokenError, SlowDownError

from madang.base.clock import Clock
from madang.base.errors import NotFound
from madang.base.limits import DEVICE_CODE_INTERVAL_S, DEVICE_CODE_LIFETIME_S
from madang.trust.identity.secrets import hashed, new_secret

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # 6.1: no vowels, so no words
_GROUP, _GROUPS = 4, 2


@dataclass(frozen=True)
class Waiting:
    """A kiosk that waits for a person's yes."""

    client: str
    name: str
    scopes: frozenset[str]


def new_user_code() -> str:
    """`WDJB-MJHT`: 20^8, of which few are valid and attempts are counted."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


def read_user_code(text: str) -> str:
    """As it was shown, whatever a person typed between its letters."""
    letters = "".join(one for one in text.upper() if one in _LETTERS)
    return f"{letters[:_GROUP]}-{letters[_GROUP:]}"


def polled_too_soon(asked_at: datetime | None, interval_s: int, now: datetime) -> bool:
    return asked_at is not None and now - asked_at < timedelta(seconds=interval_s)


class DeviceCodes:
    """The register of what waits."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def begin(self, client: str, scopes: frozenset[str]) -> tuple[str, str]:
        """`(device_code, user_code)`."""
        code, user_code = new_secret(), new_user_code()
        expires = self._clock.now() + timedelta(seconds=DEVICE_CODE_LIFETIME_S)
        sql = (
            "INSERT INTO oauth_device_code (hash, user_code, client, scopes, interval_s, expires_at)"
            " VALUES ($1, $2, $3, $4, $5, $6)"
        )
        await self._pool.execute(sql, hashed(code), user_code, client, sorted(scopes), DEVICE_CODE_INTERVAL_S, expires)
        return code, user_code

    async def find(self, user_code: str) -> Waiting:
        """Who waits with this code. Raises NotFound."""
        sql = (
            "SELECT d.client, c.name, d.scopes FROM oauth_device_code d JOIN oauth_client c ON c.id = d.client WHERE d.user_code = $1"
            " AND d.expires_at > $2 AND d.grant_id IS NULL AND NOT d.refused AND c.ended_at IS NULL"
        )
        row = await self._pool.fetchrow(sql, read_user_code(user_code), self._clock.now())
        if row is None:
            raise NotFound("no device waits with this code", reason="user_code_unknown")
        return Waiting(row["client"], row["name"], frozenset(row["scopes"]))

    async def answer(self, user_code: str, grant_id: str | None) -> None:
        """A person's yes, as the grant; None for no."""
        sql = "UPDATE oauth_device_code SET grant_id = $2, refused = $3 WHERE user_code = $1"
        await self._pool.execute(sql, read_user_code(user_code), grant_id, grant_id is None)

    async def poll(self, code: str, client: str) -> str:
        """The id of the grant, once. Raises what RFC 8628, 3.5 names."""
        now = self._clock.now()
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                sql = "SELECT * FROM oauth_device_code WHERE hash = $1 AND client = $2 FOR UPDATE"
                row = await connection.fetchrow(sql, hashed(code), client)
                soon = row is not None and polled_too_soon(row["asked_at"], row["interval_s"], now)
                if row is not None and not soon and row["grant_id"] is not None and row["expires_at"] > now:
                    await connection.execute("DELETE FROM oauth_device_code WHERE hash = $1", row["hash"])
                    return str(row["grant_id"])
                if row is not None:
                    sql = "UPDATE oauth_device_code SET asked_at = $2, interval_s = interval_s + $3 WHERE hash = $1"
                    await connection.execute(sql, row["hash"], now, DEVICE_CODE_INTERVAL_S if soon else 0)
            raise _refusal(row, soon, now)


def _refusal(row: Any, soon: bool, now: datetime) -> Any:
    if row is None:
        return InvalidGrantError("unknown device_code")
    if row["expires_at"] <= now:
        return ExpiredTokenError()
    if row["refused"]:
        return AccessDeniedError("the person said no")
    return SlowDownError() if soon else AuthorizationPendingError()
