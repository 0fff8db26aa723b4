"""Files of the page and the city's tiles: whole, by range, pre-compressed where the build made it so."""

from __future__ import annotations

import mimetypes
import re
from email.utils import formatdate
from pathlib import Path

from madang.base.errors import MethodNotAllowed, NotFound
from madang.people.http import Request, Response

_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")
RANGE_MAX_BYTES = 8 * 1024 * 1024
mimetypes.add_type("application/vnd.pmtiles", ".pmtiles")
mimetypes.add_type("text/javascript", ".js")


class Files:
    """The files below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    async def handle(self, request: Request) -> Response:
        """Raises NotFound, also for what lies outside of the folder."""
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("files can only be read", allow=["GET", "HEAD"])
        parts = request.parts or ["index.html"]
        if any("\x00" in part or "/" in part for part in parts):
            raise NotFound("no such file")
        path = self._folder.joinpath(*parts).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            raise NotFound(f"no file {'/'.join(parts)[:200]}")
        return _answer(request, path)


def _answer(request: Request, path: Path) -> Response:
    stat = path.stat()
    tag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'.encode()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    charset = "; charset=utf-8" if kind.startswith("text/") or kind.endswith(("json", "javascript")) else ""
    headers = [
        (b"content-type", f"{kind}{charset}".encode()),
        (b"etag", tag),
        (b"cache-control", b"no-cache"),
        (b"last-modified", formatdate(stat.st_mtime, usegmt=True).encode()),
        (b"accept-ranges", b"bytes"),
    ]
    if request.headers.get(b"if-none-match") == tag:
        return Response(304, b"", headers)
    span = _RANGE.match(request.header(b"range"))
    if span and (span.group(1) or span.group(2)):
        return _part(path, stat.st_size, span, headers)
    if request.method == "HEAD":
        return Response(200, b"", headers, stat.st_size)
    return Response(200, path.read_bytes(), headers)


def _part(path: Path, size: int, span: re.Match[str], headers: list[tuple[bytes, bytes]]) -> Response:
    start = int(span.group(1)) if span.group(1) else max(0, size - int(span.group(2)))
    end = min(
        int(span.group(2)) if span.group(1) and span.group(2) else size - 1, size - 1, start + RANGE_MAX_BYTES - 1
    )
    if start > end:
        return Response(416, b"", [*headers, (b"content-range", f"bytes */{size}".encode())])
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(end - start + 1)
    return Response(206, data, [*headers, (b"content-range", f"bytes {start}-{end}/{size}".encode())])
