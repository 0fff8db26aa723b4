"""The command desk: the command room wired to PostgreSQL and the field."""

from __future__ import annotations

import asyncio
from typing import Any


class Desk:
    async def submit(self, caller: Any, data: Any) -> dict[str, Any]:
        return {}

    async def page(self, limit: int, status: str | None, target: str | None) -> list[dict[str, Any]]:
        return []

    async def get(self, identifier: str) -> dict[str, Any]:
        return {}

    async def run(self) -> None:
        await asyncio.Event().wait()


async def open_desk(*args: Any) -> Desk:
    return Desk()
