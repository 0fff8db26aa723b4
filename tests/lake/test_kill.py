"""Killed at any moment, also while it commits or merges files: no change is lost, none is there twice."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import asyncpg
import duckdb

from madang.context.writer import Writer
from madang.lake.connection import Place, open_lake
from madang.lake.roller import prepare, roll
from madang.model.context import CORE
from madang.model.entity import parse_entity
from madang.model.operations import Append

ROOT = Path(__file__).resolve().parents[2]
LIVES = 12


async def life(dsn: str, place: Place, rolls: int, then_s: float) -> None:
    """Ends a little after so many rolls, in the middle of the next or of merging."""
    argv = [sys.executable, "-m", "tests.lake.rolling", dsn, place.path]
    process = await asyncio.create_subprocess_exec(*argv, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(rolls):
        assert await process.stdout.readline() == b"rolled\n"
    try:
        await asyncio.wait_for(process.wait(), then_s)
    except TimeoutError:
        process.kill()
    await process.wait()


async def write_until(writer: Writer, end: asyncio.Event) -> None:
    number = 0
    while not end.is_set():
        number += 1
        sensor = {"id": f"urn:ngsi-ld:S:{number % 10}", "type": "S", "n": number}
        await writer.submit(Append(parse_entity(sensor, CORE), create=True))


async def test_each_change_is_in_the_lake_once(dsn: str, place: Place, pool: asyncpg.Pool, writer: Writer) -> None:
    chance = random.Random(8)
    end = asyncio.Event()
    writing = asyncio.create_task(write_until(writer, end))
    for _ in range(LIVES):
        await life(dsn, place, chance.randrange(1, 5), chance.uniform(0.0, 0.2))
    end.set()
    await writing
    with open_lake(dsn, place) as lake:
        prepare(lake)
        before = _numbers(lake)
        while roll(lake) is not None:
            pass
        found = _numbers(lake)
    expected = [row["seq"] for row in await pool.fetch("SELECT seq FROM history ORDER BY seq")]
    assert found == expected
    assert 0 < len(before) <= len(expected)


def _numbers(lake: duckdb.DuckDBPyConnection) -> list[int]:
    return [row[0] for row in lake.execute("SELECT seq FROM lake.observation ORDER BY seq").fetchall()]
