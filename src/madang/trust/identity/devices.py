"""Devices and their credentials, for MQTT and HTTP: issued, changed with a time of grace, revoked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import BadRequest, Conflict, NotFound
from madang.base.limits import DEVICE_GRACE_MAX_S, DEVICE_TOPICS_MAX, DEVICES_MAX, IDENTITY_NAME_MAX_CHARS
from madang.trust.identity.endings import tell_ended
from madang.trust.identity.permissions import Permission, check_permissions, kept, read_permissions
from madang.trust.identity.secrets import hashed, new_secret

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,100}(/[A-Za-z0-9_-]{1,100}){1,3}")
_COLUMNS = "id, name, topics, permissions, created_at"


@dataclass(frozen=True)
class Device:
    """`topics` are those of MQTT below `city/<city>/`, such as `bin/7`: it tells there and below, and hears its commands.
    `permissions` are over HTTP."""

    id: str
    name: str
    topics: tuple[str, ...]
    created_at: datetime
    permissions: tuple[Permission, ...] = ()


def check_device(device_id: str, name: str, topics: Iterable[str]) -> None:
    """Raises BadRequest. No dots and wildcards, which mean something else to the broker."""
    listed = list(topics)
    if not _ID.fullmatch(device_id):
        raise BadRequest("id: 1 to 100 of a-z, A-Z, 0-9, _ and -, beginning with a letter or digit")
    if len(name) > IDENTITY_NAME_MAX_CHARS or not name.isprintable():
        raise BadRequest(f"name: at most {IDENTITY_NAME_MAX_CHARS} characters")
    if len(listed) > DEVICE_TOPICS_MAX or any(not _TOPIC.fullmatch(topic) for topic in listed):
        raise BadRequest(f"topics: at most {DEVICE_TOPICS_MAX}, each two to four names such as bin/7")
    if any(topic.split("/")[-1] == "command" for topic in listed):
        raise BadRequest("topics: a device hears commands, it gives none")


class Devices:
    """The register. An id is never given again."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def page(self, limit: int, after: str = "") -> list[Device]:
        """By id."""
        sql = f"SELECT {_COLUMNS} FROM device WHERE ended_at IS NULL AND id > $2 ORDER BY id LIMIT $1"
        return [_device_of(row) for row in await self._pool.fetch(sql, limit, after)]

    async def find(self, device_id: str) -> Device:
        """Raises NotFound, also for one that was revoked."""
        sql = f"SELECT {_COLUMNS} FROM device WHERE id = $1 AND ended_at IS NULL"
        row = await self._pool.fetchrow(sql, device_id)
        if row is None:
            raise NotFound("no such device")
        return _device_of(row)

    async def add(
        self, device_id: str, name: str, topics: Iterable[str], permissions: Sequence[Permission] = ()
    ) -> tuple[Device, str]:
        """The device, and its secret, which nobody sees again. Raises BadRequest, Conflict."""
        listed = sorted(set(topics))
        check_device(device_id, name, listed)
        check_permissions(permissions)
        if await self._pool.fetchval("SELECT count(*) FROM device WHERE ended_at IS NULL") >= DEVICES_MAX:
            raise BadRequest(f"a city has at most {DEVICES_MAX} devices")
        secret, now = new_secret(), self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            sql = (
                "INSERT INTO device (id, name, topics, permissions, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
                f" RETURNING {_COLUMNS}"
            )
            row = await connection.fetchrow(sql, device_id, name, listed, kept(permissions), now)
            if row is None:
                raise Conflict("there is or was such a device")
            await _keep(connection, device_id, secret, now)
        return _device_of(row), secret

    async def change(
        self, device_id: str, name: str, topics: Iterable[str], permissions: Sequence[Permission] = ()
    ) -> Device:
        """What is connected is told to come again. Raises NotFound, BadRequest."""
        listed = sorted(set(topics))
        check_device(device_id, name, listed)
        check_permissions(permissions)
        async with self._pool.acquire() as connection, connection.transaction():
            sql = (
                "UPDATE device SET name = $2, topics = $3, permissions = $4 WHERE id = $1 AND ended_at IS NULL"
                f" RETURNING {_COLUMNS}"
            )
            row = await connection.fetchrow(sql, device_id, name, listed, kept(permissions))
            if row is None:
                raise NotFound("no such device")
            await tell_ended(connection, f"device:{device_id}")
        return _device_of(row)

    async def rotate(self, device_id: str, grace_s: int) -> str:
        """A new secret; those before hold for `grace_s` more. Raises NotFound, BadRequest."""
        if not 0 <= grace_s <= DEVICE_GRACE_MAX_S:
            raise BadRequest(f"grace_s: 0 to {DEVICE_GRACE_MAX_S}")
        secret, now = new_secret(), self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("SELECT 1 FROM device WHERE id = $1 AND ended_at IS NULL", device_id):
                raise NotFound("no such device")
            sql = "UPDATE device_secret SET expires_at = least(expires_at, $2) WHERE device = $1"
            await connection.execute(sql, device_id, now + timedelta(seconds=grace_s))
            await connection.execute("DELETE FROM device_secret WHERE device = $1 AND expires_at <= $2", device_id, now)
            await _keep(connection, device_id, secret, now)
            await tell_ended(connection, f"device:{device_id}")
        return secret

    async def end(self, device_id: str) -> None:
        """Raises NotFound."""
        async with self._pool.acquire() as connection, connection.transaction():
            sql = "UPDATE device SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL RETURNING 1"
            if not await connection.fetchval(sql, device_id, self._clock.now()):
                raise NotFound("no such device")
            await connection.execute("DELETE FROM device_secret WHERE device = $1", device_id)
            await tell_ended(connection, f"device:{device_id}")

    async def authenticate(self, device_id: str, secret: str) -> tuple[Device, datetime | None] | None:
        """The device whose secret this is, and until when it holds."""
        sql = (
            "SELECT d.id, d.name, d.topics, d.permissions, d.created_at, s.expires_at FROM device_secret s JOIN device d ON d.id = s.device"
            " WHERE s.hash = $1 AND d.id = $2 AND d.ended_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > $3)"
        )
        row = await self._pool.fetchrow(sql, hashed(secret), device_id, self._clock.now())
        return None if row is None else (_device_of(row), row["expires_at"])


def _device_of(row: Any) -> Device:
    permissions = read_permissions(row["permissions"])
    return Device(row["id"], row["name"], tuple(row["topics"]), row["created_at"], permissions)


async def _keep(connection: Any, device_id: str, secret: str, now: datetime) -> None:
    sql = "INSERT INTO device_secret (hash, device, created_at) VALUES ($1, $2, $3)"
    await connection.execute(sql, hashed(secret), device_id, now)
