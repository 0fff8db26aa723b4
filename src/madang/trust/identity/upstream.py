"""Other OpenID providers whose people may sign in here, and which of their subjects is which of our people."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from madang.base.errors import Conflict, NotFound
from madang.engine.sealing import Seal
from madang.trust.identity.secrets import new_id


@dataclass(frozen=True)
class Upstream:
    """Where we are `client_id`; `secret` is ours there. Who comes from it for the first time gets `roles`; nobody does without any."""

    id: str
    name: str
    issuer: str
    client_id: str
    secret: str
    roles: frozenset[str]


class Upstreams:
    """The register."""

    def __init__(self, pool: asyncpg.Pool, seal: Seal) -> None:
        self._pool, self._seal = pool, seal

    async def every(self) -> list[Upstream]:
        """By name."""
        return [self._of(row) for row in await self._pool.fetch("SELECT * FROM identity_provider ORDER BY name, id")]

    async def find(self, upstream_id: str) -> Upstream:
        """Raises NotFound."""
        row = await self._pool.fetchrow("SELECT * FROM identity_provider WHERE id = $1", upstream_id)
        if row is None:
            raise NotFound("no such provider")
        return self._of(row)

    async def add(self, name: str, issuer: str, client_id: str, secret: str, roles: frozenset[str]) -> Upstream:
        upstream_id = new_id()
        sealed = self._seal.close_bytes(secret, f"upstream:{upstream_id}")
        sql = (
            "INSERT INTO identity_provider (id, name, issuer, client_id, secret, roles) VALUES ($1, $2, $3, $4, $5, $6)"
        )
        await self._pool.execute(sql, upstream_id, name, issuer, client_id, sealed, sorted(roles))
        return Upstream(upstream_id, name, issuer, client_id, secret, roles)

    async def remove(self, upstream_id: str) -> None:
        """With the links to it: its people stay, and sign in otherwise."""
        await self._pool.execute("DELETE FROM identity_provider WHERE id = $1", upstream_id)

    async def linked(self, upstream_id: str, subject: str) -> str | None:
        """Who of ours that is."""
        sql = "SELECT person FROM identity_link WHERE provider = $1 AND subject = $2"
        found: str | None = await self._pool.fetchval(sql, upstream_id, subject)
        return found

    async def link(self, upstream_id: str, subject: str, person_id: str) -> None:
        """Raises Conflict when somebody else is."""
        sql = "INSERT INTO identity_link (provider, subject, person) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1"
        if not await self._pool.fetchval(sql, upstream_id, subject, person_id):
            raise Conflict("this account is linked already")

    def _of(self, row: asyncpg.Record) -> Upstream:
        secret = self._seal.open_bytes(row["secret"], f"upstream:{row['id']}")
        return Upstream(row["id"], row["name"], row["issuer"], row["client_id"], secret, frozenset(row["roles"]))
