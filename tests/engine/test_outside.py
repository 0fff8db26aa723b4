"""Servers that Madang did not start: the broker's tests pass on them, and a whole kernel runs on them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from madang.engine.temporary import scratch
from tests.engine.outside import outside_nats, outside_postgres
from tests.flow.conftest import start_house
from tests.flow.load import Load
from tests.waiting import until

SUITE = ["tests/people/test_ngsi_entities.py", "tests/context/test_writer.py"]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = scratch("madang-outside-")
    yield folder.path
    folder.remove()


def test_the_brokers_suite_passes_on_a_foreign_postgresql(folder: Path) -> None:
    with outside_postgres(folder / "pg") as dsn:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *SUITE],
            cwd=ROOT,
            env=os.environ | {"MADANG_TEST_DATABASE": dsn},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert " passed" in done.stdout


async def test_a_kernel_runs_on_outside_servers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with outside_postgres(folder / "pg") as dsn, outside_nats(folder / "nats") as (bus, mqtt):
        connection = await asyncpg.connect(dsn)
        await connection.execute("CREATE DATABASE city")
        await connection.close()
        monkeypatch.setenv("MADANG_DATABASE", dsn.replace("/postgres", "/city"))
        monkeypatch.setenv("MADANG_BUS", bus)
        monkeypatch.setenv("MADANG_MQTT", mqtt)
        house = await start_house(folder / "run")
        load = Load(house.url, mqtt, "Outside")
        try:
            assert set(house.instance.supervisor.members) == {"gateway", "courier", "ingest", "operations"}
            async with httpx.AsyncClient(base_url=house.url, trust_env=False) as client:

                async def counted() -> bool:
                    counters = (await client.get("madang/v1/status")).json()["counters"]
                    return bool(counters["observations"] > 0)

                await until(counted, "devices are heard through the outside broker")
            await until(lambda: len(load.acknowledged) > 20, "writes are taken")
        finally:
            await load.stop()
            await house.instance.stop()
