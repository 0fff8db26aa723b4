"""Where handlers of `each` and `window` run: here, in worker processes, or on Dask. What they may keep is handed to them and handed
back, and is committed here alone."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import zlib
from collections.abc import Sequence
from typing import Any, Protocol

from madang.sdk.app import App
from madang.sdk.http import DoorClosed
from madang.sdk.work import Json, work

LINE_MAX_BYTES = 256 * 1024 * 1024


class Engine(Protocol):
    async def run(self, tasks: Sequence[Json]) -> list[Json]:
        """Their results, in order. Raises DoorClosed when a worker or the city is away: then nothing counts, and the same goes again."""
        ...

    async def close(self) -> None: ...


class Here:
    """One after another in this process."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def run(self, tasks: Sequence[Json]) -> list[Json]:
        return [await work(self._app, task) for task in tasks]

    async def close(self) -> None:
        return None


def share_of(key: str, workers: int) -> int:
    """Which worker has a key: the same in every process and after every start."""
    return zlib.crc32(key.encode()) % workers


class Processes:
    """N processes; the tasks of a key always go to the same. A process that died is replaced at the next turn."""

    def __init__(self, folder: str, entry: str, workers: int) -> None:
        self._argv = [sys.executable, "-m", "madang.sdk.worker", folder, entry]
        self._workers: list[asyncio.subprocess.Process | None] = [None] * workers

    async def run(self, tasks: Sequence[Json]) -> list[Json]:
        shares: dict[int, list[int]] = {}
        for index, task in enumerate(tasks):
            shares.setdefault(share_of(task["key"], len(self._workers)), []).append(index)
        asked = [self._ask(worker, [tasks[index] for index in some]) for worker, some in shares.items()]
        # All are waited for, also when one failed: an answer that nobody read would be taken for the next one's.
        answers = await asyncio.gather(*asked, return_exceptions=True)
        results: list[Json] = [{}] * len(tasks)
        for some, answer in zip(shares.values(), answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            for index, result in zip(some, answer, strict=True):
                results[index] = result
        return results

    async def _ask(self, worker: int, tasks: list[Json]) -> list[Json]:
        process = await self._process(worker)
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(tasks).encode() + b"\n")
            await process.stdin.drain()
            answer = json.loads(await process.stdout.readline() or b"null")
        except (OSError, ValueError) as error:
            answer = {"away": str(error)}
        if not isinstance(answer, list):
            await self._end(worker)
            raise DoorClosed(f"worker {worker}: {answer['away'] if answer else 'it ended'}")
        return answer

    async def _process(self, worker: int) -> asyncio.subprocess.Process:
        found = self._workers[worker]
        if found is None or found.returncode is not None:
            pipe = asyncio.subprocess.PIPE
            found = await asyncio.create_subprocess_exec(
                *self._argv, stdin=pipe, stdout=pipe, limit=LINE_MAX_BYTES, env=dict(os.environ)
            )
            self._workers[worker] = found
        return found

    async def _end(self, worker: int) -> None:
        process, self._workers[worker] = self._workers[worker], None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def close(self) -> None:
        for worker in range(len(self._workers)):
            await self._end(worker)


class Dask:
    """Workers of a Dask cluster, which have the app's folder at the same path and may reach the city's door."""

    def __init__(self, address: str, folder: str, entry: str) -> None:
        self._address, self._folder, self._entry = address.replace("dask://", "tcp://", 1), folder, entry
        self._client: Any = None

    async def run(self, tasks: Sequence[Json]) -> list[Json]:
        import distributed
        from distributed.comm.core import CommClosedError
        from distributed.scheduler import KilledWorker

        from madang.sdk.worker import run_tasks

        env = {name: os.environ[name] for name in ("MADANG_APP_DOOR", "MADANG_APP_TOKEN") if name in os.environ}
        connect: Any = distributed.Client
        try:
            if self._client is None:
                self._client = await connect(self._address, asynchronous=True)
            sent = [
                self._client.submit(run_tasks, self._folder, self._entry, [task], env, pure=False) for task in tasks
            ]
            answers = await self._client.gather(sent)
        except (OSError, TimeoutError, CommClosedError, KilledWorker) as error:
            raise DoorClosed(f"dask: {error}") from error
        for answer in answers:
            if not isinstance(answer, list):
                raise DoorClosed(f"dask: {answer['away']}")
        return [answer[0] for answer in answers]

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


def engine_of(app: App, name: str, workers: int, folder: str, entry: str) -> Engine:
    """`name`: empty for this machine, or `dask://host:port`. Raises ValueError."""
    if name.startswith("dask://"):
        return Dask(name, folder, entry)
    if name:
        raise ValueError(f"no engine {name!r}: dask://host:port, or none")
    return Here(app) if workers == 1 else Processes(folder, entry, workers)
