"""The same app as one process, as workers with shared-out keys, and on Dask: it keeps the same in the end. Killed in between, too."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from madang.sdk.engines import Dask, Engine, Here, Processes, engine_of
from madang.sdk.http import DoorClosed
from madang.sdk.loading import load_app
from madang.sdk.testing import FakeCity
from tests.waiting import until

APP = Path(__file__).parent / "apps" / "counting"
FOLDER, ENTRY = str(APP), "counting.app"
Making = Callable[[], Awaitable[Engine]]


@pytest.fixture(autouse=True)
def door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADANG_APP_DOOR", "/nowhere/door")


def reports(seed: int, count: int = 60) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    return [
        {"id": f"urn:ngsi-ld:Gauge:x:{chance.randrange(7)}", "type": "Gauge", "n": chance.randrange(100)}
        for _ in range(count)
    ]


async def kept(engine: Engine, seed: int) -> tuple[Any, Any, Any]:
    app = load_app(FOLDER, ENTRY)
    async with FakeCity(app, engine=engine) as city:
        await city.put(*reports(seed))
        await city.advance(minutes=2)
        totals = {name: one["sum"] for name, one in city.entities.items() if one["type"] == "Total"}
        found = city.state("count"), city.state("summary"), totals
    await engine.close()
    return found


async def here() -> Engine:
    return Here(load_app(FOLDER, ENTRY))


async def three_processes() -> Engine:
    return engine_of(load_app(FOLDER, ENTRY), "", 3, FOLDER, ENTRY)


@pytest.fixture
async def dask() -> AsyncIterator[str]:
    """A scheduler and two workers in processes of their own."""
    scheduler = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert scheduler.stderr is not None
    address = ""
    while not address:
        line = (await scheduler.stderr.readline()).decode()
        address = line.split("Scheduler at:")[1].strip() if "Scheduler at:" in line else ""
    drain = asyncio.create_task(scheduler.stderr.read())
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "distributed.cli.dask_worker", address, "--nworkers", "2", "--nthreads", "1", "--no-dashboard",
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    yield address.replace("tcp://", "dask://")
    for process in (worker, scheduler):
        process.terminate()
        await process.wait()
    await drain


async def test_workers_keep_what_one_process_keeps() -> None:
    one, three = await kept(await here(), 1), await kept(await three_processes(), 1)
    assert three == one
    assert {key: len(state["seqs"]) for key, state in one[0].items()} == {
        f"urn:ngsi-ld:Gauge:x:{n}": sum(one["id"].endswith(str(n)) for one in reports(1)) for n in range(7)
    }
    assert one[1] == {"": {"counts": [[0, 60]]}}


async def test_dask_keeps_what_one_process_keeps(dask: str) -> None:
    engine = engine_of(load_app(FOLDER, ENTRY), dask, 1, FOLDER, ENTRY)
    assert isinstance(engine, Dask)
    async with asyncio.timeout(60):
        assert await kept(engine, 2) == await kept(await here(), 2)


async def test_a_worker_that_dies_loses_nothing_and_repeats_nothing() -> None:
    engine = Processes(FOLDER, ENTRY, 2)
    task = {"stream": "count", "key": "a", "state": {}, "events": [event(1)]}
    (first,) = await engine.run([task])
    for process in filter(None, engine._workers):
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    (second,) = await engine.run([task | {"state": first["state"], "events": [event(2)]}])
    await engine.close()
    assert second["state"] == {"seqs": [1, 2], "sum": 10}


async def test_a_worker_that_dies_at_work_is_told_as_away() -> None:
    engine = Processes(FOLDER, ENTRY, 1)
    await engine.run([])
    process = await engine._process(0)
    os.kill(process.pid, signal.SIGSTOP)
    asking = asyncio.create_task(engine.run([{"stream": "count", "key": "a", "state": {}, "events": [event(1)]}]))
    await until(lambda: not asking.done(), "it is at work")
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(DoorClosed):
        await asking
    await engine.close()


def event(seq: int) -> dict[str, Any]:
    entity = {"id": "urn:ngsi-ld:Gauge:x:a", "type": "Gauge", "n": 5}
    return {"seq": seq, "op": "u", "at": "2026-06-01T06:00:00.000Z", "entity": entity}


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ValueError, match="no engine"):
        engine_of(load_app(FOLDER, ENTRY), "spark://x", 1, FOLDER, ENTRY)
