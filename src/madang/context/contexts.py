"""Contexts that clients name: compiled once, kept in a bounded cache, stored, fetched only through the guard."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
from collections import OrderedDict
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from madang.base.errors import BadRequest, ContextUnavailable, MadangError
from madang.base.limits import CONTEXT_CACHE_MAX, CONTEXT_FETCH_MAX_BYTES, CONTEXT_FETCH_TIMEOUT_S
from madang.context.catalogue import Catalogue, Stored, own_id
from madang.model.context import CORE, Context, compile_context, is_core_url, urls_of

MAX_REDIRECTS = 3
MAX_DOCUMENTS = 32


def allow_private() -> bool:
    """Whether contexts may be fetched from private addresses (a city's own server): `MADANG_CONTEXT_PRIVATE=1`."""
    return os.environ.get("MADANG_CONTEXT_PRIVATE") == "1"


class Contexts:
    """Answers `@context` values with compiled contexts. With a catalogue, what was fetched outlives this process."""

    def __init__(self, private: bool | None = None, catalogue: Catalogue | None = None) -> None:
        self._private = allow_private() if private is None else private
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
            return await fetch(url, self._private)
        stored = await self._catalogue.find(own_id(url) or url)
        if stored is None:
            stored = await self._catalogue.cache(url, await fetch(url, self._private))
        return stored.body

    async def reload(self, stored: Stored) -> None:
        """Fetches a cached context again. Raises ContextUnavailable and keeps the old copy when that fails."""
        assert self._catalogue is not None
        assert stored.url is not None
        try:
            document = await fetch(stored.url, self._private)
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


async def fetch(url: str, private: bool) -> Any:
    """The JSON at `url`: by http(s), within size, time and redirects, never from a private address unless allowed.

    The address that was checked is the address that is asked, so a name cannot change its mind in between.
    """
    async with asyncio.timeout(CONTEXT_FETCH_TIMEOUT_S):
        for _ in range(MAX_REDIRECTS + 1):
            try:
                response = await _fetch_once(url, private)
            except (httpx.HTTPError, OSError, TimeoutError, ValueError) as error:
                raise ContextUnavailable(f"@context {url}: {error or type(error).__name__}") from None
            if isinstance(response, str):
                url = urljoin(url, response)
                continue
            return response
    raise ContextUnavailable(f"@context {url}: too many redirects")


async def _fetch_once(url: str, private: bool) -> Any:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadRequest(f"@context must be an http(s) URL: {url[:200]}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = await _address(parts.hostname, port, private)
    host = f"[{address}]" if ":" in address else address
    target = parts._replace(netloc=f"{host}:{port}").geturl()
    headers = {"host": parts.netloc, "accept": "application/ld+json, application/json"}
    async with (
        httpx.AsyncClient(timeout=CONTEXT_FETCH_TIMEOUT_S, trust_env=False) as client,
        client.stream("GET", target, headers=headers, extensions={"sni_hostname": parts.hostname}) as response,
    ):
        if response.is_redirect:
            return str(response.headers["location"])
        response.raise_for_status()
        data = b""
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > CONTEXT_FETCH_MAX_BYTES:
                raise ValueError(f"larger than {CONTEXT_FETCH_MAX_BYTES} bytes")
    return msgspec.json.decode(data)


async def _address(host: str, port: int, private: bool) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, address in found:
        if private or ipaddress.ip_address(address[0]).is_global:
            return str(address[0])
    raise ValueError("private addresses are not asked")
