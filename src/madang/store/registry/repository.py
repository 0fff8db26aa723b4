"""The store's TUF metadata in PostgreSQL: each publication is one transaction, so no client ever sees half of one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import asyncpg
from tuf.api.metadata import Metadata, Signed

from madang.base.clock import Clock
from madang.base.errors import NotFound
from madang.store.registry.documents import (
    LIFETIMES,
    YANKED,
    PublishedRole,
    encode,
    root_of,
    snapshot_of,
    targets_of,
    timestamp_of,
    yanked_of,
)
from madang.store.registry.keys import StoreKeys

_LOCK = 0x4D41_5354
_LATEST = "SELECT version, body FROM store_role WHERE name = $1 ORDER BY version DESC LIMIT 1"
_ROLES = """SELECT DISTINCT ON (r.name) r.name, r.version, r.body,
    ARRAY(SELECT k.public FROM store_key k WHERE k.publisher = r.name AND k.revoked_at IS NULL ORDER BY k.proved_at) AS keys
  FROM store_role r JOIN store_publisher p ON p.id = r.name ORDER BY r.name, r.version DESC"""
_YANKED = (
    "SELECT publisher || '/' || app || '-' || version || '.madang' AS path FROM store_release WHERE state = 'yanked'"
)


class Repository:
    """Metadata and packages as they are served. `keys` sign what is the store's."""

    def __init__(self, pool: asyncpg.Pool, keys: StoreKeys, clock: Clock) -> None:
        self._pool, self._keys, self._clock = pool, keys, clock

    async def found(self) -> bytes:
        """The first root, which a client starts to trust with; made, with all other roles, in a store that has none."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            first = await connection.fetchval("SELECT body FROM store_role WHERE name = 'root' AND version = 1")
            if first is None:
                first = await self._root(connection, 1)
                await self.publish(connection)
        return bytes(first)

    async def published_role(self, connection: Any, publisher: str) -> PublishedRole | None:
        """What a publisher's clients see by now."""
        row = await connection.fetchrow(_LATEST, publisher)
        return None if row is None else PublishedRole(publisher, (), row["version"], row["body"])

    async def publish(self, connection: Any, role: tuple[str, int, bytes] | None = None) -> None:
        """Everything anew from what the tables say, within the caller's transaction; `role`: name, version and body of what a
        publisher signed."""
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        self._keys.reload()
        if role is not None:
            await self._insert(connection, *role)
        now = self._clock.now()
        roles = [
            PublishedRole(row["name"], tuple(row["keys"]), row["version"], row["body"])
            for row in await connection.fetch(_ROLES)
            if row["keys"]
        ]
        yanked = [row["path"] for row in await connection.fetch(_YANKED)]
        versions = {one.publisher: one.version for one in roles}
        version = await self._next(connection, "targets")
        store_key = self._keys["targets"].public_key
        await self._put(connection, "targets", targets_of(roles, yanked, store_key, version, now))
        if yanked:
            versions[YANKED] = await self._next(connection, YANKED)
            await self._put(connection, YANKED, yanked_of(versions[YANKED], now))
        await self._snapshot(connection, versions | {"targets": version}, now)

    async def refresh(self) -> None:
        """Signs anew what has used up half of its life: timestamps, snapshots, targets, and root; and with new keys, if some were
        asked for."""
        self._keys.reload()
        await self._rotate()
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            root = await self._latest(connection, "root")
            if self._is_old("root", root) and "root" in self._keys:
                await self._root(connection, root.version + 1)
            due = [name for name in ("targets", "snapshot") if self._is_old(name, await self._latest(connection, name))]
            if due:
                await self.publish(connection)
            elif self._is_old("timestamp", await self._latest(connection, "timestamp")):
                await self._timestamp(connection, self._clock.now())

    async def _rotate(self) -> None:
        """Keys that were asked for are taken with a root that both those before and they sign (TUF 1.0.34, clause 6.1), and sign all
        there is, at once. Without root's key they wait. Who dies before the files are in their place does it again."""
        before, new = self._keys, self._keys.waiting()
        if new is None or "root" not in before:
            return
        self._keys = new
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
                version = (await self._latest(connection, "root")).version + 1
                root = root_of(new, version, self._clock.now())
                both = {one.public_key.keyid: one for one in (before["root"], new["root"])}
                await self._insert(connection, "root", version, encode(root, *both.values()))
                await self.publish(connection)
        finally:
            self._keys = before
        before.adopt()

    async def serve(self, kind: str, name: str) -> bytes:
        """A file by its address below the repository's: of `metadata` or `targets`. Raises NotFound."""
        if kind == "metadata":
            return await self.metadata(name)
        publisher, _, package = name.partition("/")
        return await self.target(publisher, package)

    async def metadata(self, name: str) -> bytes:
        """A file as TUF names it: `timestamp.json`, `3.targets.json`. Raises NotFound."""
        number, _, role = name.removesuffix(".json").partition(".")
        if name == "timestamp.json":
            row = await self._pool.fetchrow(_LATEST, "timestamp")
        elif name.endswith(".json") and number.isascii() and number.isdigit() and len(number) < 9:
            query = "SELECT body FROM store_role WHERE name = $1 AND version = $2"
            row = await self._pool.fetchrow(query, role, int(number))
        else:
            row = None
        if row is None:
            raise NotFound(f"no metadata {name[:200]}")
        return bytes(row["body"])

    async def target(self, publisher: str, name: str) -> bytes:
        """A package by its hash-prefixed name. Raises NotFound, also for one that is not published."""
        sha256, _, rest = name.partition(".")
        body = await self._pool.fetchval(
            "SELECT p.body FROM store_release r JOIN store_package p USING (sha256) WHERE r.publisher = $1 AND r.sha256 = $2"
            " AND r.app || '-' || r.version || '.madang' = $3 AND r.state = 'published'",
            publisher, sha256, rest,
        )  # fmt: skip
        if body is None:
            raise NotFound(f"no package {name[:200]}")
        return bytes(body)

    async def _root(self, connection: Any, version: int) -> bytes:
        return await self._put(connection, "root", root_of(self._keys, version, self._clock.now()))

    async def _snapshot(self, connection: Any, versions: dict[str, int], now: datetime) -> None:
        version = await self._next(connection, "snapshot")
        await self._put(connection, "snapshot", snapshot_of(versions, version, now))
        await self._timestamp(connection, now)

    async def _timestamp(self, connection: Any, now: datetime) -> None:
        row = await connection.fetchrow(_LATEST, "snapshot")
        version = await self._next(connection, "timestamp")
        await self._put(connection, "timestamp", timestamp_of(row["body"], row["version"], version, now))

    async def _put(self, connection: Any, name: str, document: Signed) -> bytes:
        signer = self._keys[name if name in self._keys else "targets"]
        body = encode(document, signer)
        await self._insert(connection, name, document.version, body)
        return body

    async def _insert(self, connection: Any, name: str, version: int, body: bytes) -> None:
        await connection.execute(
            "INSERT INTO store_role (name, version, body) VALUES ($1, $2, $3)", name, version, body
        )

    async def _next(self, connection: Any, name: str) -> int:
        query = "SELECT coalesce(max(version), 0) + 1 FROM store_role WHERE name = $1"
        return int(await connection.fetchval(query, name))

    async def _latest(self, connection: Any, name: str) -> Signed:
        row = await connection.fetchrow(_LATEST, name)
        found: Metadata[Any] = Metadata.from_bytes(row["body"])
        signed: Signed = found.signed
        return signed

    def _is_old(self, name: str, document: Signed) -> bool:
        lifetime: timedelta = LIFETIMES[name]
        return document.expires - self._clock.now() < lifetime / 2
