"""`madang demo` as people start it: a process, its progress, its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from tests.waiting import until

LIVES = re.compile(r"lives at (http://[^ ]+/)")


class Demo:
    """One `madang demo` with more arguments."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._out = tempfile.NamedTemporaryFile("w+b", prefix="madang-demo-")  # noqa: SIM115 - closed with the object
        self.process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Demo:
        argv = [sys.executable, "-m", "madang", "demo", *self._arguments]
        self.process = await asyncio.create_subprocess_exec(
            *argv, stdout=asyncio.subprocess.PIPE, stderr=self._out, start_new_session=True
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
            await asyncio.wait_for(self.process.wait(), 60)
        self._out.close()

    @property
    def words(self) -> str:
        return Path(self._out.name).read_text(errors="replace")

    async def url(self) -> str:
        """Where the page is, once it is."""
        assert self.process is not None
        ended = self.process
        await until(lambda: ended.returncode is not None or LIVES.search(self.words), "the city lives", 90)
        found = LIVES.search(self.words)
        assert found is not None, self.words[-2000:]
        return found.group(1)

    async def result(self) -> dict[str, Any]:
        """The JSON object it prints last."""
        assert self.process is not None
        out, _ = await asyncio.wait_for(self.process.communicate(), 180)
        assert self.process.returncode == 0, self.words[-2000:]
        return dict(json.loads(out.splitlines()[-1]))

    def tree(self) -> list[psutil.Process]:
        """This process and all below it."""
        assert self.process is not None
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def run_dir(self) -> Path:
        """Of the gateway, as its environment says."""
        for process in self.tree():
            if "gateway" in process.cmdline():
                return Path(process.environ()["MADANG_RUN_DIR"])
        raise AssertionError("no gateway runs")


def alive(processes: list[psutil.Process]) -> list[str]:
    """Those that still run, zombies aside."""
    running = []
    for one in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if one.is_running() and one.status() != psutil.STATUS_ZOMBIE:
                running.append(" ".join(one.cmdline())[:120])
    return running
