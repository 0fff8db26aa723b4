"""What sensors said before and since a choice, out of the city's history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import asyncpg

from madang.engine.database import fetch
from madang.model.geometry import Box
from madang.store.choice.comparison import Reading

LONGEST = timedelta(days=28)
_MEANS = """
SELECT (e.place[1])[0] AS west, (e.place[1])[1] AS south, (e.place[0])[0] AS east, (e.place[0])[1] AS north, m.before, m.after
FROM (
  SELECT entity_id, avg(value) FILTER (WHERE at < $3) AS before, avg(value) FILTER (WHERE at >= $3) AS after
  FROM (
    SELECT entity_id, at, (change -> $2 ->> 'value')::float8 AS value FROM history
    WHERE at >= $4 AND at < $5 AND op <> 't' AND (types = $1 OR types LIKE $1 || E'\\x1f%')
      AND json_typeof(change -> $2 -> 'value') = 'number'
  ) AS told GROUP BY entity_id
) AS m JOIN entity AS e ON e.id = m.entity_id
WHERE e.place IS NOT NULL AND m.before IS NOT NULL AND m.after IS NOT NULL
"""


async def readings_of(
    pool: asyncpg.Pool, kind: str, attribute: str, since: datetime, now: datetime, area_of: Callable[[Box], str]
) -> list[Reading]:
    """Of each entity of the type that has a place and told numbers both before `since` and after, over as long before as there is
    after (LONGEST at most). Raises Unavailable."""
    length = min(now - since, LONGEST)
    rows = await fetch(pool, _MEANS, [kind, attribute, since, since - length, since + length])
    return [
        Reading(area_of((row["west"], row["south"], row["east"], row["north"])), row["before"], row["after"])
        for row in rows
    ]
