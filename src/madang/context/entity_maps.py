"""Entity maps in PostgreSQL (clauses 5.2.39, 5.14): which entities a query found, in the order of its pages, and where."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from madang.base.clock import Clock, SystemClock
from madang.base.errors import NotFound
from madang.base.limits import ENTITY_MAPS_MAX
from madang.engine.database import explain

LOCAL = "@none"
"""Stands among the sources for this broker."""
_MAKE_ROOM = """
DELETE FROM entity_map WHERE expires_at <= $1
OR id IN (SELECT id FROM entity_map ORDER BY expires_at DESC OFFSET $2)
"""
_ENTRIES = """
INSERT INTO entity_map_entry SELECT $1, at, id, string_to_array(sources, E'\\x1f')
FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS e(id, sources, at)
"""
_PART = "SELECT entity_id, sources FROM entity_map_entry WHERE map = $1 ORDER BY place OFFSET $2 LIMIT $3"


@dataclass(frozen=True)
class EntityMap:
    """`linked` leads from registrations to the maps of their sources; `question` tells the query apart from others."""

    temporal: bool
    question: str
    expires: datetime
    linked: dict[str, str] = field(default_factory=dict)
    owner: str = ""
    id: str = field(default_factory=lambda: f"urn:ngsi-ld:EntityMap:{uuid.uuid4()}")


@dataclass(frozen=True)
class Entry:
    """One entity of a map, and the registrations (or LOCAL) that hold something of it."""

    entity_id: str
    sources: tuple[str, ...] = (LOCAL,)


class EntityMaps:
    """At most ENTITY_MAPS_MAX: a new one takes the place of the one that ends first."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock | None = None) -> None:
        self._pool, self.clock = pool, clock or SystemClock()

    async def create(self, made: EntityMap, entries: Sequence[Entry]) -> None:
        ids = [one.entity_id for one in entries]
        sources = ["\x1f".join(one.sources) for one in entries]
        insert = (
            "INSERT INTO entity_map (id, owner, temporal, question, linked, expires_at) VALUES ($1, $2, $3, $4, $5, $6)"
        )
        row = (made.id, made.owner, made.temporal, made.question, made.linked, made.expires)
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(_MAKE_ROOM, self.clock.now(), ENTITY_MAPS_MAX - 1)
                await connection.execute(insert, *row)
                await connection.execute(_ENTRIES, made.id, ids, sources)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise explain(error) from error

    async def find(self, identifier: str, owner: str | None) -> EntityMap | None:
        """One that is not over; `owner` None: whoever made it."""
        record = await self._run(
            "fetchrow",
            "SELECT * FROM entity_map WHERE id = $1 AND expires_at > $2 AND ($3::text IS NULL OR owner = $3)",
            *(identifier, self.clock.now(), owner),
        )
        if record is None:
            return None
        return EntityMap(
            record["temporal"],
            record["question"],
            record["expires_at"],
            record["linked"],
            record["owner"],
            record["id"],
        )

    async def get(self, identifier: str, owner: str | None) -> EntityMap:
        """Raises NotFound."""
        found = await self.find(identifier, owner)
        if found is None:
            raise NotFound(f"no entity map {identifier}")
        return found

    async def part(self, identifier: str, offset: int, limit: int) -> list[Entry]:
        """Entries of a map, in order."""
        records = await self._run("fetch", _PART, identifier, offset, limit)
        return [Entry(record["entity_id"], tuple(record["sources"])) for record in records]

    async def of_entity(self, identifier: str, entity_id: str) -> Entry | None:
        sql = "SELECT entity_id, sources FROM entity_map_entry WHERE map = $1 AND entity_id = $2"
        record = await self._run("fetchrow", sql, identifier, entity_id)
        return None if record is None else Entry(record["entity_id"], tuple(record["sources"]))

    async def count(self, identifier: str) -> int:
        return int(await self._run("fetchval", "SELECT count(*) FROM entity_map_entry WHERE map = $1", identifier))

    async def remove(self, identifier: str, entity_ids: Sequence[str]) -> None:
        """Takes entities out that fit no more (clause 5.5.9.3)."""
        sql = "DELETE FROM entity_map_entry WHERE map = $1 AND entity_id = ANY($2)"
        await self._run("execute", sql, identifier, list(entity_ids))

    async def extend(self, identifier: str, expires: datetime) -> None:
        """Raises NotFound."""
        sql = "UPDATE entity_map SET expires_at = $2 WHERE id = $1"
        if await self._run("execute", sql, identifier, expires) == "UPDATE 0":
            raise NotFound(f"no entity map {identifier}")

    async def delete(self, identifier: str) -> None:
        """Raises NotFound."""
        if await self._run("execute", "DELETE FROM entity_map WHERE id = $1", identifier) == "DELETE 0":
            raise NotFound(f"no entity map {identifier}")

    async def sweep(self) -> None:
        """Takes away what is over."""
        await self._run("execute", "DELETE FROM entity_map WHERE expires_at <= $1", self.clock.now())

    async def _run(self, method: str, sql: str, *values: Any) -> Any:
        try:
            return await getattr(self._pool, method)(sql, *values)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise explain(error) from error
