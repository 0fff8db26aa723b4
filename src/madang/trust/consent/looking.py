"""Apps look at what people agreed to show them; that somebody looked is on record in the same moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import BadRequest
from madang.base.limits import PERSONAL_READ_MAX
from madang.trust.consent.agreement import shown
from madang.trust.consent.consents import consent_of
from madang.trust.consent.items import known

# Agreed rows are locked, so that a withdrawal comes before the look or after it was noted, and never in between.
LOOK = """
WITH agreed AS MATERIALIZED (
  SELECT * FROM consent
  WHERE app = $1 AND purpose = $2 AND kind = $3 AND withdrawn_at IS NULL AND pseudonym > $4 AND ($5::text IS NULL OR pseudonym = $5)
    AND NOT EXISTS (SELECT 1 FROM person AS account WHERE account.id = consent.person AND account.ended_at IS NOT NULL)
  ORDER BY pseudonym LIMIT $6 FOR SHARE
),
found AS MATERIALIZED (
  SELECT agreed.id, jsonb_object_agg(item.id, item.body) AS items, array_agg(item.id ORDER BY item.id) AS ids
  FROM agreed JOIN personal_item AS item USING (person, kind)
  GROUP BY agreed.id
),
noted AS (
  INSERT INTO personal_read (at, consent, person, app, kind, purpose, items, members)
  SELECT $7, agreed.id, person, app, kind, purpose, ids, members FROM agreed JOIN found USING (id)
)
SELECT agreed.*, found.items FROM agreed LEFT JOIN found USING (id) ORDER BY pseudonym
"""


@dataclass(frozen=True)
class Look:
    """What one person shows an app: items by id, each cut to what was agreed to."""

    pseudonym: str
    items: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Seen:
    """Who looked at what, when, for what."""

    at: datetime
    app: str
    kind: str
    purpose: str
    items: list[str]
    members: list[str] | None


class Looking:
    """The one way by which anybody but the person reads a personal space."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def look(
        self, app: str, purpose: str, kind: str, pseudonym: str | None = None, after: str = "", limit: int = 100
    ) -> list[Look]:
        """The people who agree to show `app` items of the kind for the purpose, in the order of their pseudonyms; whom the app
        may not see does not exist for it. Raises BadRequest."""
        known(kind)
        if not 1 <= limit <= PERSONAL_READ_MAX:
            raise BadRequest(f"limit: a whole number from 1 to {PERSONAL_READ_MAX}")
        records = await self._pool.fetch(LOOK, app, purpose, kind, after, pseudonym, limit, self._clock.now())
        return [_look(record) for record in records]

    async def seen(self, person: str, before: int | None, limit: int) -> list[tuple[int, Seen]]:
        """Who looked at a person's items, the last first, each with a number to go on before."""
        records = await self._pool.fetch(
            "SELECT seq, at, app, kind, purpose, items, members FROM personal_read"
            " WHERE person = $1 AND ($2::bigint IS NULL OR seq < $2) ORDER BY seq DESC LIMIT $3",
            person,
            before,
            limit,
        )
        return [(one["seq"], Seen(*list(one.values())[1:])) for one in records]


def _look(record: asyncpg.Record) -> Look:
    ask = consent_of(record).ask
    items = {key: shown(ask, body) for key, body in (record["items"] or {}).items()}
    return Look(record["pseudonym"], dict(sorted(items.items())))
