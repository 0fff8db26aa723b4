"""The folder in which files lie until they are in the lake; whoever takes one in writes it here first."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from madang.base.errors import TooLarge
from madang.base.limits import LAKE_FILE_MAX_BYTES
from madang.lake.datasets.book import Book, new_arrival
from madang.lake.files.report import ARRIVED, Hints


def inbox_of(run_dir: Path) -> Path:
    return run_dir / "inbox"


@dataclass(frozen=True)
class Taken:
    """`arrival`: its identifier, empty for a file that was the same as before."""

    arrival: str
    sha256: str


async def take(
    book: Book, inbox: Path, dataset: str, name: str, parts: AsyncIterator[bytes], hints: Hints, by: str, source: str = "",
    before: str = "",
) -> Taken:  # fmt: skip
    """The file is whole on disk before anybody hears of it; one whose SHA-256 is `before` is dropped. Raises TooLarge, NotFound,
    TooMany, OSError."""
    await book.get(dataset)
    identifier = new_arrival()
    folder = inbox / identifier
    folder.mkdir(parents=True)
    is_kept = False
    try:
        size, digest = await _write(folder / ARRIVED, parts)
        if digest != before:
            await book.arrive(dataset, name, source, size, digest, hints, by, identifier)
            is_kept = True
    finally:
        if not is_kept:
            shutil.rmtree(folder, ignore_errors=True)
    return Taken(identifier if is_kept else "", digest)


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
