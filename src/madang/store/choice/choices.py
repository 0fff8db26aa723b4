"""Which app serves a service, or which where. Rows of `store_choice`; the one that is not ended is in force."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import BadRequest
from madang.store.choice.split import shared_out


@dataclass(frozen=True)
class Choice:
    """`areas`: app by area; empty when one app serves everywhere."""

    id: str
    service: str
    apps: list[str]
    seed: int
    areas: dict[str, str]
    chosen_by: str
    chosen_at: datetime
    ended_at: datetime | None

    def serves(self, area: str) -> str:
        """The app of an area; the first where nothing was shared out."""
        return self.areas.get(area, self.apps[0])


class Choices:
    """The latest stands beside all that were before it."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def choose(
        self, service: str, apps: Sequence[str], offered: Sequence[str], areas: Mapping[str, float], seed: int, by: str
    ) -> Choice:
        """One app everywhere, or several side by side on areas drawn by the seed, in place of what was in force. `offered`: apps of this
        city that offer the service. Raises BadRequest."""
        strange = [app for app in apps if app not in offered]
        if strange or not apps:
            raise BadRequest(f"{', '.join(strange) or 'nobody'} does not offer {service} here", reason="choice_apps")
        shared = shared_out(areas, apps, seed) if len(apps) > 1 else {}
        identifier, now = secrets.token_hex(8), self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"choice:{service}")
            await connection.execute(
                "UPDATE store_choice SET ended_at = $2 WHERE service = $1 AND ended_at IS NULL", service, now
            )
            await connection.execute(
                "INSERT INTO store_choice VALUES ($1, $2, $3, $4, $5, $6, $7)",
                identifier, service, list(apps), seed, shared, by, now,
            )  # fmt: skip
        return Choice(identifier, service, list(apps), seed, shared, by, now, None)

    async def in_force(self) -> dict[str, Choice]:
        """By service."""
        rows = await self._pool.fetch("SELECT * FROM store_choice WHERE ended_at IS NULL ORDER BY service")
        return {row["service"]: Choice(**dict(row)) for row in rows}

    async def past(self, service: str, most: int) -> list[Choice]:
        """All of one service, the latest first."""
        rows = await self._pool.fetch(
            "SELECT * FROM store_choice WHERE service = $1 ORDER BY chosen_at DESC LIMIT $2", service, most
        )
        return [Choice(**dict(row)) for row in rows]
