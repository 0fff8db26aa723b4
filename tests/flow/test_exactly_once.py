"""An app that is killed in the middle of its work, in a real city: every event took effect once."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from madang.engine.temporary import scratch
from madang.sdk.store import Store
from tests.flow.conftest import House, start_house
from tests.waiting import until

APP = Path(__file__).resolve().parents[1] / "sdk" / "apps" / "counting"
NAME = "app:test.madang.counting"
ROUNDS, PER_ROUND, AFTER, GAUGES = 4, 75, 20, 5


@pytest.fixture
async def city() -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    folder = scratch("madang-once-")
    house = await start_house(folder.path)
    async with httpx.AsyncClient(base_url=house.url, trust_env=False, timeout=30) as client:
        yield house, client
    await house.instance.stop()
    folder.remove()


async def report(client: httpx.AsyncClient, name: str, number: int) -> None:
    body = {"id": f"urn:ngsi-ld:Gauge:yard:{name}", "type": "Gauge", "n": number}
    (await client.post("ngsi-ld/v1/entityOperations/upsert", json=[body])).raise_for_status()


async def totals(client: httpx.AsyncClient) -> dict[str, int]:
    found = await client.get("ngsi-ld/v1/entities", params={"type": "Total", "options": "keyValues", "limit": "100"})
    return {one["id"].rpartition(":")[2]: one["sum"] for one in found.json()}


@pytest.mark.parametrize("workers", [1, 2])
async def test_every_event_takes_effect_once(city: tuple[House, httpx.AsyncClient], workers: int) -> None:
    house, client = city
    folder = house.run_dir / "counting"
    shutil.copytree(APP, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "app.toml").open("r+") as manifest:
        told = manifest.read()
        manifest.seek(0)
        manifest.write(f"workers = {workers}\n{told}")
    (await client.post("madang/v1/apps", json={"path": str(folder)})).raise_for_status()
    (await client.post("madang/v1/apps/test.madang.counting/start")).raise_for_status()

    async def warm() -> bool:
        await report(client, "warm", 1)
        return "warm" in await totals(client)

    await until(warm, "it counts", 60)
    numbers = iter(range(ROUNDS * PER_ROUND))
    for _ in range(ROUNDS):
        for number in islice(numbers, PER_ROUND - AFTER):
            await report(client, str(number % GAUGES), number)
        old = await until(lambda: house.member(NAME).state.pid, "it runs again")
        house.kill(NAME)
        await until(lambda o=old: house.member(NAME).state.pid != o, "it died")
        for number in islice(numbers, AFTER):
            await report(client, str(number % GAUGES), number)
    expected = {str(gauge): sum(range(gauge, ROUNDS * PER_ROUND, GAUGES)) for gauge in range(GAUGES)}

    async def all_told() -> bool:
        found = await totals(client)
        return {name: total for name, total in found.items() if name != "warm"} == expected

    await until(all_told, "the city has every total", 90)
    restarts = house.member(NAME).state.restarts
    (await client.post("madang/v1/apps/test.madang.counting/stop")).raise_for_status()
    states = {name.rpartition(":")[2]: state for name, state in kept(house).items()}
    warmed = states.pop("warm")
    assert {name: state["sum"] for name, state in states.items()} == expected
    seqs = [seq for state in states.values() for seq in state["seqs"]]
    assert (len(seqs), len(set(seqs))) == (ROUNDS * PER_ROUND, ROUNDS * PER_ROUND)
    assert (warmed["sum"], restarts) == (len(set(warmed["seqs"])), ROUNDS)


def kept(house: House) -> dict[str, Any]:
    store = Store(house.run_dir / "apps" / "test.madang.counting" / "state.sqlite")
    found = store.all_states("count")
    store.close()
    return found
