"""From a folder or a package to a version that can run: read, put in its place, and what it needs installed."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from madang.runtime.manifest import Manifest, load_manifest
from madang.runtime.package import sha256, unpack
from madang.runtime.records import Version
from madang.runtime.storage import Shelves
from madang.runtime.venvs import build

Source = Path | bytes
Check = Callable[[Manifest], Awaitable[None]]


async def take(source: Source, shelves: Shelves, now: datetime, check: Check) -> Version:
    """A folder stays where it is, a package is unpacked among the versions. `check` is asked once the manifest is known, before
    anything else is done. Raises what it raises, BadRequest, TooLarge, Unavailable; nothing is left behind then."""
    if isinstance(source, Path):
        folder, digest = source.resolve(), ""
        manifest = load_manifest(folder)
        await check(manifest)
    else:
        digest = sha256(source)
        manifest, folder = await _unpacked(source, shelves, check)
    venv = shelves.venv(manifest.id, manifest.version)
    try:
        python = await build(folder, venv)
    except BaseException:
        shelves.drop(manifest.id, manifest.version)
        raise
    return Version(manifest.id, manifest.version, str(folder), manifest, digest, python, now)


async def _unpacked(data: bytes, shelves: Shelves, check: Check) -> tuple[Manifest, Path]:
    place = shelves.version(".new", secrets.token_hex(8))
    try:
        manifest = unpack(data, place)
        await check(manifest)
        _open_up(place)
        folder = shelves.version(manifest.id, manifest.version)
        shutil.rmtree(folder, ignore_errors=True)  # of an install that was interrupted
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        place.rename(folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return manifest, folder


def _open_up(folder: Path) -> None:
    """Its user may read it, and nobody but us may write it."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
