"""What a gateway does in the background."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from madang.base.errors import MadangError


async def keep_tidy(*sweeps: Callable[[], Awaitable[object]]) -> None:
    """Takes away what has expired, and follows what other processes changed, for ever."""
    while True:
        for sweep in sweeps:
            with contextlib.suppress(MadangError):  # the database is away: the next second is soon enough
                await sweep()
        await asyncio.sleep(1.0)
