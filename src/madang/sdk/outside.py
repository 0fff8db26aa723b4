"""The way out of the city: HTTPS to the hosts that the manifest names under `egress`. There is no other; a socket of the app's own leads
nowhere.

answer = await outside.fetch("POST", "https://api.example.org/sms", {"content-type": "application/json"}, body)
"""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from madang.base.errors import Forbidden, MadangError, TooLarge, Unavailable

TIMEOUT_S = 30.0
ANSWER_MAX_BYTES = 16 * 1024 * 1024
_HEAD_MAX_BYTES = 4_096


@dataclass(frozen=True)
class Answer:
    """`headers`: names in lower case; of several the last."""

    status: int
    headers: dict[str, str]
    body: bytes


async def fetch(method: str, url: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
    """One request, no redirects. Raises Forbidden for a host that the manifest does not name, Unavailable when nobody answers,
    TooLarge, and ValueError for what is no https address."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError("an address begins with https://")
    return await asyncio.to_thread(_fetch, method, parts.hostname, parts.port or 443, url, headers or {}, body)


def open_socket(host: str, port: int) -> socket.socket:
    """Connected to the other end, without TLS. Raises Forbidden, Unavailable."""
    talk = socket.socket(socket.AF_UNIX)
    talk.settimeout(TIMEOUT_S)
    try:
        talk.connect(os.environ["MADANG_APP_EGRESS"])
        token = os.environ["MADANG_APP_TOKEN"]
        talk.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nProxy-Authorization: Bearer {token}\r\n\r\n".encode())
        status = _status(talk)
    except (OSError, KeyError, ValueError) as error:
        talk.close()
        raise Unavailable(f"there is no way out of the city: {error}") from None
    if status == 200:
        return talk
    talk.close()
    raise _error(status, f"{host}:{port}")


def _error(status: int, place: str) -> MadangError:
    if status in (401, 403):
        return Forbidden(f"{place} is not under egress in the manifest")
    return Unavailable(f"{place} cannot be reached")


def _status(talk: socket.socket) -> int:
    """Byte by byte: what follows belongs to somebody else."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        one = talk.recv(1)
        if not one or len(head) > _HEAD_MAX_BYTES:
            raise ValueError("no answer")
        head += one
    return int(head.split(b" ", 2)[1])


class _Connection(http.client.HTTPSConnection):
    def connect(self) -> None:
        context = ssl.create_default_context()
        self.sock = context.wrap_socket(open_socket(self.host, self.port), server_hostname=self.host)


def _fetch(method: str, host: str, port: int, url: str, headers: dict[str, str], body: bytes) -> Answer:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _Connection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body or None, headers)
        found = connection.getresponse()
        data = found.read(ANSWER_MAX_BYTES + 1)
        if len(data) > ANSWER_MAX_BYTES:
            raise TooLarge(f"an answer has {ANSWER_MAX_BYTES} bytes at most")
        return Answer(found.status, {name.lower(): value for name, value in found.getheaders()}, data)
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{host} does not answer: {error}") from None
    finally:
        connection.close()
