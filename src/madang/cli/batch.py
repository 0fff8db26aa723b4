"""`madang lake run` and `madang lake export`: all of a running city's lake, for whoever sits at its machine; each is on record."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from madang.base.clock import SystemClock
from madang.base.errors import BadRequest, Unavailable
from madang.cli.auditing import dsn_of
from madang.engine.database import LOST, connect_pool
from madang.engine.settings import home_dir
from madang.lake.batch.exporting import export
from madang.lake.batch.running import run, run_by_parts
from madang.lake.batch.tables import opened, tables_of
from madang.lake.connection import Place, open_lake
from madang.trust.audit.entry import Event
from madang.trust.audit.log import AuditLog

BY = "madang"
_TOLD_MAX_CHARS = 2_000


async def batch(options: argparse.Namespace) -> int:
    """0 when it is done. Raises BadRequest, Unavailable."""
    folder = home_dir() / "run" / options.run
    dsn, place = dsn_of(folder), Place.of(os.environ, folder)
    told = {"sql": _question(options)[:_TOLD_MAX_CHARS]} | (
        {"format": options.format} if options.verb == "export" else {}
    )
    try:
        async with await connect_pool(dsn, 1, 1) as pool:
            event = Event(SystemClock().now(), BY, f"lake.{options.verb}", "lake", "asked for on the machine", "", told)
            await AuditLog(pool).append(event)
        return await asyncio.to_thread(_export if options.verb == "export" else _run, options, dsn, place)
    except LOST as error:
        raise Unavailable(f"the database does not answer: {error}") from None
    except duckdb.Error as error:
        raise BadRequest(str(error).split("\n", 1)[0]) from None


def _question(options: argparse.Namespace) -> str:
    if options.verb == "export":
        return f"FROM {options.table}"
    path = Path(options.query[:255])
    return path.read_text(encoding="utf-8") if path.suffix == ".sql" and path.is_file() else str(options.query)


def _run(options: argparse.Namespace, dsn: str, place: Place) -> int:
    sql = _question(options)
    with open_lake(dsn, place) as lake:
        tables = tables_of(lake, sql)
    if options.engine == "duckdb":
        found = run(tables, sql, place)
    else:
        with _cluster(options.engine) as client:
            found = run_by_parts(tables, sql, place, _share_of(client))
    _write(found, options.out)
    return 0


def _cluster(engine: str) -> Any:
    """A client of Dask. Raises BadRequest, Unavailable."""
    try:
        import distributed
    except ImportError:
        raise Unavailable("distributed is not installed: pip install 'madang[dask]'") from None
    client: Any = distributed.Client
    if engine == "dask":
        return client(processes=True, threads_per_worker=1, dashboard_address=None)
    if not engine.startswith("dask://"):
        raise BadRequest(f"no engine {engine!r}: duckdb, dask, or dask://HOST:PORT")
    try:
        return client(engine.replace("dask://", "tcp://", 1), timeout="10s")
    except OSError as error:
        raise Unavailable(f"dask: {error}") from None


def _share_of(client: Any) -> Callable[..., list[pa.Table]]:
    def share(work: Callable[..., pa.Table], jobs: Sequence[Any]) -> list[pa.Table]:
        found: list[pa.Table] = client.gather(client.map(work, list(jobs), pure=False))
        return found

    return share


def _write(found: pa.Table, out: Path | None) -> None:
    """Raises BadRequest."""
    if out is None:
        pc.write_csv(found, sys.stdout.buffer)
    elif out.suffix == ".parquet":
        pq.write_table(found, out, compression="zstd")
    elif out.suffix == ".csv":
        pc.write_csv(found, out)
    elif out.suffix == ".arrow":
        with pa.ipc.new_file(out, found.schema) as writer:
            writer.write_table(found)
    else:
        raise BadRequest(f"{out.name}: .parquet, .csv or .arrow")


def _export(options: argparse.Namespace, dsn: str, place: Place) -> int:
    with open_lake(dsn, place) as lake:
        tables = tables_of(lake, options.table)
    if options.table not in tables:
        raise BadRequest(f"the lake has no table {options.table[:80]}")
    with opened(tables, place, threads=2) as connection:
        rows = export(connection, options.table, options.format, options.out)
    print(f"{options.table}: {rows} rows as {options.format} in {options.out / options.table}")
    return 0
