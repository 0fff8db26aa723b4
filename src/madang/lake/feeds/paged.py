"""Answers that come by pages, put together to one JSON text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urljoin

import aiohttp
import msgspec

from madang.base.limits import LAKE_FEED_PAGE_MAX_BYTES, LAKE_FEED_PAGES_MAX
from madang.engine.outward import read_bounded

Json = dict[str, Any]


async def get_json(session: aiohttp.ClientSession, address: str, accept: str = "application/json") -> Json:
    """Raises aiohttp.ClientError, TimeoutError, ValueError for what is no object."""
    async with session.get(address, headers={"accept": accept}) as answer:
        if answer.status != 200:
            raise ValueError(f"{answer.url.host} answered {answer.status}")
        told = msgspec.json.decode(await read_bounded(answer, LAKE_FEED_PAGE_MAX_BYTES))
    if not isinstance(told, dict):
        raise ValueError(f"{address} is no JSON object")
    return told


async def members(
    session: aiohttp.ClientSession, address: str, accept: str, listed: str, following: Callable[[Json], str]
) -> AsyncIterator[bytes]:
    """Each member of the list `listed` of every page, as JSON with a comma between; `following`: the next page's address. Raises as
    `get_json`, and ValueError beyond the limit of pages."""
    told = 0
    for _ in range(LAKE_FEED_PAGES_MAX):
        page = await get_json(session, address, accept)
        rows = page.get(listed)
        if not isinstance(rows, list):
            raise ValueError(f"{address} has no {listed}")
        if rows:
            yield (b"," if told else b"") + msgspec.json.encode(rows)[1:-1]
            told += len(rows)
        further = following(page)
        if not further:
            return
        address = urljoin(address, further)
    raise ValueError(f"more than {LAKE_FEED_PAGES_MAX} pages")


async def within(before: bytes, parts: AsyncIterator[bytes], after: bytes) -> AsyncIterator[bytes]:
    yield before
    async for part in parts:
        yield part
    yield after
