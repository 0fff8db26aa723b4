"""The way out of the city for apps: a local socket that speaks HTTP's CONNECT (RFC 9110, 9.3.6) and leads to the hosts of an app's
manifest, and to no other. What is inside the connection is the app's own affair (TLS from end to end); how much it is, is counted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from madang.base.errors import Forbidden, MadangError, TooMany, Unauthorized
from madang.base.limits import APP_EGRESS_CONNECTIONS_MAX, APP_EGRESS_IDLE_S, APP_EGRESS_TIMEOUT_S
from madang.engine.privilege import APP_UID, is_root
from madang.runtime.apps import Apps
from madang.runtime.doorman import Doorman
from madang.runtime.meter import Meter

_HEAD_MAX_BYTES, _CHUNK = 4_096, 64 * 1024
_REASONS = {200: "Connected", 401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests", 502: "Bad Gateway"}
Resolve = Callable[[str, int], Awaitable[str]]
"""An address to connect to. Raises OSError when there is none that may be reached."""


def socket_of(door: Path) -> Path:
    """Beside the app door."""
    return door.with_name("egress.sock")


class Egress:
    """`resolve`: with the guard against private networks (`engine/outward.py`)."""

    def __init__(self, apps: Apps, doorman: Doorman, meter: Meter, resolve: Resolve) -> None:
        self._apps, self._doorman, self._meter, self._resolve = apps, doorman, meter, resolve
        self._open: Counter[str] = Counter()

    async def run(self, path: Path) -> None:
        """For ever."""
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, path=str(path), limit=_HEAD_MAX_BYTES)
        if is_root():
            os.chown(path, 0, APP_UID)
        path.chmod(0o660)
        async with server:
            await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        app_id = ""
        try:
            async with asyncio.timeout(APP_EGRESS_TIMEOUT_S):
                place, token = read_connect(await reader.readuntil(b"\r\n\r\n"))
                app_id = await self._admit(token, place, _uid_of(writer))
                self._open[app_id] += 1
                host, _, port = place.rpartition(":")
                outside = await asyncio.open_connection(await self._resolve(host, int(port)), int(port))
            _answer(writer, 200)
            await self._join(app_id, reader, writer, *outside)
        except MadangError as error:
            _answer(writer, error.status)
        except (OSError, TimeoutError):
            _answer(writer, 502)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            _answer(writer, 403)
        finally:
            if app_id:
                self._open[app_id] -= 1
            writer.close()

    async def _admit(self, token: str, place: str, uid: int | None) -> str:
        """Whose token it is, when its app may go there. Raises Unauthorized, Forbidden, TooMany."""
        claim = await self._apps.claim(token)
        if claim is None:
            await self._doorman.stranger(uid)
            raise Unauthorized("this token opens nothing here")
        await self._doorman.check(claim, uid)
        app_id = claim.principal.id
        if place not in (await self._apps.manifest(app_id)).egress:
            self._doorman.tell(app_id, "egress_refused", place[:200])
            raise Forbidden(f"its manifest does not name {place[:200]}")
        if self._open[app_id] >= APP_EGRESS_CONNECTIONS_MAX:
            raise TooMany("too many connections outside")
        return app_id

    async def _join(
        self,
        app_id: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far: asyncio.StreamReader,
        near: asyncio.StreamWriter,
    ) -> None:
        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while True:
                async with asyncio.timeout(APP_EGRESS_IDLE_S):
                    data = await source.read(_CHUNK)
                if not data:
                    break
                self._meter.count(app_id, "", {"egress_bytes": len(data)})
                sink.write(data)
                await sink.drain()
            if sink.can_write_eof():
                sink.write_eof()

        try:
            await asyncio.gather(pump(reader, near), pump(far, writer))
        finally:
            near.close()


def read_connect(head: bytes) -> tuple[str, str]:
    """`host:port` and token of a request. Raises ValueError for any other."""
    first, *fields = head.decode("ascii").split("\r\n")
    method, place, version = first.split(" ")
    found = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields) if name}
    kind, _, token = found.get("proxy-authorization", "").partition(" ")
    if method != "CONNECT" or version != "HTTP/1.1" or kind.lower() != "bearer":
        raise ValueError("only CONNECT, with a token")
    return place.lower(), token.strip()


def _answer(writer: asyncio.StreamWriter, status: int) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        writer.write(f"HTTP/1.1 {status} {_REASONS.get(status, 'Refused')}\r\n\r\n".encode())


def _uid_of(writer: asyncio.StreamWriter) -> int | None:
    held = writer.get_extra_info("socket")
    if held is None or not hasattr(socket, "SO_PEERCRED"):
        return None
    with socket.socket(fileno=os.dup(held.fileno())) as own:
        return int(struct.unpack("3i", own.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))[1])
