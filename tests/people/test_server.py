"""The server's short way: what clients see on the wire is HTTP/1.1 as ever."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

from madang.engine.settings import listen_on
from madang.people import server
from madang.people.http import Receive, Response, Scope, Send, send_response
from madang.people.server import Protocol

Ask = Callable[[bytes], Awaitable[bytes]]
KEEP_ALIVE_S = 0.2


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Tells what it was asked for; `/broken` tells a header field with a line break in it."""
    message = await receive()
    text = b"a\r\nb: c" if scope["path"] == "/broken" else b"/here"
    await send_response(send, Response(200, scope["raw_path"] + message["body"], [(b"Location", text)]))


@asynccontextmanager
async def serving_on(held: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(app, http=Protocol, lifespan="off", log_level="critical", server_header=False)
    config.timeout_keep_alive = KEEP_ALIVE_S  # type: ignore[assignment]
    config.date_header = False
    serving_one = uvicorn.Server(config)
    serving = asyncio.create_task(serving_one.serve(sockets=[held]))
    yield
    serving_one.should_exit = True
    await serving


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Sends bytes and reads all there is until the server closes."""
    held = listen_on("127.0.0.1", None)
    port = held.getsockname()[1]

    async def asking(sent: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        found = await reader.read()
        writer.close()
        return found

    async with serving_on(held):
        yield asking


def answer(body: bytes, head: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nLocation: /here\r\ncontent-length: %d\r\n%s\r\n%s" % (len(body), head, body)


async def test_requests_of_one_connection_are_answered_in_turn_and_an_idle_one_is_closed(ask: Ask) -> None:
    found = await ask(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
    assert found == answer(b"/1") + answer(b"/2abc")


async def test_a_head_has_the_length_and_not_the_body(ask: Ask) -> None:
    found = await ask(b"HEAD /1 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert found == b"HTTP/1.1 200 OK\r\nLocation: /here\r\ncontent-length: 2\r\n\r\n"


async def test_a_client_that_wants_it_closed_is_told_so(ask: Ask) -> None:
    close = b"connection: close\r\n"
    assert await ask(b"GET /1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") == answer(b"/1", close)
    assert await ask(b"GET /1 HTTP/1.0\r\nHost: x\r\n\r\n") == answer(b"/1", close)


async def test_a_body_that_waits_for_leave_gets_it_once(ask: Ask) -> None:
    head = b"POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"
    assert await ask(head + b"a") == b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"/1a")


async def test_a_line_break_in_a_field_is_no_second_field(ask: Ask) -> None:
    found = await ask(b"GET /broken HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 500 ") and b"b: c" not in found


async def test_whoever_holds_too_many_local_connections_waits_to_be_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"STRANGERS_UID": 0, "APP_CONNECTIONS_MAX": 2, "APP_CONNECTIONS_HELD_MAX": 3, "APP_FLOOD_WAIT_S": 0.3}
    for name, value in limits.items():
        monkeypatch.setattr(server, name, value)
    held = socket.socket(socket.AF_UNIX)
    held.bind(str(tmp_path / "door"))

    async def waited(_: int) -> tuple[bytes, bool]:
        began = asyncio.get_running_loop().time()
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "door"))
        writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            found = await reader.read()
        except ConnectionResetError:
            found = b""
        writer.close()
        return found[:12], asyncio.get_running_loop().time() - began > 0.15

    async with serving_on(held):
        found = await asyncio.gather(*map(waited, range(4)))
    # Which of them came first is the kernel's.
    assert sorted(found) == [(b"", False), (b"", True), (b"HTTP/1.1 200", True), (b"HTTP/1.1 200", True)]
