"""A file at an FTP server (RFC 959; RFC 3659 for size and time of change), passive, without a name unless the address has one."""

from __future__ import annotations

import asyncio
import ftplib
from collections.abc import AsyncIterator, Sequence
from urllib.parse import unquote, urlsplit

from madang.base.limits import LAKE_FEED_TIMEOUT_S
from madang.engine.outward import Network, resolve
from madang.lake.feeds.feed import Feed, Pulled

_CHUNK_BYTES = 256 * 1024


async def pull(allowed: Sequence[Network], feed: Feed) -> Pulled | None:
    """Raises OSError, ftplib.Error."""
    parts = urlsplit(feed.wanted.address)
    host = await resolve(parts.hostname or "", parts.port or 21, allowed)
    client = await asyncio.to_thread(
        _open, host, parts.port or 21, unquote(parts.username or ""), unquote(parts.password or "")
    )
    path = unquote(parts.path)
    try:
        tag = await asyncio.to_thread(_tag, client, path)
    except BaseException:
        client.close()
        raise
    if tag and tag == feed.etag:
        await asyncio.to_thread(client.quit)
        return None
    return Pulled(path.rpartition("/")[2], _parts(client, path), tag)


def _open(host: str, port: int, user: str, password: str) -> ftplib.FTP:
    client = ftplib.FTP(timeout=LAKE_FEED_TIMEOUT_S)  # noqa: S321 - what a city's old systems speak, of public files
    client.connect(host, port)
    client.login(user, password)
    client.voidcmd("TYPE I")
    return client


def _tag(client: ftplib.FTP, path: str) -> str:
    """Size and time of change; empty where the server does not tell them."""
    try:
        return f"{client.size(path)} {client.voidcmd(f'MDTM {path}')}"
    except ftplib.error_perm:
        return ""


async def _parts(client: ftplib.FTP, path: str) -> AsyncIterator[bytes]:
    """The data connection goes to the same host, whatever the server says (ftplib's way)."""
    try:
        data = await asyncio.to_thread(client.transfercmd, f"RETR {path}")
        with data:
            while part := await asyncio.to_thread(data.recv, _CHUNK_BYTES):
                yield part
        await asyncio.to_thread(client.voidresp)
    finally:
        client.close()
