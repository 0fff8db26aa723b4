"""Feeds are pulled when they are due, one after the other; what has changed goes the way of every file that comes."""

from __future__ import annotations

import asyncio
import ftplib
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from madang.base.errors import MadangError
from madang.base.limits import LAKE_FEED_TIMEOUT_S, LAKE_FEED_WHOLE_S
from madang.engine.outward import Network, open_session
from madang.lake.datasets.book import Book
from madang.lake.datasets.inbox import take
from madang.lake.feeds import ckan, ftp, ogc, plain, sensorthings
from madang.lake.feeds.feed import Feed, Outcome, Pulled
from madang.lake.feeds.feeds import Feeds

_BY_HTTP = {"http": plain.pull, "ckan": ckan.pull, "ogc": ogc.pull, "sensorthings": sensorthings.pull}
_WRONG = (aiohttp.ClientError, TimeoutError, ValueError, OSError, ftplib.Error, EOFError, MadangError)


class Pulling:
    """`allowed`: private networks that may be asked. `inbox`: see datasets/inbox."""

    def __init__(self, feeds: Feeds, book: Book, inbox: Path, allowed: Sequence[Network]) -> None:
        self._feeds, self._book, self._inbox, self._allowed = feeds, book, inbox, allowed

    async def once(self) -> bool:
        """Whether there was one to pull. What is wrong with it stands with the feed."""
        feed = await self._feeds.due(self._feeds.clock.now())
        if feed is None:
            return False
        try:
            async with asyncio.timeout(LAKE_FEED_WHOLE_S):
                await self._pull(feed)
        except _WRONG as error:
            await self._feeds.failed(feed, getattr(error, "detail", "") or str(error) or type(error).__name__)
        return True

    async def _pull(self, feed: Feed) -> None:
        timeout = aiohttp.ClientTimeout(sock_connect=LAKE_FEED_TIMEOUT_S, sock_read=LAKE_FEED_TIMEOUT_S)
        async with open_session(self._allowed, timeout=timeout) as session:
            found = await self._asked(session, feed)
            if found is None:
                await self._feeds.pulled(feed, feed.etag, feed.modified, feed.sha256, "same")
                return
            digest = await self._taken(feed, found)
        outcome: Outcome = "same" if digest == feed.sha256 else "changed"
        await self._feeds.pulled(feed, found.etag, found.modified, digest, outcome)

    async def _asked(self, session: aiohttp.ClientSession, feed: Feed) -> Pulled | None:
        if feed.wanted.kind == "ftp":
            return await ftp.pull(self._allowed, feed)
        return await _BY_HTTP[feed.wanted.kind](session, feed)

    async def _taken(self, feed: Feed, found: Pulled) -> str:
        """Its SHA-256; what is the same as before is not read again."""
        taken = await take(
            self._book, self._inbox, feed.dataset, found.name, found.parts, feed.wanted.hints, feed.made_by,
            feed.wanted.address, feed.sha256,
        )  # fmt: skip
        return taken.sha256
