"""`madang lake add FILE|URL`: a file, or a feed, into the lake of a running city, by whoever sits at its machine."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg

from madang.base.clock import SystemClock
from madang.base.errors import BadRequest, Unavailable
from madang.cli.auditing import dsn_of
from madang.engine.database import LOST, connect_pool
from madang.engine.settings import home_dir
from madang.lake.datasets.book import Book
from madang.lake.datasets.dataset import Arrival, Described
from madang.lake.datasets.inbox import inbox_of, parts_of, take
from madang.lake.feeds.feed import Kind, Wanted
from madang.lake.feeds.feeds import Feeds
from madang.lake.files.report import Finding, Hints
from madang.trust.audit.entry import Event
from madang.trust.audit.log import AuditLog

BY = "madang"
LOOK_S = 0.2


async def add(options: argparse.Namespace) -> int:
    """0 when it is in the lake (a feed: noted), 1 when it waits in quarantine. Raises BadRequest, Unavailable."""
    folder = home_dir() / "run" / options.run
    try:
        async with await connect_pool(dsn_of(folder), 1, 2) as pool:
            return await _add(options, pool, folder)
    except LOST as error:
        raise Unavailable(f"the database does not answer: {error}") from None


async def _add(options: argparse.Namespace, pool: asyncpg.Pool, folder: Path) -> int:
    book = Book(pool, SystemClock())
    hints = Hints(options.encoding, options.crs, options.longitude, options.latitude, options.sheet)
    if await book.find(options.dataset) is None:
        await book.make(options.dataset, Described({"en": options.title or options.dataset}), BY)
    await AuditLog(pool).append(
        Event(SystemClock().now(), BY, "dataset.send", options.dataset, "asked for on the machine")
    )
    if "://" in options.source:
        kind: Kind = "ftp" if options.source.startswith("ftp://") else options.kind
        await Feeds(pool, SystemClock()).put(options.dataset, Wanted(options.source, kind, options.every, hints), BY)
        print(f"{options.dataset}: pulled from there every {options.every} s")
        return 0
    return await _file(book, folder, Path(options.source), options.dataset, hints)


async def _file(book: Book, folder: Path, path: Path, dataset: str, hints: Hints) -> int:
    if not path.is_file():
        raise BadRequest(f"there is no file {path}")
    taken = await take(book, inbox_of(folder), dataset, path.name, _shown(path), hints, BY)
    while (arrival := await book.arrival(taken.arrival)).state == "waiting":
        await asyncio.sleep(LOOK_S)
    _tell(arrival)
    return 0 if arrival.state == "loaded" else 1


async def _shown(path: Path) -> AsyncIterator[bytes]:
    """The file's parts, with how far it is."""
    size, done = max(1, path.stat().st_size), 0
    async for part in parts_of(path):
        yield part
        done += len(part)
        print(f"\r{path.name}: {100 * done // size} %", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _tell(arrival: Arrival) -> None:
    report = arrival.report
    print(f"{arrival.dataset}: {arrival.state}, {report.rows if report else 0} rows")
    for finding in report.findings if report else []:
        print(f"  {finding.severity}: {_sentence(finding)}")


def _sentence(finding: Finding) -> str:
    told = ", ".join(f"{name} {value}" for name, value in finding.told.items())
    about = f" in {finding.column}" if finding.column else ""
    rows = f", {finding.rows} rows" if finding.rows else ""
    return f"{finding.code}{about}{rows}{': ' + told if told else ''}"
