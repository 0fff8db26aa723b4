"""What was granted: codes that count once, refresh tokens that are changed with each use, and their end together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from authlib.oauth2.rfc6749.errors import InvalidGrantError
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from madang.base.clock import Clock
from madang.base.limits import (
    ACCESS_TOKEN_LIFETIME_S,
    AUTHORIZATION_CODE_LIFETIME_S,
    GRANT_LIFETIME_S,
    REFRESH_TOKEN_LIFETIME_S,
)
from madang.trust.identity.endings import tell_ended
from madang.trust.identity.secrets import hashed, new_id, new_secret

_SHORT_S = AUTHORIZATION_CODE_LIFETIME_S + 2 * ACCESS_TOKEN_LIFETIME_S
_COLUMNS = "id, client, person, session, scopes, methods, signed_in_at, nonce, claims, userinfo"


@dataclass(frozen=True)
class Grant:
    """`person` None for a client's own. `session` in which it was given; `claims` and `userinfo` asked for by name."""

    id: str
    client: str
    person: str | None
    session: str | None
    scopes: frozenset[str]
    methods: tuple[str, ...]
    signed_in_at: datetime | None
    nonce: str | None
    claims: tuple[str, ...]
    userinfo: tuple[str, ...]


class Reused(InvalidGrantError):  # type: ignore[misc]
    """A code or refresh token came a second time: somebody else holds it, and the grant has ended. `grant` is its id."""

    def __init__(self, grant: str) -> None:
        super().__init__("this was used before: all that came of it has ended")
        self.grant = grant


def grant_of(row: Any) -> Grant:
    tuples = {name: tuple(row[name]) for name in ("methods", "claims", "userinfo")}
    return Grant(**{**dict(row), **tuples, "scopes": frozenset(row["scopes"])})


