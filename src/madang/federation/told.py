"""What subscriptions to registrations were told last, in PostgreSQL, and how it differs from what is true (clause 5.11.7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from madang.base.limits import NOTIFY_BODY_MAX_ENTITIES
from madang.engine.sealing import seal_of_city

NEWLY, UPDATED, GONE = "newlyMatching", "updated", "noLongerMatching"
_ENCODE = msgspec.json.Encoder().encode
_OF = """
SELECT registration_id, version, data FROM csource_told
WHERE subscription_id = $1 AND since = $2 AND ($3::text[] IS NULL OR registration_id = ANY($3))
"""
_KEEP = """
INSERT INTO csource_told
SELECT s.id, t.id, $2, t.version, t.data FROM csource_subscription AS s
CROSS JOIN unnest($3::text[], $4::timestamptz[], $5::json[]) AS t(id, version, data) WHERE s.id = $1
ON CONFLICT (subscription_id, registration_id)
DO UPDATE SET since = excluded.since, version = excluded.version, data = excluded.data
"""


@dataclass(frozen=True)
class Shown:
    """A registration as it is told; `version` is when it was written."""

    version: datetime | None
    data: dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """One notification's worth, for one reason."""

    reason: str
    registrations: dict[str, Shown]


def differences(told: Mapping[str, Shown], now: Mapping[str, Shown], *, again: bool = False) -> Iterator[Difference]:
    """From what was told to what is so now. `again` tells of what did not change, too, as updated. Pure."""
    groups = {
        NEWLY: {key: one for key, one in now.items() if key not in told},
        UPDATED: {key: one for key, one in now.items() if key in told and (again or told[key].version != one.version)},
        GONE: {key: one for key, one in told.items() if key not in now},
    }
    for reason, group in groups.items():
        keys = sorted(group)
        for start in range(0, len(keys), NOTIFY_BODY_MAX_ENTITIES):
            yield Difference(reason, {key: group[key] for key in keys[start : start + NOTIFY_BODY_MAX_ENTITIES]})


class Told:
    """What was told outlives the process, so that a restart neither forgets nor repeats. Raises one of LOST."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool, self._seal = pool, seal_of_city()

    async def of(self, subscription: str, since: datetime, ids: Iterable[str] | None) -> dict[str, Shown]:
        """What it was told of these registrations, of all without `ids`, as it has been since its last change."""
        records = await self._pool.fetch(_OF, subscription, since, None if ids is None else list(ids))
        return {
            record["registration_id"]: Shown(
                record["version"], self._seal.open_body(record["data"], record["registration_id"])
            )
            for record in records
        }

    async def whom(self, ids: Iterable[str]) -> dict[str, set[str]]:
        """Subscription -> those of these registrations that it was told of."""
        sql = "SELECT subscription_id, registration_id FROM csource_told WHERE registration_id = ANY($1)"
        out: dict[str, set[str]] = {}
        for record in await self._pool.fetch(sql, list(ids)):
            out.setdefault(record["subscription_id"], set()).add(record["registration_id"])
        return out

    async def keep(self, subscription: str, since: datetime, difference: Difference) -> None:
        """It has been told."""
        ids, rows = list(difference.registrations), list(difference.registrations.values())
        if difference.reason == GONE:
            sql = "DELETE FROM csource_told WHERE subscription_id = $1 AND since = $2 AND registration_id = ANY($3)"
            await self._pool.execute(sql, subscription, since, ids)
            return
        versions = [row.version for row in rows]
        data = [_ENCODE(self._seal.close_body(row.data, key)) for key, row in difference.registrations.items()]
        await self._pool.execute(_KEEP, subscription, since, ids, versions, data)

    async def forget(self, subscription: str, since: datetime) -> None:
        """What it was told before it was changed."""
        await self._pool.execute(
            "DELETE FROM csource_told WHERE subscription_id = $1 AND since <> $2", subscription, since
        )
