"""What a gateway does in the background."""

from __future__ import annotations

import asyncio
import contextlib

from madang.base.errors import MadangError
from madang.context.contexts import Contexts
from madang.context.entity_maps import EntityMaps
from madang.context.expiry import Expiry


async def keep_tidy(expiry: Expiry, contexts: Contexts, maps: EntityMaps) -> None:
    """Takes away what has expired and follows stored contexts, for ever."""
    while True:
        with contextlib.suppress(MadangError):  # the database is away: the next second is soon enough
            await expiry.sweep()
            await contexts.follow()
            await maps.sweep()
        await asyncio.sleep(1.0)
