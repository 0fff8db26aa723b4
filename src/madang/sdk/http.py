"""HTTP/1.1 over one kept connection, by h11: a client of the door that costs an idle app few megabytes."""

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

TIMEOUT_S = 10.0
ANSWER_MAX_BYTES = 64 * 1024 * 1024
READ_BYTES = 64 * 1024


class DoorClosed(OSError):
    """Nobody answers, or not in HTTP."""


@dataclass(frozen=True)
class Address:
    """A unix socket's path, or an http URL."""

    socket: str | None
    url: str

    @staticmethod
    def of(text: str) -> Address:
        """Raises ValueError on an empty text."""
        if not text:
            raise ValueError("MADANG_APP_DOOR is empty")
        if text.startswith(("http://", "https://")):
            return Address(None, text.rstrip("/"))
        return Address(text.removeprefix("unix:"), "http://madang")

    @property
    def websocket(self) -> str:
        return "ws" + self.url.removeprefix("http") + "/ws"

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises OSError."""
        if self.socket is not None:
            return await asyncio.open_unix_connection(self.socket)
        parts = urlsplit(self.url)
        secure = ssl.create_default_context() if parts.scheme == "https" else None
        return await asyncio.open_connection(parts.hostname, parts.port or (443 if secure else 80), ssl=secure)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> Any:
        """Raises ValueError."""
        return json.loads(self.body)


class Client:
    """Requests one after another. A connection that the other side gave up is opened anew."""

    def __init__(self, address: Address, head: Mapping[str, str]) -> None:
        self._address, self._head = address, dict(head)
        self._turn = asyncio.Lock()
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._state = h11.Connection(h11.CLIENT)

    async def ask(self, method: str, target: str, body: bytes = b"", media: str = "application/json") -> Answer:
        """Raises DoorClosed. What may be done twice is tried again on a new connection when the kept one was gone."""
        async with self._turn:
            kept = self._stream is not None
            try:
                return await self._within(method, target, body, media)
            except DoorClosed:
                await self.close()
                if not kept or method not in ("GET", "HEAD", "OPTIONS"):
                    raise
                return await self._within(method, target, body, media)

    async def _within(self, method: str, target: str, body: bytes, media: str) -> Answer:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._exchange(method, target, body, media)
        except (OSError, TimeoutError, h11.ProtocolError) as error:
            await self.close()
            raise DoorClosed(f"{method} {target[:200]}: {error or type(error).__name__}") from error
        except asyncio.CancelledError:
            await self.close()
            raise

    async def _exchange(self, method: str, target: str, body: bytes, media: str) -> Answer:
        if self._stream is None or self._stream[0].at_eof():
            await self.close()
            self._stream, self._state = await self._address.connect(), h11.Connection(h11.CLIENT)
        head = self._head | {"host": self._address.host} | ({"content-type": media} if body else {})
        head |= {"content-length": str(len(body))} if body or method not in ("GET", "HEAD") else {}
        request = h11.Request(method=method, target=target, headers=list(head.items()))
        out = [self._state.send(request), self._state.send(h11.Data(body)) if body else b""]
        out.append(self._state.send(h11.EndOfMessage()))
        reader, writer = self._stream
        writer.write(b"".join(part or b"" for part in out))
        await writer.drain()
        answer, closes = await receive_answer(self._state, reader)
        if closes:
            await self.close()
        else:
            self._state.start_next_cycle()
        return answer

    async def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream[1].close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await stream[1].wait_closed()


async def receive_answer(state: h11.Connection, reader: asyncio.StreamReader) -> tuple[Answer, bool]:
    """The answer, and whether the connection ends with it. Raises OSError, h11.ProtocolError."""
    status, parts, size = 0, [], 0
    while True:
        event: Any = state.next_event()
        if event is h11.NEED_DATA:
            state.receive_data(await reader.read(READ_BYTES))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            parts.append(bytes(event.data))
            size += len(event.data)
            if size > ANSWER_MAX_BYTES:
                raise OSError("the answer is too large")
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, b"".join(parts)), state.our_state is h11.MUST_CLOSE
        elif isinstance(event, h11.ConnectionClosed):
            raise OSError("the connection ended within an answer")
