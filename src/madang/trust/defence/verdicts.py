"""Verdicts in PostgreSQL, so that every gateway holds back the same and a restart forgets nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg

from madang.base.city import Act, DefenceSettings
from madang.base.clock import Clock, to_iso
from madang.base.errors import NotFound
from madang.base.limits import VERDICTS_MAX
from madang.trust.defence.guard import Hold
from madang.trust.defence.verdict import Verdict

_ADD = """
WITH old AS (DELETE FROM verdict WHERE id IN (SELECT id FROM verdict ORDER BY at DESC OFFSET $8))
INSERT INTO verdict (id, kind, subject, at, features, act, until) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_HELD = (
    "SELECT id, subject, act, until FROM verdict WHERE until > $1 AND released_at IS NULL AND act <> 'tell' ORDER BY at"
)
_RELEASE = (
    "UPDATE verdict SET released_at = $2, released_by = $3 WHERE id = $1 AND released_at IS NULL RETURNING subject"
)


class Verdicts:
    """`city` is in their ids, which are those of their Alerts."""

    def __init__(self, pool: asyncpg.Pool, city: str, settings: DefenceSettings, clock: Clock) -> None:
        self._pool, self._city, self._settings, self._clock = pool, city, settings, clock

    def act_on(self, verdict: Verdict) -> Act:
        """What the city does about such a verdict. Nobody is held back for what many addresses did together."""
        return "tell" if verdict.subject == "everywhere" else self._settings.acts.get(verdict.kind, "tell")

    async def add(self, verdict: Verdict) -> str:
        """Its id."""
        identifier = f"urn:ngsi-ld:Alert:{self._city}:{uuid4()}"
        at = datetime.fromtimestamp(verdict.at_s, UTC)
        until = self._clock.now() + timedelta(minutes=self._settings.act_minutes)
        features = [
            {"name": one.name, "value": one.value, "limit": one.limit, "usual": one.usual} for one in verdict.features
        ]
        row = (identifier, verdict.kind, verdict.subject, at, features, self.act_on(verdict), until)
        await self._pool.execute(_ADD, *row, VERDICTS_MAX - 1)
        return identifier

    async def holds(self) -> dict[str, Hold]:
        """By subject, who is held back now."""
        rows = await self._pool.fetch(_HELD, self._clock.now())
        return {row["subject"]: Hold(row["act"], row["until"].timestamp(), row["id"]) for row in rows}

    async def release(self, identifier: str, who: str) -> str:
        """The subject that is free again. Raises NotFound, also when it was released already."""
        subject = await self._pool.fetchval(_RELEASE, identifier, self._clock.now(), who)
        if subject is None:
            raise NotFound(f"no verdict {identifier[:200]} that holds")
        return str(subject)

    async def released_since(self, at: datetime) -> list[str]:
        rows = await self._pool.fetch("SELECT subject FROM verdict WHERE released_at > $1", at)
        return [row["subject"] for row in rows]

    async def page(self, limit: int) -> list[dict[str, Any]]:
        """Newest first."""
        rows = await self._pool.fetch("SELECT * FROM verdict ORDER BY at DESC, id LIMIT $1", limit)
        return [_shown(row) for row in rows]


def _shown(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "id": row["id"],
        "kind": row["kind"],
        "subject": row["subject"],
        "at": to_iso(row["at"]),
        "features": row["features"],
        "act": row["act"],
        "until": to_iso(row["until"]),
        "releasedAt": None if row["released_at"] is None else to_iso(row["released_at"]),
        "releasedBy": row["released_by"],
    }
