"""Where a person's items are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import NotFound, TooMany
from madang.base.limits import PERSONAL_ITEMS_MAX
from madang.trust.consent.items import check_item, known


@dataclass(frozen=True)
class Item:
    kind: str
    id: str
    body: dict[str, Any]
    modified_at: datetime


class Space:
    """The items of all people of one city."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def items(self, person: str, kind: str | None = None) -> list[Item]:
        """By kind and id. Raises BadRequest for a kind that is not there."""
        if kind is not None:
            known(kind)
        records = await self._pool.fetch(
            "SELECT kind, id, body, modified_at FROM personal_item"
            " WHERE person = $1 AND ($2::text IS NULL OR kind = $2) ORDER BY kind, id",
            person,
            kind,
        )
        return [Item(**record) for record in records]

    async def put(self, person: str, kind: str, key: str, body: Any) -> Item:
        """Makes it or writes it anew. Raises BadRequest, TooMany."""
        item = Item(kind, key, check_item(kind, key, body), self._clock.now())
        done = await self._pool.execute(
            "INSERT INTO personal_item (person, kind, id, body, modified_at) SELECT $1, $2, $3, $4, $5"
            " WHERE (SELECT count(*) FROM personal_item WHERE person = $1 AND (kind, id) <> ($2, $3)) < $6"
            " ON CONFLICT (person, kind, id) DO UPDATE SET body = excluded.body, modified_at = excluded.modified_at",
            person,
            kind,
            key,
            item.body,
            item.modified_at,
            PERSONAL_ITEMS_MAX,
        )
        if done == "INSERT 0 0":
            raise TooMany(f"a personal space holds {PERSONAL_ITEMS_MAX} items")
        return item

    async def remove(self, person: str, kind: str, key: str) -> None:
        """Raises BadRequest, NotFound."""
        known(kind)
        done = await self._pool.execute(
            "DELETE FROM personal_item WHERE person = $1 AND kind = $2 AND id = $3", person, kind, key
        )
        if done == "DELETE 0":
            raise NotFound(f"no {kind} {key}")
