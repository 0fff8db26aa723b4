"""The same lake at an S3-compatible store: moto's server, over real HTTP."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import asyncpg
import pytest

from madang.base.errors import BadRequest, TooLarge, Unavailable
from madang.context.writer import Writer
from madang.lake.connection import Place, open_lake
from madang.lake.roller import prepare, roll
from madang.lake.sql.job import Job, Limits
from madang.lake.sql.nearby import make_room
from madang.lake.sql.supply import supplied
from madang.lake.sql.worker import answer
from madang.lake.upkeep import merge_all, sweep
from tests.lake.test_upkeep import LATER, write

server = pytest.importorskip("moto.server")


@pytest.fixture
def store() -> Iterator[str]:
    """Its address, with a bucket `city`."""
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    url = f"http://{host}:{port}"
    urlopen(Request(f"{url}/city", method="PUT"), timeout=5)
    yield url
    running.stop()


def asked(job: Job) -> bytes:
    """By a worker that has no store."""
    out = io.BytesIO()
    answer(job, out)
    return out.getvalue().partition(b"\n")[2]


def keys(url: str) -> int:
    return urlopen(f"{url}/city?list-type=2", timeout=5).read().count(b"<Key>")


async def test_files_lie_in_the_bucket(
    dsn: str, pool: asyncpg.Pool, writer: Writer, store: str, tmp_path: Path
) -> None:
    await pool.execute("DROP SCHEMA IF EXISTS lake CASCADE")
    env = {
        "MADANG_LAKE": "s3://city/lake",
        "AWS_ENDPOINT_URL": store,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    place = Place.of(env, tmp_path)
    with open_lake(dsn, place) as lake:
        prepare(lake)
        for number in range(3):
            await write(writer, "kim", **{f"m{i}": number for i in range(200)})
            roll(lake)
        kept = keys(store)
        await write(writer, "lee", fresh=1)
        question = Job("SELECT count(*) FROM observation", "true", {}, "csv", Limits(1, 64, 1.0))
        answers = [asked(supplied(lake, question, tmp_path)) for _ in range(2)]
        copies = len(list(tmp_path.glob("near-*.parquet")))
        merge_all(lake)
        sweep(lake, LATER)
        count = lake.execute("SELECT count(*), count(DISTINCT seq) FROM lake.observation").fetchone()
    assert (kept, keys(store), count) == (3, 1, (600, 3))
    assert (answers, copies) == ([b"count_star()\r\n601\r\n"] * 2, 3)


def test_copies_that_nobody_asked_for_longest_make_room(tmp_path: Path) -> None:
    for age_s in (10_000, 9_000, 0):
        path = tmp_path / f"near-{age_s}.parquet"
        path.write_bytes(b"x" * 10)
        os.utime(path, (time.time() - age_s,) * 2)
    make_room(tmp_path, 20)
    left = sorted(one.name for one in tmp_path.iterdir())
    with pytest.raises(TooLarge):
        make_room(tmp_path, 5)
    assert left == ["near-0.parquet", "near-9000.parquet"]


def test_another_kind_of_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        Place.of({"MADANG_LAKE": "ftp://x/y"}, tmp_path)


async def test_a_database_that_is_away_is_told_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as told:
        open_lake(f"postgresql://me:secret@/x?host={tmp_path}&port=1", Place(str(tmp_path / "lake")))
    assert "secret" not in json.dumps(told.value.detail)
