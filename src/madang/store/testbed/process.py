"""The testbed as the store asks it: a process of its own, so that a trial can be ended and takes nothing of the gateway's."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from madang.base.errors import Unavailable
from madang.runtime.manifest import Manifest

_PROGRESS = "PROGRESS "
_TOLD_CHARS = 500


class Testbed:
    """Trials in `city` (an id or a city.toml's path), `minutes` of each of the `seeds`; one at a time, the machine has no more."""

    __test__ = False  # no test, whatever its name says to pytest

    def __init__(self, city: str, minutes: int, seeds: tuple[int, ...]) -> None:
        self._city, self._minutes, self._seeds = city, minutes, seeds
        self._turn = asyncio.Lock()

    async def __call__(self, package: Path, manifest: Manifest, progress: Callable[[float], None]) -> dict[str, Any]:
        """The score, unsigned. Raises Unavailable with the testbed's last words."""
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                *self._argv(package),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
            try:
                said, told = await asyncio.gather(_all(process.stdout), _follow(process.stderr, progress))
                await process.wait()
            finally:
                await _end(process)
        if process.returncode:
            raise Unavailable(f"the testbed: {told}")
        score: dict[str, Any] = msgspec.json.decode(said)
        return score

    def _argv(self, package: Path) -> list[str]:
        seeds = ",".join(map(str, self._seeds))
        told = ["--city", self._city, "--minutes", str(self._minutes), "--seeds", seeds, "--json"]
        return [sys.executable, "-m", "madang", "testbed", str(package), *told]


async def _all(stream: asyncio.StreamReader | None) -> bytes:
    return await stream.read() if stream is not None else b""


async def _follow(stream: asyncio.StreamReader | None, progress: Callable[[float], None]) -> str:
    """The last line that was no progress."""
    last = ""
    while stream is not None and (raw := await stream.readline()):
        line = raw.decode(errors="replace").strip()
        if line.startswith(_PROGRESS):
            progress(float(line.removeprefix(_PROGRESS)))
        elif line:
            last = line[:_TOLD_CHARS]
    return last


async def _end(process: asyncio.subprocess.Process) -> None:
    """With all that it started: told first, so that its own engines stop cleanly."""
    if process.returncode is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), 20.0)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
