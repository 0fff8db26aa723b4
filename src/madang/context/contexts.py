"""Contexts that clients name: compiled once, kept in a bounded cache, fetched only through the guard."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections import OrderedDict
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from madang.base.errors import BadRequest, ContextUnavailable
from madang.base.limits import CONTEXT_CACHE_MAX, CONTEXT_FETCH_MAX_BYTES, CONTEXT_FETCH_TIMEOUT_S
from madang.model.context import CORE, Context, compile_context, is_core_url, urls_of

MAX_REDIRECTS = 3
MAX_DOCUMENTS = 32


def allow_private() -> bool:
    """Whether contexts may be fetched from private addresses (a city's own server): `MADANG_CONTEXT_PRIVATE=1`."""
    return os.environ.get("MADANG_CONTEXT_PRIVATE") == "1"


class Contexts:
    """Answers `@context` values with compiled contexts."""

    def __init__(self, private: bool | None = None) -> None:
        self._private = allow_private() if private is None else private
        self._compiled: OrderedDict[bytes, Context] = OrderedDict()
        self._documents: OrderedDict[str, Any] = OrderedDict()

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
            document = self._documents.get(url)
            if document is None:
                document = await fetch(url, self._private)
                self._documents[url] = document
                while len(self._documents) > CONTEXT_CACHE_MAX:
                    self._documents.popitem(last=False)
            documents[url] = document
            if isinstance(document, dict):
                todo += urls_of(document.get("@context"))
        return documents


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
