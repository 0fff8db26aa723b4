"""Questions as they come: each gets its files and a process of its own, so many at once, each for so long."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import msgspec
import structlog

from madang.base.errors import MadangError, TooMany, Unavailable
from madang.base.limits import LAKE_SQL_AT_ONCE
from madang.lake.sql.job import Head, Job
from madang.lake.sql.supply import supplied

log = structlog.get_logger()
_LINE_MAX_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_WAITING_MAX = 8


class SqlDesk:
    """`connect` opens the lake; `argv` starts a worker that reads a Job; `folder` is where fresh rows lie meanwhile."""

    def __init__(self, connect: Callable[[], duckdb.DuckDBPyConnection], argv: Sequence[str], folder: Path) -> None:
        self._connect, self._argv, self._folder = connect, list(argv), folder
        self._lake: duckdb.DuckDBPyConnection | None = None
        self._turns, self._waiting, self._one = asyncio.Semaphore(LAKE_SQL_AT_ONCE), 0, asyncio.Lock()

    async def serve(self, path: Path) -> None:
        """For ever. One question a connection: a line of JSON in, a head line and bytes out."""
        path.unlink(missing_ok=True)
        for old in self._folder.glob("fresh-*.parquet"):
            old.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._talk, path=str(path), limit=_LINE_MAX_BYTES)
        path.chmod(0o600)
        async with server:
            await server.serve_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                await self._answer(msgspec.json.decode(await reader.readline(), type=Job), writer)
            except MadangError as error:
                writer.write(msgspec.json.encode(Head(error.status, error.detail)) + b"\n")
            except (duckdb.Error, msgspec.MsgspecError, OSError) as error:
                log.warning("a question could not be answered", error=str(error).split("\n", 1)[0])
                writer.write(msgspec.json.encode(Head(Unavailable.status, "the lake does not answer")) + b"\n")
            await writer.drain()
        writer.close()

    async def _answer(self, job: Job, writer: asyncio.StreamWriter) -> None:
        """Raises TooMany, Unavailable, duckdb.Error."""
        if self._waiting >= _WAITING_MAX:
            raise TooMany("too many questions wait", wait_s=5)
        self._waiting += 1
        try:
            async with self._turns:
                async with self._one:
                    job = await asyncio.to_thread(self._supply, job)
                try:
                    await self._work(job, writer)
                finally:
                    if job.fresh:
                        Path(job.fresh).unlink(missing_ok=True)
        finally:
            self._waiting -= 1

    def _supply(self, job: Job) -> Job:
        if self._lake is None:
            self._lake = self._connect()
        try:
            return supplied(self._lake, job, self._folder)
        except duckdb.Error:
            self._lake.close()
            self._lake = None
            raise

    async def _work(self, job: Job, writer: asyncio.StreamWriter) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        )
        assert process.stdin is not None and process.stdout is not None
        told = False
        try:
            async with asyncio.timeout(job.limits.time_s):
                process.stdin.write(msgspec.json.encode(job))
                process.stdin.close()
                while part := await process.stdout.read(_CHUNK_BYTES):
                    told = True
                    writer.write(part)
                    await writer.drain()
                await process.wait()
        except TimeoutError:
            if told:  # what has begun cannot be taken back: the connection breaks off
                writer.transport.abort()
            raise Unavailable(f"the question took longer than {job.limits.time_s:g} s") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if not told:
            raise Unavailable("the question ended its process: it needs more memory than one may have")
