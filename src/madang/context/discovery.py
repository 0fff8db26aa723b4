"""Which entity types and attributes there are (clauses 5.7.5 to 5.7.10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import asyncpg

from madang.engine.database import explain

_TYPES = "SELECT DISTINCT name FROM entity, unnest(types) AS name ORDER BY name"
_PAIRS = """
SELECT DISTINCT kind, name FROM entity CROSS JOIN unnest(types) AS kind
LEFT JOIN LATERAL jsonb_object_keys(body) AS name ON name NOT IN ('scope', 'expiresAt') ORDER BY kind, name
"""
_COUNT = "SELECT count(*) FROM entity WHERE type = $1 OR (cardinality(types) > 1 AND types @> ARRAY[$1])"
_ATTRIBUTES = """
SELECT key AS name, array_agg(DISTINCT instance->>'type') AS kinds, count(*) AS count
FROM entity, jsonb_each(body), jsonb_path_query(value, '$[*]') AS instance
WHERE (type = $1 OR (cardinality(types) > 1 AND types @> ARRAY[$1])) AND key NOT IN ('scope', 'expiresAt')
GROUP BY key ORDER BY key
"""
_ATTRIBUTE = """
SELECT kind, array_agg(DISTINCT instance->>'type') AS kinds, count(*) AS count
FROM entity, unnest(types) AS kind, jsonb_path_query(body->$1::text, '$[*]') AS instance
WHERE body ? $1 GROUP BY kind ORDER BY kind
"""


@dataclass(frozen=True)
class Usage:
    """One attribute of one type: its attribute kinds and how many instances there are."""

    name: str
    kinds: list[str]
    count: int


class Discovery:
    """Reads what is there from PostgreSQL; names are internal. Every call looks through the entities it is about."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def types(self) -> list[str]:
        """Every entity type."""
        return [record["name"] for record in await self._fetch(_TYPES)]

    async def pairs(self) -> list[tuple[str, str | None]]:
        """`(type, attribute)`; a type whose entities have no attribute stands with None."""
        return [(record["kind"], record["name"]) for record in await self._fetch(_PAIRS)]

    async def count(self, name: str) -> int:
        """Entities of a type."""
        return int((await self._fetch(_COUNT, name))[0]["count"])

    async def attributes_of(self, name: str) -> list[Usage]:
        """The attributes of a type's entities."""
        return [
            Usage(record["name"], record["kinds"], record["count"]) for record in await self._fetch(_ATTRIBUTES, name)
        ]

    async def types_with(self, attribute: str) -> list[Usage]:
        """The types (as `name`) whose entities have an attribute."""
        return [
            Usage(record["kind"], record["kinds"], record["count"])
            for record in await self._fetch(_ATTRIBUTE, attribute)
        ]

    async def _fetch(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        try:
            return list(await self._pool.fetch(sql, *values))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise explain(error) from error
