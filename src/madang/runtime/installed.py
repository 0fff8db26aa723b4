"""Since when an app is here."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from madang.engine.database import fetch


async def installed_at(pool: asyncpg.Pool, app_id: str) -> datetime | None:
    """None of an app that is not installed."""
    found = await fetch(pool, "SELECT installed_at FROM app WHERE id = $1", [app_id])
    return found[0]["installed_at"] if found else None
