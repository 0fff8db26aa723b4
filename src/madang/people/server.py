"""What of uvicorn's HTTP costs a core its time, made shorter: a whole answer is one write, a connection has one timer.

Only for the cycle of uvicorn's httptools protocol; any other server gets the two messages of ASGI. The names of fields go out as
they are given, so `Location` looks as most servers write it: any case is the same (RFC 9110, 5.1), but not every client knows.
"""

from __future__ import annotations

import os
import socket
import struct
from asyncio import TimerHandle, Transport
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from madang.base.limits import APP_CONNECTIONS_HELD_MAX, APP_CONNECTIONS_MAX, APP_FLOOD_WAIT_S

PEER = "peer_uid"
STRANGERS_UID = 1_000_000  # users above are apps
Fields = Sequence[tuple[bytes, bytes]]
_NO_BODY = frozenset({204, 304})


def cycle_of(send: object) -> RequestResponseCycle | None:
    """The request's place in the server, when it can take a whole answer now."""
    cycle = getattr(send, "__self__", None)
    if not isinstance(cycle, RequestResponseCycle) or cycle.response_started or cycle.flow.write_paused:
        return None
    return cycle


def respond(cycle: RequestResponseCycle, status: int, fields: Fields, body: bytes) -> None:
    """Writes an answer whose length is among its fields. Raises ValueError for a field that would break the message."""
    parts = [STATUS_LINE[status]]
    for name, value in fields:
        parts += (name, b": ", value, b"\r\n")
    lines = len(fields) + 2
    if not cycle.keep_alive:
        parts.append(b"connection: close\r\n")
        lines += 1
    parts.append(b"\r\n")
    head = b"".join(parts)
    if head.count(b"\n") != lines or head.count(b"\r") != lines:
        raise ValueError("a line break in a header field")
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    if cycle.disconnected:
        return
    silent = not body or cycle.scope["method"] == "HEAD" or status in _NO_BODY
    cycle.transport.write(head if silent else head + body)
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()


def body_of(receive: object) -> bytes | None:
    """The whole body of a request when it has come already, as small ones have; None when it must be waited for."""
    cycle = getattr(receive, "__self__", None)
    if not isinstance(cycle, RequestResponseCycle) or cycle.more_body or cycle.waiting_for_100_continue:
        return None
    return None if cycle.disconnected or cycle.response_complete else bytes(cycle.body)


def uid_of(transport: Transport) -> int | None:
    """The user at the other end of a local socket; None for any other."""
    held = transport.get_extra_info("socket")
    if held is None or held.family != socket.AF_UNIX or not hasattr(socket, "SO_PEERCRED"):
        return None
    with socket.socket(fileno=os.dup(held.fileno())) as own:
        data = own.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", data)[1])


def peer_of(scope: Mapping[str, Any]) -> int | None:
    """The user at the other end of a request's connection, when it is a local one."""
    found: int | None = scope.get("state", {}).get(PEER)
    return found


class Protocol(HttpToolsProtocol):
    """A connection that waits for its next request is closed by a timer that looks when it was last used, and is not made anew
    for each request."""

    _waiting_since: float | None = None
    _uid: int | None = None
    _open: ClassVar[Counter[int]] = Counter()

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Of a local socket the kernel knows the user at the other end; one user has so many connections and no more."""
        self._uid = uid_of(transport)
        if self._uid is not None:
            self._open[self._uid] += 1
            self.app_state = {**self.app_state, PEER: self._uid}
        super().connection_made(transport)
        if self._uid is not None and self._uid >= STRANGERS_UID and self._open[self._uid] > APP_CONNECTIONS_MAX:
            self._turn_away(transport, self._open[self._uid])

    def _turn_away(self, transport: Transport, open_ones: int) -> None:
        """Nothing is read of it, and it is ended late, since whoever is refused at once knocks again at once; of very many the rest
        is ended at once."""
        if open_ones > APP_CONNECTIONS_HELD_MAX:
            transport.abort()
            return
        transport.pause_reading()
        self.loop.call_later(APP_FLOOD_WAIT_S, transport.abort)

    def _unset_keepalive_if_required(self) -> None:
        self._waiting_since = None

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._waiting_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self._look_in(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._waiting_since is None:
            return  # a request is being answered: the timer is made when that is done
        left = self._waiting_since + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            super().timeout_keep_alive_handler()
        else:
            self.timeout_keep_alive_task = self._look_in(left)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._uid is not None:
            self._open[self._uid] -= 1
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def _look_in(self, seconds: float) -> TimerHandle:
        return self.loop.call_later(seconds, self.timeout_keep_alive_handler)
