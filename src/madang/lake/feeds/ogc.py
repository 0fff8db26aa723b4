"""A collection of OGC API Features (OGC 17-069r4): all of its items, page after page."""

from __future__ import annotations

import aiohttp

from madang.lake.feeds.feed import Feed, Pulled
from madang.lake.feeds.paged import Json, members, within

_PAGE = 1_000
_MEDIA = "application/geo+json"


async def pull(session: aiohttp.ClientSession, feed: Feed) -> Pulled | None:
    """Servers of it tell no ETag as a rule: what is the same is known by its hash."""
    address = f"{feed.wanted.address.rstrip('/').removesuffix('/items')}/items?limit={_PAGE}"
    parts = members(session, address, _MEDIA, "features", _next)
    return Pulled("items.geojson", within(b'{"type":"FeatureCollection","features":[', parts, b"]}"))


def _next(page: Json) -> str:
    return next((str(one.get("href", "")) for one in page.get("links", []) if one.get("rel") == "next"), "")
