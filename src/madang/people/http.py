"""The thin edge of HTTP: a request read within limits, a response, and errors as problem details (RFC 7807)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
import structlog

from madang.base.errors import (
    BadRequest,
    InvalidRequest,
    MadangError,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    UnsupportedMedia,
    trace_of,
)
from madang.base.limits import BODY_MAX_BYTES, JSON_MAX_DEPTH
from madang.engine.database import LOST, explain
from madang.people.server import body_of, cycle_of, respond
from madang.trust.caller import NOBODY, Caller

log = structlog.get_logger()
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
encode = msgspec.json.Encoder().encode
_DECODER = msgspec.json.Decoder()
PATH_LOGGED_CHARS = 200
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_SIGNS = bytes(byte for byte in range(256) if byte not in b'[]{}"')
JSON_TYPES = frozenset(
    {"application/json", "application/ld+json", "application/merge-patch+json", "application/geo+json"}
)


@dataclass(slots=True)
class Response:
    """Status, ready body, headers (names in lower case). `length`: bytes of a body that HEAD leaves out; `entities`: how many
    are told in it; `written`: how many things a request that writes has done; `stream`: a body that comes by and by."""

    status: int = 200
    body: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    length: int | None = None
    entities: int = 0
    written: int = 1
    stream: AsyncIterator[bytes] | None = None

    @classmethod
    def json(cls, value: Any, status: int = 200, media: bytes = b"application/json") -> Response:
        return cls(status, encode(value), [(b"content-type", media)])


@lru_cache(maxsize=256)
def _media_type(header: bytes) -> str:
    return header.decode("latin-1").partition(";")[0].strip().lower()


@lru_cache(maxsize=4_096)
def parse_query_string(raw: bytes) -> Mapping[str, str]:
    """Parameters by name; the last of a repeated name counts. Remembered: pages and screens ask the same again and again.
    Raises BadRequest, also for a NUL, which no text in the database can hold."""
    if b"%00" in raw:
        raise BadRequest("the query string holds a NUL character")
    try:
        return MappingProxyType(dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True)))
    except (UnicodeDecodeError, ValueError):
        raise BadRequest("the query string cannot be read") from None


class Request:
    """One HTTP request. Header names are lower-case bytes; `parts` are the path segments after the mount, unquoted."""

    __slots__ = ("_body", "_receive", "caller", "headers", "media_type", "method", "parts", "scope", "source")

    def __init__(self, scope: Scope, receive: Receive, parts: list[str], caller: Caller = NOBODY) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.parts = parts
        self.caller = caller
        self.source = ""
        self._receive = receive
        self._body: bytes | None = None
        self.media_type = _media_type(self.headers.get(b"content-type", b""))

    @property
    def raw_query(self) -> bytes:
        raw: bytes = self.scope["query_string"]
        return raw

    @property
    def query(self) -> Mapping[str, str]:
        """The query string; the last value of a repeated name counts. Raises BadRequest."""
        return parse_query_string(self.scope["query_string"])

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")

    async def body(self, max_bytes: int = BODY_MAX_BYTES) -> bytes:
        """The whole body. Raises TooLarge before more than the limit is held in memory."""
        if self._body is not None:
            return self._body
        declared = self.headers.get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > max_bytes:
            raise TooLarge(f"the body may have {max_bytes} bytes")
        found = body_of(self._receive)
        self._body = await self._received(max_bytes) if found is None else found
        if len(self._body) > max_bytes:  # nothing was declared
            raise TooLarge(f"the body may have {max_bytes} bytes")
        return self._body

    async def _received(self, max_bytes: int) -> bytes:
        chunks, size, more = [], 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise BadRequest("the caller went away")
            chunk, more = message.get("body", b""), message.get("more_body", False)
            size += len(chunk)
            if size > max_bytes:
                raise TooLarge(f"the body may have {max_bytes} bytes")
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def parts_of_body(self) -> AsyncIterator[bytes]:
        """The body as it comes, for what is larger than memory; whoever reads it counts. Raises BadRequest when the caller leaves."""
        found, more = body_of(self._receive), True
        if found is not None:
            yield found
            return
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise BadRequest("the caller went away")
            more = message.get("more_body", False)
            yield message.get("body", b"")

    def with_body(self, body: bytes) -> Request:
        """The same request with another body."""
        other = Request(self.scope, self._receive, self.parts, self.caller)
        other._body = body
        return other

    def silent(self) -> Request:
        """Whoever asks, without parameters and header fields."""
        return Request({**self.scope, "headers": [], "query_string": b""}, self._receive, self.parts, self.caller)

    async def json(self, media: frozenset[str] = JSON_TYPES) -> Any:
        """The body as JSON. Raises UnsupportedMedia, InvalidRequest."""
        if self.media_type not in media:
            raise UnsupportedMedia(f"content type {self.media_type or 'missing'!r} is not taken here")
        return decode_json(await self.body())


def decode_json(data: bytes) -> Any:
    """JSON within the depth limit. Raises InvalidRequest."""
    if data.count(b"[") + data.count(b"{") > JSON_MAX_DEPTH and _too_deep(data):
        raise InvalidRequest(f"JSON is nested deeper than {JSON_MAX_DEPTH}, or its brackets do not match")
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"not JSON in UTF-8: {error}") from None


def _too_deep(data: bytes) -> bool:
    """Whether brackets nest too deep outside of strings: innermost pairs are taken away, a level a turn, so that no parser
    recurses into an attack. What is not balanced stays over and is no JSON anyway."""
    if b"\\" not in data:
        # Without escapes a pair of quotes with no bracket between says nothing: that is nearly all of them.
        data = data.translate(None, _NO_SIGNS).replace(b'""', b"")
    left = _STRING.sub(b"", data).translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(JSON_MAX_DEPTH):
        before, left = len(left), left.replace(b"[]", b"")
        if len(left) == before:
            break
    return bool(left)


def split_path(path: str) -> list[str]:
    """Segments of the raw path, each unquoted by itself, so that an id may hold an encoded slash."""
    return [unquote(part) if "%" in part else part for part in path.split("/") if part]


def problem(error: MadangError, media: bytes = b"application/problem+json") -> Response:
    response = Response.json(error.problem(), error.status, media)
    if isinstance(error, MethodNotAllowed):
        response.headers.append((b"allow", ", ".join(error.allow).encode()))
    if "wait_s" in error.extra:
        response.headers.append((b"retry-after", str(error.extra["wait_s"]).encode()))
    return response


Handler = Callable[[Request], Awaitable[Response]]


async def guarded(admit: Callable[[Request], Awaitable[None]], handler: Handler, request: Request) -> Response:
    """What the handler makes of a request that `admit` lets in, or the problem one of them raised. What nobody foresaw is
    logged and answered 500 without details."""
    try:
        await admit(request)
        return await handler(request)
    except MadangError as error:
        return problem(error)
    except LOST as error:
        return problem(explain(error))
    except Exception as error:
        path = request.scope["path"][:PATH_LOGGED_CHARS]
        log.error("unforeseen error", method=request.method, path=path, trace=trace_of(error))
        return problem(MadangError())


async def send_response(send: Send, response: Response, extra: list[tuple[bytes, bytes]] | None = None) -> None:
    """The server sends no body after HEAD (RFC 9110, 9.3.2); its length is told all the same."""
    if response.stream is not None:
        await _send_stream(send, response, response.stream, extra or [])
        return
    headers = [*response.headers]
    if response.status != 204:
        length = len(response.body) if response.length is None else response.length
        headers.append((b"content-length", str(length).encode()))
    if extra:
        headers += extra
    cycle = cycle_of(send)
    if cycle is not None:
        respond(cycle, response.status, headers, response.body)
        return
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def _send_stream(
    send: Send, response: Response, parts: AsyncIterator[bytes], extra: list[tuple[bytes, bytes]]
) -> None:
    """What breaks off half-way raises, so that the server breaks off, too."""
    await send({"type": "http.response.start", "status": response.status, "headers": [*response.headers, *extra]})
    async for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def pick_method(request: Request, handlers: Mapping[str, Handler]) -> Handler:
    """The handler of the request's method; HEAD is a GET. Raises MethodNotAllowed with what is allowed."""
    handler = handlers.get("GET" if request.method == "HEAD" else request.method)
    if handler is None:
        raise MethodNotAllowed(f"{request.method} is not possible here", methods_of(handlers))
    return handler


def methods_of(handlers: Mapping[str, Handler]) -> list[str]:
    """What `Allow` tells: whoever answers GET answers HEAD."""
    return sorted(handlers.keys() | ({"HEAD"} if "GET" in handlers else set()))


def nothing_here(request: Request) -> NotFound:
    return NotFound(f"nothing at {request.scope['path'][:PATH_LOGGED_CHARS]}")
