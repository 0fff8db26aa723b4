"""An app's own pages, by HTTP on a unix socket in its data folder. Who looks at them the gateway says; it lets nobody else through."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import h11

from madang.sdk.html import Html
from madang.sdk.plan import OnRequest, PageOf

log = logging.getLogger(__name__)
BODY_MAX_BYTES = 1024 * 1024
CONNECTIONS_MAX = 32
IDLE_S = 30.0
READ_BYTES = 64 * 1024


@dataclass(frozen=True)
class Viewer:
    """Who looks: by a name that means nothing elsewhere (empty: nobody who signed in), with the roles that count now, in `ko` or `en`."""

    pseudonym: str = ""
    roles: frozenset[str] = frozenset()
    language: str = "en"


@dataclass(frozen=True)
class PageRequest:
    """`path` below the app's own root; of a repeated parameter the last counts."""

    method: str
    path: str
    query: Mapping[str, str]
    viewer: Viewer
    body: bytes = b""
    root: str = "/"

    def link(self, path: str) -> str:
        """The address of another page or file of the app."""
        return self.root + path.lstrip("/")

    def form(self) -> dict[str, str]:
        """The fields of a form. Raises ValueError."""
        return _last_of(self.body.decode("utf-8"))

    def json(self) -> Any:
        """Raises ValueError."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What a page answers when it is neither HTML nor JSON."""

    body: bytes = b""
    status: int = 200
    media: str = "text/plain; charset=utf-8"
    location: str = ""


def reply_of(made: Any) -> Reply:
    """Of what a handler returned. Raises TypeError."""
    if isinstance(made, Reply):
        return made
    if isinstance(made, Html | str):
        return Reply(str(made).encode(), media="text/html; charset=utf-8")
    if isinstance(made, dict | list):
        return Reply(json.dumps(made, ensure_ascii=False).encode(), media="application/json")
    raise TypeError(f"a page gives HTML, JSON or a Reply, not {type(made).__name__}")


def see_other(path: str) -> Reply:
    """After a form: to another page of the app, below its root, by GET."""
    return Reply(status=303, location=path)


def file_of(path: Path) -> OnRequest:
    """A page that is a file."""
    media = mimetypes.guess_type(path.name)[0] or "application/octet-stream"

    async def answer(request: PageRequest) -> Reply:
        return Reply(path.read_bytes(), media=media)

    return answer


@dataclass
class Pages:
    """Answers as the plan says, one after another with whatever else the app does (`turn`)."""

    plan: list[PageOf]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    open: int = 0

    async def answer(self, request: PageRequest) -> Reply:
        """Never raises: what fails is logged and told as a 500."""
        here = [one for one in self.plan if one.path.strip("/") == request.path.strip("/")]
        one = next(
            (one for one in here if ("GET" if request.method == "HEAD" else request.method) in one.methods), None
        )
        if one is None:
            return Reply(b"not here", 405 if here else 404)
        try:
            async with self.turn:
                return reply_of(await one.handler(request))
        except Exception:
            log.exception("page %s failed", request.path)
            return Reply(b"this page does not work now", 500)

    async def serve(self, path: Path) -> None:
        """Until cancelled."""
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._connected, path, limit=READ_BYTES)
        async with server:
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            if self.open <= CONNECTIONS_MAX:
                await _converse(self.answer, reader, writer)
        except (OSError, TimeoutError, h11.ProtocolError) as error:
            log.debug("a connection of the pages ended: %r", error)
        finally:
            self.open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


Answering = Callable[[PageRequest], Awaitable[Reply]]


async def _converse(answer: Answering, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    state = h11.Connection(h11.SERVER)
    while True:
        async with asyncio.timeout(IDLE_S):
            request = await _receive(state, reader)
        if request is None:
            return
        reply = await answer(request)
        headers = [("content-type", reply.media), ("content-length", str(len(reply.body)))]
        headers += [("location", reply.location)] if reply.location else []
        out = state.send(h11.Response(status_code=reply.status, headers=headers)) or b""
        out += (state.send(h11.Data(reply.body)) or b"") if request.method != "HEAD" else b""
        out += state.send(h11.EndOfMessage()) or b""
        writer.write(out)
        await writer.drain()
        if state.our_state is not h11.DONE:
            return
        state.start_next_cycle()


async def _receive(state: h11.Connection, reader: asyncio.StreamReader) -> PageRequest | None:
    """None when the other side hung up."""
    head: Any = None
    parts: list[bytes] = []
    while True:
        event: Any = state.next_event()
        if event is h11.NEED_DATA:
            state.receive_data(await reader.read(READ_BYTES))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            parts.append(bytes(event.data))
            if sum(map(len, parts)) > BODY_MAX_BYTES:
                raise OSError("the request is too large")
        elif isinstance(event, h11.EndOfMessage):
            return _request(head, b"".join(parts))
        else:
            return None


def _request(head: h11.Request, body: bytes) -> PageRequest:
    told = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    path, _, query = head.target.decode("latin-1").partition("?")
    roles = frozenset(told.get("madang-roles", "").split())
    viewer = Viewer(told.get("madang-viewer", ""), roles, told.get("madang-language", "en"))
    root = told.get("madang-root", "/")
    return PageRequest(head.method.decode("ascii"), unquote(path), _last_of(query), viewer, body, root)


def _last_of(text: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True, max_num_fields=200).items()}
