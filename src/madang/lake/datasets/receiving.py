"""Files that came are read, one after the other, each in a process of its own behind walls; what nothing speaks against is loaded."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import duckdb
import msgspec
import structlog

from madang.base.limits import LAKE_READING_TIME_S
from madang.engine.privilege import APP_UID, own
from madang.lake.datasets.book import Book
from madang.lake.datasets.dataset import Arrival, Dataset
from madang.lake.datasets.loading import load, prepare_datasets
from madang.lake.files.report import ARRIVED, JOB, REPORT, TABLE, Box, Finding, Known, Reading, Report

log = structlog.get_logger()
IDLE_S = 1.0
Told = Callable[[Dataset, Arrival, Report], Awaitable[None]]
"""Hears of what became of a file: loaded, or kept with what stops it."""


class Receiving:
    """`inbox`: a folder with one of each arrival; `argv` starts what reads a folder; `connect` opens the lake."""

    def __init__(
        self,
        book: Book,
        connect: Callable[[], duckdb.DuckDBPyConnection],
        argv: Sequence[str],
        inbox: Path,
        bbox: Box | None,
        told: Told,
    ) -> None:
        self._book, self._connect, self._argv, self._inbox = book, connect, list(argv), inbox
        self._bbox, self._told = bbox, told
        self._lake: duckdb.DuckDBPyConnection | None = None

    async def once(self) -> bool:
        """Whether there was a file to read. Raises duckdb.Error when the lake is away: the file then waits on."""
        arrival = await self._book.next_waiting()
        if arrival is None:
            return False
        dataset = await self._book.get(arrival.dataset)
        folder = self._inbox / arrival.id
        report = await self._read(folder, dataset, arrival)
        if not report.stops:
            report = await self._loaded(folder, dataset, arrival, report)
        await self._book.was_read(arrival.id, "quarantined" if report.stops else "loaded", report)
        if not report.stops:
            shutil.rmtree(folder, ignore_errors=True)
        await self._told(dataset, arrival, report)
        return True

    async def _read(self, folder: Path, dataset: Dataset, arrival: Arrival) -> Report:
        job = Reading(arrival.name, arrival.hints, self._bbox, dataset.columns, dataset.told.contract.columns)
        (folder / JOB).write_bytes(msgspec.json.encode(job))
        for left in (REPORT, TABLE):
            (folder / left).unlink(missing_ok=True)
        detail = await self._process(folder)
        try:
            return msgspec.json.decode((folder / REPORT).read_bytes(), type=Report)
        except (OSError, msgspec.DecodeError):
            log.warning("a file could not be read", arrival=arrival.id, detail=detail)
            return Report("", 0, [], [Finding("unreadable", "stop", told={"detail": detail})])

    async def _process(self, folder: Path) -> str:
        """What the process had to say when it died."""
        own(folder, APP_UID)
        with contextlib.suppress(PermissionError):
            (folder / ARRIVED).chmod(0o644)
        process = await asyncio.create_subprocess_exec(
            *self._argv, str(folder), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(folder), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        try:
            async with asyncio.timeout(LAKE_READING_TIME_S):
                _, said = await process.communicate()
        except TimeoutError:
            return f"reading took longer than {LAKE_READING_TIME_S:g} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        return said.decode(errors="replace").strip().rpartition("\n")[2][:300] or "the process ended: too much memory?"

    async def _loaded(self, folder: Path, dataset: Dataset, arrival: Arrival, report: Report) -> Report:
        """The report; with what stops it where the table cannot take it."""
        try:
            columns, rows = await asyncio.to_thread(self._load, folder, dataset, arrival)
        except (duckdb.ConversionException, duckdb.BinderException, duckdb.CatalogException) as error:
            finding = Finding("cannot_load", "stop", told={"detail": str(error).splitlines()[0][:300]})
            return msgspec.structs.replace(report, findings=[*report.findings, finding])
        await self._book.loaded(dataset.id, columns, rows, report)
        return report

    def _load(self, folder: Path, dataset: Dataset, arrival: Arrival) -> tuple[list[Known], int]:
        if self._lake is None:
            self._lake = self._connect()
            prepare_datasets(self._lake)
        try:
            return load(self._lake, dataset.id, arrival.id, folder / TABLE, dataset.told.mode == "replace")
        except duckdb.Error:
            self._lake.close()
            self._lake = None
            raise

    def close(self) -> None:
        if self._lake is not None:
            self._lake.close()
            self._lake = None
