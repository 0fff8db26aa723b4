"""A socket lasts no longer than what it was opened with: who was signed out, or may less now, is hung up on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from madang.base.limits import IDENTITY_LOOK_S
from madang.engine.database import LOST
from madang.trust.caller import Claim

Ask = Callable[[], Awaitable[Claim | None]]


async def last_as_long(serving: Awaitable[None], ask: Ask, claim: Claim) -> bool:
    """Serves; False when it was cut short because `ask` no longer gives the claim. A database that is away decides nothing."""
    served = asyncio.ensure_future(serving)
    watching = asyncio.create_task(_until_another(ask, claim))
    done, _ = await asyncio.wait([served, watching], return_when=asyncio.FIRST_COMPLETED)
    for task in (served, watching):
        task.cancel()
    await asyncio.gather(served, watching, return_exceptions=True)
    if served in done:
        served.result()
    return served in done


async def _until_another(ask: Ask, claim: Claim) -> None:
    while True:
        await asyncio.sleep(IDENTITY_LOOK_S)
        with contextlib.suppress(*LOST):
            if await ask() != claim:
                return
