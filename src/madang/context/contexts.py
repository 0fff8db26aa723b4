"""Contexts that clients name: compiled once, kept in a bounded cache, stored, fetched only through the guard."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from madang.base.errors import BadRequest, ContextUnavailable, MadangError
from madang.base.limits import CONTEXT_CACHE_MAX, CONTEXT_FETCH_MAX_BYTES, CONTEXT_FETCH_TIMEOUT_S
from madang.context.catalogue import Catalogue, Stored, own_id
from madang.engine.outward import Network, networks_of_city, open_session, read_bounded
from madang.model.context import CORE, Context, compile_context, is_core_url, urls_of

MAX_REDIRECTS = 3
MAX_DOCUMENTS = 32


class Contexts:
    """Answers `@context` values with compiled contexts. With a catalogue, what was fetched outlives this process."""

    def __init__(self, catalogue: Catalogue | None = None) -> None:
        self._allowed = networks_of_city()
        self._compiled: OrderedDict[bytes, Context] = OrderedDict()
        self._catalogue = catalogue
        self._change = 0

    async def get(self, source: Any) -> Context:
        """Raises BadRequest for what is no context, ContextUnavailable for what cannot be fetched."""
        if source is None or (isinstance(source, str) and is_core_url(source)):
            return CORE
        if not isinstance(source, str | dict | list):
            raise BadRequest("@context must be a URL, an object or an array of them")
        key = msgspec.json.encode(source)
        found = self._compiled.get(key)
        if found is None:
            found = compile_context(source, await self._gather(source))
            if found.is_core:
                found = CORE
            self._compiled[key] = found
            while len(self._compiled) > CONTEXT_CACHE_MAX:
                self._compiled.popitem(last=False)
        return found

    async def _gather(self, source: Any) -> dict[str, Any]:
        documents: dict[str, Any] = {}
        todo = urls_of(source)
        while todo:
            url = todo.pop()
            if url in documents:
                continue
            if len(documents) >= MAX_DOCUMENTS:
                raise BadRequest(f"@context names more than {MAX_DOCUMENTS} documents")
            documents[url] = await self._document(url)
            if isinstance(documents[url], dict):
                todo += urls_of(documents[url].get("@context"))
        return documents

    async def _document(self, url: str) -> Any:
        if self._catalogue is None:
            return await fetch(url, self._allowed)
        stored = await self._catalogue.find(own_id(url) or url)
        if stored is None:
            stored = await self._catalogue.cache(url, await fetch(url, self._allowed))
        return stored.body

    async def reload(self, stored: Stored) -> None:
        """Fetches a cached context again. Raises ContextUnavailable and keeps the old copy when that fails."""
        assert self._catalogue is not None
        assert stored.url is not None
        try:
            document = await fetch(stored.url, self._allowed)
            check_source(document["@context"])
        except (MadangError, KeyError, TypeError) as error:
            raise ContextUnavailable(f"@context {stored.url}: {error}") from None
        await self._catalogue.cache(stored.url, document)
        await self.forget()

    async def forget(self) -> None:
        """After a stored context changed: nothing compiled is true any more, here and in other processes."""
        self._compiled.clear()
        if self._catalogue is not None:
            await self._catalogue.tell_change()
            self._change = await self._catalogue.change()

    async def follow(self) -> None:
        """One look at what other processes changed and at what has expired."""
        assert self._catalogue is not None
        change = await self._catalogue.change()
        if change != self._change:
            self._compiled.clear()
            self._change = change
        for stored in await self._catalogue.expired():
            with contextlib.suppress(ContextUnavailable):  # a server that is away for a while loses no names
                await self.reload(stored)


def check_source(source: Any) -> None:
    """Whether a `@context` value can be one, as far as it says by itself. Raises BadRequest."""
    nothing: dict[str, Any] = {"@context": {}}
    compile_context(source, {url: nothing for url in urls_of(source)})


async def fetch(url: str, allowed: Sequence[Network]) -> Any:
    """The JSON at `url`: by http(s), within size, time and redirects, never from a private address unless allowed. Raises
    BadRequest for another scheme, ContextUnavailable."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadRequest(f"@context must be an http(s) URL: {url[:200]}")
    try:
        async with asyncio.timeout(CONTEXT_FETCH_TIMEOUT_S), open_session(allowed) as session:
            headers = {"accept": "application/ld+json, application/json"}
            async with session.get(url, headers=headers, max_redirects=MAX_REDIRECTS) as response:
                response.raise_for_status()
                return msgspec.json.decode(await read_bounded(response, CONTEXT_FETCH_MAX_BYTES))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise ContextUnavailable(f"@context {url}: {error or type(error).__name__}") from None
