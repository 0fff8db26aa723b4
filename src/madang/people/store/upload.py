"""Forms with files (multipart/form-data, RFC 7578), whole in memory and within limits."""

from __future__ import annotations

import io
from dataclasses import dataclass

from multipart import MultipartError, MultipartParser, parse_options_header

from madang.base.errors import BadRequest, TooLarge, UnsupportedMedia
from madang.base.limits import STORE_PACKAGE_MAX_BYTES, STORE_ROLE_MAX_BYTES
from madang.people.http import Request

_MORE_BYTES = 64 * 1024  # fields, names, boundaries
_FIELDS_MAX = 20


@dataclass(frozen=True)
class Upload:
    """Fields by name, each once; files by name of their field."""

    fields: dict[str, str]
    files: dict[str, bytes]


async def read_upload(request: Request) -> Upload:
    """Raises UnsupportedMedia, TooLarge, BadRequest."""
    media, options = parse_options_header(request.header(b"content-type"))
    boundary = options.get("boundary", "")
    if media != "multipart/form-data" or not boundary:
        raise UnsupportedMedia("a form with files, please")
    most = STORE_PACKAGE_MAX_BYTES + STORE_ROLE_MAX_BYTES + _MORE_BYTES
    body = await request.body(most)
    try:
        return _parts(body, boundary, most)
    except MultipartError as error:
        raise BadRequest(f"this form cannot be read: {error}") from None


def _parts(body: bytes, boundary: str, most: int) -> Upload:
    parser = MultipartParser(
        io.BytesIO(body), boundary, content_length=len(body), disk_limit=most, memory_limit=most, part_limit=_FIELDS_MAX,
        spool_limit=most,
    )  # fmt: skip
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for part in parser:
        if part.name in fields or part.name in files:
            raise BadRequest("a field came more than once")
        if part.filename is not None:
            files[part.name] = part.raw
        elif part.size > _MORE_BYTES or "\x00" in part.value:
            raise TooLarge(f"a field may have {_MORE_BYTES} bytes, and no NUL")
        else:
            fields[part.name] = part.value
    return Upload(fields, files)
