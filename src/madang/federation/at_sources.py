"""Our subscriptions at other brokers, in PostgreSQL, and what they told of them until it is told on."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

import asyncpg
import msgspec

from madang.base.errors import NotFound, Unavailable
from madang.base.limits import NOTIFY_QUEUE_MAX
from madang.context.mailbox import FROM_SOURCES
from madang.engine.sealing import seal_of_city

_ENCODE = msgspec.json.Encoder().encode
_KEEP = """
INSERT INTO notification (subscription_id, seq, entity_id, data)
SELECT s.id, nextval('notice_from_source'), t.entity_id, t.data
FROM subscription AS s CROSS JOIN unnest($2::text[], $3::json[]) AS t(entity_id, data) WHERE s.id = $1
"""
_INSERT = """
INSERT INTO subscription_at_source (id, token, token_hash, subscription_id, registration_id, key, registration)
SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::json[])
"""
_TURN = 4_620_118


@dataclass
class Lease:
    """One subscription at a source. `expires_at` is the latest end it was told, None while it was told nothing."""

    subscription_id: str
    registration_id: str
    key: str
    registration: Any
    id: str = field(default_factory=lambda: f"urn:ngsi-ld:Subscription:{uuid.uuid4()}")
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    expires_at: datetime | None = None
    taken: bool = False
    wanted: bool = True


class AtSources:
    """Tokens and what registrations hold of secrets are sealed. Raises one of LOST, but for what is said."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool, self._seal = pool, seal_of_city()

    async def every(self) -> list[Lease]:
        names = "subscription_id, registration_id, key, registration, id, token, expires_at, taken, wanted"
        records = await self._pool.fetch(f"SELECT {names} FROM subscription_at_source")  # noqa: S608
        return [self._opened(Lease(*record)) for record in records]

    def _opened(self, lease: Lease) -> Lease:
        lease.registration = self._seal.open_body(lease.registration, lease.id)
        lease.token = self._seal.open(lease.token, lease.id)
        return lease

    def _sealed(self, one: Lease) -> tuple[Any, ...]:
        token, registration = self._seal.close(one.token, one.id), self._seal.close_body(one.registration, one.id)
        parts = (one.subscription_id, one.registration_id, one.key, _ENCODE(registration))
        return (one.id, token, hash_of(one.token), *parts)

    async def add(self, leases: list[Lease]) -> None:
        """On disk before the source hears of it, so that it can be ended whatever happens."""
        rows = [self._sealed(one) for one in leases]
        if rows:
            await self._pool.execute(_INSERT, *map(list, zip(*rows, strict=True)))

    async def note(self, lease: Lease) -> None:
        sql = "UPDATE subscription_at_source SET expires_at = $2, taken = $3 WHERE id = $1"
        await self._pool.execute(sql, lease.id, lease.expires_at, lease.taken)

    async def unwant(self, ids: list[str]) -> None:
        if ids:
            await self._pool.execute("UPDATE subscription_at_source SET wanted = false WHERE id = ANY($1)", ids)

    async def forget(self, identifier: str) -> None:
        await self._pool.execute("DELETE FROM subscription_at_source WHERE id = $1", identifier)

    async def behind(self, token: str) -> tuple[str, str]:
        """`(subscription, registration)` that a source tells of at this token. Raises NotFound."""
        sql = "SELECT subscription_id, registration_id FROM subscription_at_source WHERE token_hash = $1 AND wanted"
        record = await self._pool.fetchrow(sql, hash_of(token))
        if record is None:
            raise NotFound("nothing is told here")
        return record["subscription_id"], record["registration_id"]

    async def keep(self, subscription: str, told: list[tuple[str, Any]]) -> None:
        """`(entity id, data)` as the subscriber will read it, on disk when it returns. Raises Unavailable when too much waits."""
        async with self._pool.acquire() as connection, connection.transaction():
            # In turn, so that numbers appear in their order and who reads behind a number misses none.
            await connection.execute("SELECT pg_advisory_xact_lock($1, hashtext(current_schema()))", _TURN)
            count = "SELECT count(*) FROM notification WHERE subscription_id = $1 AND seq >= $2"
            if await connection.fetchval(count, subscription, FROM_SOURCES) >= NOTIFY_QUEUE_MAX:
                raise Unavailable("the subscriber does not keep up")
            await connection.execute(_KEEP, subscription, [one for one, _ in told], [_ENCODE(data) for _, data in told])


def hash_of(token: str) -> bytes:
    """As a token is looked up: SHA-256, 32 bytes; nobody can guess what is random."""
    return sha256(token.encode()).digest()
