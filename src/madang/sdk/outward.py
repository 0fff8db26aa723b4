"""Out of the city: HTTP to the hosts that the manifest names under `egress`, through the city's own way out where there is one
(CONNECT, RFC 9110, 9.3.6). TLS is from end to end: the city sees where to and how much, not what."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import h11

from madang.sdk.door import DoorError
from madang.sdk.http import READ_BYTES, Answer, DoorClosed, receive_answer

FETCH_S = 30.0
HEAD_MAX_BYTES = 8 * 1024


@dataclass(frozen=True)
class Outward:
    """`way_out`: the city's socket, or empty where an app runs by itself. `trust`: None for the machine's own authorities."""

    way_out: str = ""
    token: str = ""
    trust: ssl.SSLContext | None = None

    async def fetch(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Raises DoorError when the city does not let it out there, DoorClosed when nobody answers, ValueError for what is no
        address of the web."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url[:200]!r} is no address of the web")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            async with asyncio.timeout(FETCH_S):
                reader, writer = await self._connect(parts.hostname, port)
                try:
                    if parts.scheme == "https":
                        context = self.trust or ssl.create_default_context()
                        await writer.start_tls(context, server_hostname=parts.hostname)
                    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                    return await _exchange(reader, writer, method, target, {"host": parts.netloc} | dict(headers), body)
                finally:
                    writer.close()
                    with contextlib.suppress(OSError, ssl.SSLError):
                        await writer.wait_closed()
        except (OSError, TimeoutError, h11.ProtocolError) as error:
            raise DoorClosed(f"{parts.hostname}: {error or type(error).__name__}") from error

    async def _connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if not self.way_out:
            return await asyncio.open_connection(host, port)
        reader, writer = await asyncio.open_unix_connection(self.way_out, limit=HEAD_MAX_BYTES)
        place = f"{host}:{port}"
        head = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nProxy-Authorization: Bearer {self.token}\r\n\r\n"
        writer.write(head.encode("ascii"))
        try:
            status = int((await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1])
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError):
            writer.close()
            raise OSError("the way out does not speak HTTP") from None
        if status != 200:
            writer.close()
            raise DoorError(status, {"title": f"the city does not let this app out to {place}"})
        return reader, writer


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
) -> Answer:
    state = h11.Connection(h11.CLIENT, max_incomplete_event_size=READ_BYTES)
    head = {**headers, "content-length": str(len(body)), "connection": "close"}
    parts = [state.send(h11.Request(method=method, target=target, headers=list(head.items())))]
    parts += [state.send(h11.Data(body)), state.send(h11.EndOfMessage())]
    writer.write(b"".join(part or b"" for part in parts))
    await writer.drain()
    answer, _ = await receive_answer(state, reader)
    return answer


def body_of(value: Any) -> tuple[bytes, dict[str, str]]:
    """JSON, text or bytes, with the header that says which; nothing of None."""
    if value is None:
        return b"", {}
    if isinstance(value, bytes):
        return value, {}
    if isinstance(value, str):
        return value.encode(), {"content-type": "text/plain; charset=utf-8"}
    return json.dumps(value).encode(), {"content-type": "application/json"}
