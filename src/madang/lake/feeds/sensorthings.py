"""An entity set of OGC SensorThings 1.1 (OGC 18-088, 9.3): all of it, by `@iot.nextLink`."""

from __future__ import annotations

import aiohttp

from madang.lake.feeds.feed import Feed, Pulled
from madang.lake.feeds.paged import members, within


async def pull(session: aiohttp.ClientSession, feed: Feed) -> Pulled | None:
    """What is the same is known by its hash."""
    parts = members(
        session, feed.wanted.address, "application/json", "value", lambda page: str(page.get("@iot.nextLink", ""))
    )
    return Pulled("values.json", within(b"[", parts, b"]"))
