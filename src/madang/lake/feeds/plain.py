"""A file at an address: asked for only if it has changed (RFC 9110, 13.1: If-None-Match, If-Modified-Since)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from urllib.parse import unquote, urlsplit

import aiohttp

from madang.lake.feeds.feed import Feed, Pulled

_CHUNK_BYTES = 256 * 1024
_ENDS = {
    "text/csv": ".csv", "application/json": ".json", "application/geo+json": ".geojson", "application/zip": ".zip",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx", "text/tab-separated-values": ".tsv",
}  # fmt: skip


async def pull(session: aiohttp.ClientSession, feed: Feed) -> Pulled | None:
    """None where nothing has changed. Raises aiohttp.ClientError, TimeoutError, ValueError."""
    return await get_changed(session, feed.wanted.address, feed)


async def get_changed(session: aiohttp.ClientSession, address: str, feed: Feed) -> Pulled | None:
    """Raises aiohttp.ClientError, TimeoutError, ValueError."""
    headers = {"if-none-match": feed.etag} if feed.etag else {}
    headers |= {"if-modified-since": feed.modified} if feed.modified else {}
    answer = await session.get(address, headers=headers)
    if answer.status == 304:
        answer.release()
        return None
    if answer.status != 200:
        answer.release()
        raise ValueError(f"{urlsplit(address).netloc} answered {answer.status}")
    told = answer.headers
    return Pulled(_name(address, told), _parts(answer), told.get("etag", ""), told.get("last-modified", ""))


async def _parts(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async with answer:
        async for part in answer.content.iter_chunked(_CHUNK_BYTES):
            yield part


def _name(address: str, headers: Mapping[str, str]) -> str:
    """The path's last part, with the end that the media type has where it has none."""
    name = unquote(urlsplit(address).path.rpartition("/")[2])
    media = headers.get("content-type", "").partition(";")[0].strip()
    return name if "." in name else (name or "file") + _ENDS.get(media, "")