class Grants:
    """The register."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def consented(self, person_id: str, client_id: str) -> frozenset[str]:
        sql = "SELECT scopes FROM oauth_consent WHERE person = $1 AND client = $2"
        return frozenset(await self._pool.fetchval(sql, person_id, client_id) or ())

    async def consent(self, person_id: str, client_id: str, scopes: Iterable[str]) -> None:
        """Further scopes of what the client may."""
        sql = (
            "INSERT INTO oauth_consent (person, client, scopes) VALUES ($1, $2, $3) ON CONFLICT (person, client) DO UPDATE"
            " SET scopes = ARRAY(SELECT DISTINCT unnest(oauth_consent.scopes || excluded.scopes) ORDER BY 1)"
        )
        await self._pool.execute(sql, person_id, client_id, sorted(scopes))

    async def of(self, person_id: str) -> list[tuple[str, str, frozenset[str]]]:
        """`(client, its name, scopes)` of what a person consented to."""
        sql = (
            "SELECT c.id, c.name, o.scopes FROM oauth_consent o JOIN oauth_client c ON c.id = o.client"
            " WHERE o.person = $1 AND c.ended_at IS NULL ORDER BY c.name, c.id"
        )
        return [(row["id"], row["name"], frozenset(row["scopes"])) for row in await self._pool.fetch(sql, person_id)]

    async def withdraw(self, person_id: str, client_id: str) -> None:
        """The consent, with all that came of it."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "DELETE FROM oauth_consent WHERE person = $1 AND client = $2", person_id, client_id
            )
            sql = "UPDATE oauth_grant SET ended_at = $3 WHERE person = $1 AND client = $2 AND ended_at IS NULL RETURNING id"
            ended = await connection.fetch(sql, person_id, client_id, self._clock.now())
            await tell_ended(connection, *(f"grant:{row['id']}" for row in ended))

    async def add(
        self, client: str, scopes: Iterable[str], person: str | None = None, session: str | None = None,
        methods: Iterable[str] = (), signed_in_at: datetime | None = None, nonce: str | None = None,
        claims: Iterable[str] = (), userinfo: Iterable[str] = (),
    ) -> Grant:  # fmt: skip
        """A new one; it outlives the session only with `offline_access`."""
        held = sorted(scopes)
        lifetime = GRANT_LIFETIME_S if "offline_access" in held else _SHORT_S
        now = self._clock.now()
        sql = (
            f"INSERT INTO oauth_grant ({_COLUMNS}, created_at, expires_at)"
            f" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING {_COLUMNS}"
        )
        row = await self._pool.fetchrow(
            sql, new_id(), client, person, session, held, list(methods), signed_in_at, nonce, list(claims),
            list(userinfo), now, now + timedelta(seconds=lifetime),
        )  # fmt: skip
        return grant_of(row)

    async def new_code(self, grant: Grant, redirect_uri: str, challenge: str) -> str:
        code = new_secret()
        expires = self._clock.now() + timedelta(seconds=AUTHORIZATION_CODE_LIFETIME_S)
        sql = "INSERT INTO oauth_code (hash, grant_id, redirect_uri, challenge, expires_at) VALUES ($1, $2, $3, $4, $5)"
        await self._pool.execute(sql, hashed(code), grant.id, redirect_uri, challenge, expires)
        return code

    async def take_code(self, code: str, client: str, redirect_uri: str | None, verifier: str) -> Grant:
        """What a code was given for. Raises InvalidGrantError; Reused ends the grant (RFC 6749, 4.1.2)."""
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                sql = "SELECT * FROM oauth_code WHERE hash = $1 FOR UPDATE"
                row = await connection.fetchrow(sql, hashed(code))
                grant = await self._alive(connection, row, client)
                if row["used_at"] is None:
                    if row["redirect_uri"] != redirect_uri:
                        raise InvalidGrantError("redirect_uri is not that of the request")
                    if not verifier.isascii() or create_s256_code_challenge(verifier) != row["challenge"]:
                        raise InvalidGrantError("code_verifier does not fit (RFC 7636)")
                    await connection.execute(
                        "UPDATE oauth_code SET used_at = $2 WHERE hash = $1", row["hash"], self._clock.now()
                    )
                    return grant
                await self._end(connection, grant.id)
            raise Reused(grant.id)

    async def new_refresh_token(self, grant_id: str) -> str:
        token = new_secret()
        expires = self._clock.now() + timedelta(seconds=REFRESH_TOKEN_LIFETIME_S)
        sql = "INSERT INTO oauth_refresh_token (hash, grant_id, expires_at) VALUES ($1, $2, $3)"
        await self._pool.execute(sql, hashed(token), grant_id, expires)
        return token

    async def take_refresh_token(self, token: str, client: str) -> Grant:
        """What a refresh token was given for; it is used up. Raises InvalidGrantError; Reused ends the family (RFC 9700, 4.14.2)."""
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                sql = "SELECT * FROM oauth_refresh_token WHERE hash = $1 FOR UPDATE"
                row = await connection.fetchrow(sql, hashed(token))
                grant = await self._alive(connection, row, client)
                if row["used_at"] is None:
                    await connection.execute(
                        "UPDATE oauth_refresh_token SET used_at = $2 WHERE hash = $1", row["hash"], self._clock.now()
                    )
                    return grant
                await self._end(connection, grant.id)
            raise Reused(grant.id)

    async def find_by_refresh_token(self, token: str) -> Grant | None:
        """For introspection: nothing is used up. None when it no longer counts."""
        sql = (
            f"SELECT {', '.join(f'g.{name}' for name in _COLUMNS.split(', '))} FROM oauth_refresh_token r"
            " JOIN oauth_grant g ON g.id = r.grant_id WHERE r.hash = $1 AND r.used_at IS NULL AND r.expires_at > $2"
            " AND g.ended_at IS NULL AND g.expires_at > $2"
        )
        row = await self._pool.fetchrow(sql, hashed(token), self._clock.now())
        return None if row is None else grant_of(row)

    async def find(self, grant_id: str) -> Grant | None:
        """One that still holds."""
        sql = f"SELECT {_COLUMNS} FROM oauth_grant WHERE id = $1 AND ended_at IS NULL AND expires_at > $2"
        row = await self._pool.fetchrow(sql, grant_id, self._clock.now())
        return None if row is None else grant_of(row)

    async def end(self, grant_id: str) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await self._end(connection, grant_id)

    async def revoke(self, jti: str, expires_at: datetime) -> None:
        """One access token alone."""
        async with self._pool.acquire() as connection, connection.transaction():
            sql = "INSERT INTO oauth_revoked (jti, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING"
            await connection.execute(sql, jti, expires_at)
            await tell_ended(connection, f"token:{jti}")

    async def sweep(self) -> None:
        """What has expired: its codes and refresh tokens go with it."""
        now = self._clock.now()
        await self._pool.execute("DELETE FROM oauth_revoked WHERE expires_at <= $1", now)
        await self._pool.execute("DELETE FROM oauth_device_code WHERE expires_at <= $1", now)
        await self._pool.execute(
            "DELETE FROM oauth_grant WHERE least(expires_at, ended_at + interval '1 day') <= $1", now
        )

    async def _alive(self, connection: Any, row: Any, client: str) -> Grant:
        """The grant of a code or refresh token of this client that has not expired. Raises InvalidGrantError."""
        if row is None or row["expires_at"] <= self._clock.now():
            raise InvalidGrantError("unknown or expired")
        sql = (
            f"SELECT {_COLUMNS} FROM oauth_grant WHERE id = $1 AND client = $2 AND ended_at IS NULL AND expires_at > $3"
        )
        found = await connection.fetchrow(sql, row["grant_id"], client, self._clock.now())
        if found is None:
            raise InvalidGrantError("unknown or ended")
        return grant_of(found)

    async def _end(self, connection: Any, grant_id: str) -> None:
        await connection.execute("UPDATE oauth_grant SET ended_at = $2 WHERE id = $1", grant_id, self._clock.now())
        await tell_ended(connection, f"grant:{grant_id}")
