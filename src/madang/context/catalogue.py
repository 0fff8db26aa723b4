"""Stored @contexts: hosted by clients, cached from elsewhere, made implicitly (clause 5.13)."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from madang.base.clock import Clock, SystemClock, to_iso
from madang.base.errors import NotFound, TooLarge
from madang.base.limits import CONTEXT_CACHE_MAX_AGE_S, CONTEXT_STORED_MAX
from madang.engine.database import explain

KINDS = ("Hosted", "Cached", "ImplicitlyCreated")
PATH = "/ngsi-ld/v1/jsonldContexts/"
_OWN = re.compile(rf"^(?:https?://[^/]+)?{PATH}([^/?#]+)$")
_COLUMNS = "id, kind, url, body, created_at, expires_at"


@dataclass(frozen=True)
class Stored:
    """`body` is a document with a root `@context`; `url` is None unless the kind is Cached."""

    id: str
    kind: str
    url: str | None
    body: Any
    created_at: datetime
    expires_at: datetime | None

    def describe(self, base: str) -> dict[str, Any]:
        """Clause 5.13.3.5; `base` is the address of this broker."""
        out = {"URL": self.address(base), "localId": self.id, "kind": self.kind, "createdAt": to_iso(self.created_at)}
        return out | ({"expiresAt": to_iso(self.expires_at)} if self.expires_at else {})

    def address(self, base: str) -> str:
        """Where it can be had: of a cached one where it came from."""
        return self.url or f"{base}{PATH}{self.id}"


def own_id(url: str) -> str | None:
    """The local id in an address of this broker, by whatever name or port the broker is reached."""
    found = _OWN.match(url)
    return found.group(1) if found else None


class Catalogue:
    """The table of contexts. Bounded: what is cached makes room for what is new, clients are told when there is none."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock | None = None) -> None:
        self._pool = pool
        self._clock = clock or SystemClock()

    async def add(self, kind: str, body: Any) -> Stored:
        """Hosted or ImplicitlyCreated; the same implicit body is stored once. Raises TooLarge when there is no room."""
        if await self._run("fetchval", "SELECT count(*) FROM ld_context WHERE kind <> 'Cached'") >= CONTEXT_STORED_MAX:
            raise TooLarge(f"more than {CONTEXT_STORED_MAX} contexts are stored: delete some")
        if kind == "ImplicitlyCreated":
            sql = f"SELECT {_COLUMNS} FROM ld_context WHERE kind = $1 AND md5(body::text) = md5($2::json::text)"  # noqa: S608
            known = await self._run("fetchrow", sql, kind, body)
            if known is not None:
                return Stored(*known)
        return await self._insert(kind, None, body, None)

    async def cache(self, url: str, body: Any) -> Stored:
        """Keeps what was fetched, in place of an earlier copy."""
        await self._run(
            "execute",
            "DELETE FROM ld_context WHERE id IN (SELECT id FROM ld_context WHERE kind = 'Cached' AND url <> $1"
            " ORDER BY created_at DESC OFFSET $2)",
            url,
            CONTEXT_STORED_MAX,
        )
        expires = self._clock.now() + timedelta(seconds=CONTEXT_CACHE_MAX_AGE_S)
        return await self._insert("Cached", url, body, expires)

    async def _insert(self, kind: str, url: str | None, body: Any, expires: datetime | None) -> Stored:
        identifier = f"urn:ngsi-ld:Context:{uuid.uuid4()}"
        sql = (
            f"INSERT INTO ld_context ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)"  # noqa: S608 - constant text
            f" ON CONFLICT (url) DO UPDATE SET body = excluded.body,"
            f" created_at = excluded.created_at, expires_at = excluded.expires_at RETURNING {_COLUMNS}"
        )
        return Stored(*await self._run("fetchrow", sql, identifier, kind, url, body, self._clock.now(), expires))

    async def get(self, name: str) -> Stored:
        """By local id, or by the address a cached one came from. Raises NotFound."""
        found = await self.find(name)
        if found is None:
            raise NotFound(f"no @context {name[:200]}")
        return found

    async def find(self, name: str) -> Stored | None:
        if "\x00" in name:  # which no text of the database holds
            return None
        record = await self._run("fetchrow", f"SELECT {_COLUMNS} FROM ld_context WHERE id = $1 OR url = $1", name)  # noqa: S608
        return Stored(*record) if record is not None else None

    async def page(self, kind: str | None) -> list[Stored]:
        """All, or those of a kind."""
        sql = f"SELECT {_COLUMNS} FROM ld_context WHERE $1::text IS NULL OR kind = $1 ORDER BY created_at, id"  # noqa: S608
        return [Stored(*record) for record in await self._run("fetch", sql, kind)]

    async def expired(self) -> list[Stored]:
        """Cached contexts that have to be asked for again."""
        sql = f"SELECT {_COLUMNS} FROM ld_context WHERE expires_at <= $1"  # noqa: S608 - constant text
        return [Stored(*record) for record in await self._run("fetch", sql, self._clock.now())]

    async def delete(self, identifier: str) -> None:
        await self._run("execute", "DELETE FROM ld_context WHERE id = $1", identifier)

    async def tell_change(self) -> None:
        """Other processes forget what they know."""
        await self._run("execute", "SELECT nextval('ld_context_change')")

    async def change(self) -> int:
        """A number that grows with each told change."""
        return int(await self._run("fetchval", "SELECT last_value FROM ld_context_change"))

    async def _run(self, method: str, sql: str, *values: Any) -> Any:
        try:
            return await getattr(self._pool, method)(sql, *values)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise explain(error) from error
