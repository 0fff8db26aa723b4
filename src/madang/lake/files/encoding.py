"""Which encoding a text is in. UTF-8 and UTF-16 say so themselves, or cannot be mistaken; Korean files without a mark are CP949."""

from __future__ import annotations

import codecs
from pathlib import Path

from charset_normalizer import from_bytes

from madang.base.errors import BadRequest

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_GUESSED_BYTES = 256 * 1024
_CHUNK_BYTES = 1024 * 1024


def encoding_of(path: Path, told: str = "") -> str:
    """Python's name of it. `told`: what the sender says, which must hold. Raises BadRequest."""
    with path.open("rb") as file:
        head = file.read(4)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), "")
    for name in [told] if told else [marked or "utf-8", "cp949"]:
        if _reads(path, name):
            return name
    found = None if told else from_bytes(_first(path)).best()
    if found is None or not _reads(path, found.encoding):
        raise BadRequest(f"the text is not in {told or 'an encoding that is known'}", reason="encoding")
    return str(found.encoding)


def to_utf8(path: Path, encoding: str, out: Path) -> Path:
    """The same text in UTF-8 with one kind of line break, at `out`: Excel writes another one within cells than between lines."""
    with path.open(encoding=encoding) as source, out.open("w", encoding="utf-8", newline="") as copy:
        while part := source.read(_CHUNK_BYTES):
            copy.write(part)
    return out


def _reads(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as file:
            while file.read(_CHUNK_BYTES):
                pass
    except (UnicodeError, LookupError):
        return False
    return True


def _first(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_GUESSED_BYTES)
