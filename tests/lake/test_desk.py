"""The desk of questions: whoever takes too long, or dies, is ended and told of. (Answers themselves: test_sql, and tests/flow.)"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import duckdb
import msgspec
import pytest

from madang.lake.connection import Place, open_lake
from madang.lake.sql.desk import SqlDesk
from madang.lake.sql.job import Head, Job, Limits


async def ask(desk: SqlDesk, path: Path, job: Job) -> tuple[Head, bytes]:
    serving = asyncio.create_task(desk.serve(path))
    async with asyncio.timeout(10):
        while not path.exists():
            await asyncio.sleep(0.005)
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(msgspec.json.encode(job) + b"\n")
        head, body = msgspec.json.decode(await reader.readline(), type=Head), await reader.read()
    writer.close()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    return head, body


@pytest.mark.parametrize(
    ("line", "head", "body"),
    [
        ("import sys; sys.stdin.read(); print('{\"status\": 200}'); print('rows')", Head(200), b"rows\n"),
        ("import time; time.sleep(60)", Head(503, "the question took longer than 0.5 s"), b""),
        (
            "import os; os.abort()",
            Head(503, "the question ended its process: it needs more memory than one may have"),
            b"",
        ),
    ],
)
async def test_a_worker_that_answers_hangs_or_dies(
    dsn: str, lake: duckdb.DuckDBPyConnection, place: Place, tmp_path: Path, line: str, head: Head, body: bytes
) -> None:
    desk = SqlDesk(lambda: open_lake(dsn, place), [sys.executable, "-c", line], tmp_path)
    job = Job("SELECT 1", "true", {}, "json", Limits(1, 64, 0.5))
    assert await ask(desk, tmp_path / "s", job) == (head, body)
    assert list(tmp_path.glob("fresh-*")) == []
