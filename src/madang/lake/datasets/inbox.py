"""The folder in which files lie until they are in the lake; whoever takes one in writes it here first."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from madang.base.errors import TooLarge
from madang.base.limits import LAKE_FILE_MAX_BYTES
from madang.lake.datasets.book import Book, new_arrival
from madang.lake.files.report import ARRIVED, Hints


def inbox_of(run_dir: Path) -> Path:
    return run_dir / "inbox"


async def take(
    book: Book,
    inbox: Path,
    dataset: str,
    name: str,
    parts: AsyncIterator[bytes],
    hints: Hints,
    by: str,
    source: str = "",
) -> str:
    """The arrival's identifier. The file is whole on disk before anybody hears of it. Raises TooLarge, NotFound, TooMany, OSError."""
    await book.get(dataset)
    identifier = new_arrival()
    folder = inbox / identifier
    folder.mkdir(parents=True)
    try:
        size, digest = await _write(folder / ARRIVED, parts)
        await book.arrive(dataset, name, source, size, digest, hints, by, identifier)
    except BaseException:
        (folder / ARRIVED).unlink(missing_ok=True)
        folder.rmdir()
        raise
    return identifier


async def _write(path: Path, parts: AsyncIterator[bytes]) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        async for part in parts:
            size += len(part)
            if size > LAKE_FILE_MAX_BYTES:
                raise TooLarge(f"a file may have {LAKE_FILE_MAX_BYTES} bytes")
            digest.update(part)
            file.write(part)
    return size, digest.hexdigest()


async def parts_of(path: Path) -> AsyncIterator[bytes]:
    """Of a file on this machine."""
    with path.open("rb") as file:
        while part := file.read(1024 * 1024):
            yield part
