"""One request to an app's pages: through the socket in its folder and no other, and of the answer what a frame may have."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import httpx

from madang.base.errors import NotFound, TooMany, Unavailable
from madang.base.limits import FRAME_ANSWER_MAX_BYTES, FRAME_TIMEOUT_S, FRAMES_AT_ONCE
from madang.people.http import Response

SOCKET = "pages.sock"
MEDIA = re.compile(
    r"(?:text/(?:html|css|javascript|plain|csv)|application/(?:json|geo\+json)|image/(?:png|jpeg|webp|svg\+xml)|font/woff2)"
    r"(?:; ?charset=[\w-]+)?\Z"
)
_LOCATION = re.compile(r"/?[\w\-./~%]*(?:\?[\w\-./~%=&+]*)?\Z")


class Forwarder:
    """`folder`: where each app has its data, by id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._busy: dict[str, int] = {}

    async def forward(
        self, app: str, method: str, target: str, headers: Mapping[str, str], body: bytes, root: str
    ) -> Response:
        """The app's answer, cut to what a frame may have; `root`: where the app's own `/` is. Raises NotFound, TooMany, Unavailable."""
        if self._busy.get(app, 0) >= FRAMES_AT_ONCE:
            raise TooMany("this app's pages are asked for too often at once", wait_s=1)
        self._busy[app] = self._busy.get(app, 0) + 1
        try:
            async with asyncio.timeout(FRAME_TIMEOUT_S):
                return await self._ask(app, method, target, headers, body, root)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise Unavailable(f"the app does not answer: {type(error).__name__}") from None
        finally:
            self._busy[app] -= 1

    async def _ask(
        self, app: str, method: str, target: str, headers: Mapping[str, str], body: bytes, root: str
    ) -> Response:
        handle = open_socket(self._folder / app / SOCKET)
        try:
            transport = httpx.AsyncHTTPTransport(uds=f"/proc/self/fd/{handle}")
            async with httpx.AsyncClient(transport=transport, timeout=FRAME_TIMEOUT_S, trust_env=False) as client:
                request = client.build_request(method, f"http://app{target}", headers=dict(headers), content=body)
                answer = await client.send(request, stream=True)
                return await _taken(answer, root)
        finally:
            os.close(handle)


def open_socket(path: Path) -> int:
    """A handle on exactly this socket: an app could put a link to another one in its folder. Raises NotFound."""
    with suppress(OSError):
        handle = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        if stat.S_ISSOCK(os.fstat(handle).st_mode):
            return handle
        os.close(handle)
    raise NotFound("this app shows no pages now")


async def _taken(answer: httpx.Response, root: str) -> Response:
    """Raises Unavailable for an answer that a frame may not have."""
    parts, size = [], 0
    async for part in answer.aiter_raw():
        parts.append(part)
        size += len(part)
        if size > FRAME_ANSWER_MAX_BYTES:
            raise Unavailable(f"the app's answer has more than {FRAME_ANSWER_MAX_BYTES} bytes")
    media = answer.headers.get("content-type", "text/plain")
    if not MEDIA.match(media) or "content-encoding" in answer.headers:
        raise Unavailable("the app answered with something that no page has")
    headers = [(b"content-type", media.encode())]
    location = answer.headers.get("location", "")
    if location and _LOCATION.match(location) and not location.startswith("//"):
        headers.append((b"location", f"{root}{location.lstrip('/')}".encode()))
    return Response(answer.status_code, b"".join(parts), headers)
