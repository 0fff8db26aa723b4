"""What an app prints, kept within bounds: so much a second, so much in all. An app that prints more waits, nobody else does."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from madang.base.limits import APP_LOG_BYTES_PER_S, APP_LOG_MAX_BYTES

_CHUNK = 64 * 1024


class AppLog:
    """One app's log: two files of `APP_LOG_MAX_BYTES` at most, the older one with `.1` behind its name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._size = path.stat().st_size if path.exists() else 0

    def open(self) -> tuple[int, int]:
        """A pipe: the end that is read here, and the end that the app gets; both are the caller's to close."""
        return os.pipe2(os.O_CLOEXEC)

    async def follow(self, handle: int) -> None:
        """Until every writer has closed the other end. Closes the handle."""
        loop = asyncio.get_running_loop()
        os.set_blocking(handle, False)
        ready = asyncio.Event()
        loop.add_reader(handle, ready.set)
        try:
            while True:
                await ready.wait()
                ready.clear()
                try:
                    data = os.read(handle, _CHUNK)
                except BlockingIOError:
                    continue
                if not data:
                    return
                ready.set()
                self.write(data)
                loop.remove_reader(handle)
                await asyncio.sleep(len(data) / APP_LOG_BYTES_PER_S)
                loop.add_reader(handle, ready.set)
        finally:
            loop.remove_reader(handle)
            os.close(handle)

    def write(self, data: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._size + len(data) > APP_LOG_MAX_BYTES and self._size:
            self.path.replace(self.path.with_name(self.path.name + ".1"))
            self._size = 0
        with self.path.open("ab") as sink:
            sink.write(data[:APP_LOG_MAX_BYTES])
        self._size += len(data)

    def remove(self) -> None:
        for path in (self.path, self.path.with_name(self.path.name + ".1")):
            path.unlink(missing_ok=True)


def tail(path: Path, most_bytes: int) -> str:
    """The end of a log, from the beginning of a line; nothing when there is none."""
    data = b""
    for one in (path, path.with_name(path.name + ".1")):
        if len(data) < most_bytes and one.exists():
            data = one.read_bytes() + data
    if len(data) > most_bytes:
        data = data[-most_bytes:].partition(b"\n")[2]
    return data.decode("utf-8", "replace")


def log_path(run_dir: Path, app_id: str) -> Path:
    return run_dir / "logs" / f"app-{app_id}.log"
