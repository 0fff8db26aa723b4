"""What apps must erase, and the receipts for it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import BadRequest, NotFound
from madang.base.limits import AUDIT_TEXT_MAX_CHARS

COLUMNS = "id, app, pseudonym, kind, purpose, up_to, why, asked_at, receipt, receipted_at"
# Of each consent what was shown longer ago than the app may keep it, and has not been asked for.
OVER = """
INSERT INTO erasure (id, person, consent, app, pseudonym, kind, purpose, up_to, why, asked_at)
SELECT $1 || '-' || c.id, c.person, c.id, c.app, c.pseudonym, c.kind, c.purpose,
       $2::timestamptz - make_interval(days => c.retention_days), 'retention', $2
FROM consent AS c
WHERE EXISTS (
  SELECT 1 FROM personal_read AS r
  WHERE r.consent = c.id AND r.at <= $2::timestamptz - make_interval(days => c.retention_days)
    AND r.at > coalesce((SELECT max(e.up_to) FROM erasure AS e WHERE e.consent = c.id), '-infinity')
)
"""


@dataclass(frozen=True)
class Erasure:
    """`up_to`: what was read until then. `receipt` is what the app says it erased."""

    id: str
    app: str
    pseudonym: str
    kind: str
    purpose: str
    up_to: datetime
    why: str
    asked_at: datetime
    receipt: dict[str, Any] | None
    receipted_at: datetime | None


class Erasures:
    """Those of all apps of one city."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def due(self, app: str, limit: int = 100) -> list[Erasure]:
        """What an app has still to erase, the oldest first."""
        return await self._list("app = $1 AND receipted_at IS NULL ORDER BY asked_at, id LIMIT $2", app, limit)

    async def of_person(self, person: str) -> list[Erasure]:
        """The newest first."""
        return await self._list("person = $1 ORDER BY asked_at DESC, id", person)

    async def receipt(self, app: str, erasure_id: str, told: Any) -> Erasure:
        """What the app says it did: `{"erased": how many, "note"?: text}`. Its first word counts. Raises BadRequest, NotFound,
        also for another app's."""
        receipt = check_receipt(told)
        await self._pool.execute(
            "UPDATE erasure SET receipt = $3, receipted_at = $4 WHERE id = $2 AND app = $1 AND receipted_at IS NULL",
            app,
            erasure_id,
            receipt,
            self._clock.now(),
        )
        found = await self._list("app = $1 AND id = $2", app, erasure_id)
        if not found:
            raise NotFound(f"nothing to erase of the name {erasure_id[:80]}")
        return found[0]

    async def apps(self) -> set[str]:
        """Those that have something to erase."""
        records = await self._pool.fetch("SELECT DISTINCT app FROM erasure WHERE receipted_at IS NULL")
        return {one["app"] for one in records}

    async def gone(self, apps: Iterable[str]) -> int:
        """Apps were removed and their data with them: that is their receipt for all. Gives for how many."""
        done = await self._pool.execute(
            "UPDATE erasure SET receipt = $2, receipted_at = $3 WHERE app = ANY($1) AND receipted_at IS NULL",
            list(apps),
            {"note": "removed with all its data"},
            self._clock.now(),
        )
        return int(done.rsplit(" ", 1)[1])

    async def sweep(self) -> int:
        """Asks for what was kept as long as it may be. Gives how many are."""
        done = await self._pool.execute(OVER, secrets.token_hex(8), self._clock.now())
        return int(done.rsplit(" ", 1)[1])

    async def _list(self, condition: str, *values: object) -> list[Erasure]:
        records = await self._pool.fetch(f"SELECT {COLUMNS} FROM erasure WHERE {condition}", *values)  # noqa: S608
        return [Erasure(**record) for record in records]


def check_receipt(told: Any) -> dict[str, Any]:
    """Raises BadRequest."""
    if not isinstance(told, dict) or not told.keys() <= {"erased", "note"}:
        raise BadRequest('a receipt is {"erased": how many, "note": text}')
    erased, note = told.get("erased"), told.get("note", "")
    if type(erased) is not int or erased < 0 or not isinstance(note, str) or len(note) > AUDIT_TEXT_MAX_CHARS:
        raise BadRequest("erased is a whole number, note a text")
    return told
