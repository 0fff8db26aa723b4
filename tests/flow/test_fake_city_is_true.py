"""What a test's city tells an app is what a real one tells it: the same changes in both, and the same is heard."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from madang.engine.temporary import scratch
from madang.sdk import App
from madang.sdk.running import Running
from madang.sdk.testing import FakeCity
from tests.flow.conftest import House, start_house
from tests.waiting import until

Heard = list[tuple[Any, ...]]
STEPS = 40
WHERE = 'n>4|name=="x"'


def listening() -> tuple[App, Heard, list[int]]:
    """An app that hears in every way, what it heard, and the marks that went by in both."""
    app, heard, marks = App(), [], [0, 0]

    def add(kind: str, entity: dict[str, Any], *more: Any) -> None:
        heard.append((kind, *sorted((name, value) for name, value in entity.items() if name != "type"), *more))

    @app.on("T", "U")
    async def all_of_it(entity: dict[str, Any], gone: bool) -> None:
        add("all", entity, gone)

    @app.on("T", where=WHERE)
    async def some(entity: dict[str, Any], gone: bool) -> None:
        add("some", entity, gone)

    @app.on("T", attrs=("n",))
    async def part(entity: dict[str, Any], gone: bool) -> None:
        add("part", entity, gone)

    @app.each("T", "U")
    async def every(event: Any, state: dict[str, Any]) -> None:
        add("every", event.entity, event.op)

    @app.each("T", where=WHERE, attrs=("n", "name"))
    async def few(event: Any, state: dict[str, Any]) -> None:
        add("few", event.entity, event.op)

    @app.on("Mark")
    async def mark(entity: dict[str, Any], gone: bool) -> None:
        marks[0] = entity["n"]

    @app.each("Mark")
    async def marked(event: Any, state: dict[str, Any]) -> None:
        marks[1] = event.entity["n"]

    return app, heard, marks


def steps(seed: int) -> list[tuple[str, dict[str, Any]]]:
    """Entities that come, change, lose an attribute and go."""
    chance, there, out = random.Random(seed), {}, []
    for _ in range(STEPS):
        kind = chance.choice("TTU")
        identifier = f"urn:ngsi-ld:{kind}:yard:{chance.randrange(3)}"
        verb = chance.choice(["put", "put", "put", "drop", "delete"])
        if verb == "drop" and "name" in there.get(identifier, ()):
            there[identifier].remove("name")
            out.append((verb, {"id": identifier, "type": kind, "name": None}))
        elif verb == "delete" and identifier in there:
            del there[identifier]
            out.append((verb, {"id": identifier, "type": kind}))
        else:
            more = {"n": chance.randrange(10)} | ({"name": chance.choice("xyz")} if chance.random() < 0.5 else {})
            there.setdefault(identifier, set()).update(more)
            out.append(("put", {"id": identifier, "type": kind, **more}))
    return out


async def act(client: httpx.AsyncClient, verb: str, entity: dict[str, Any]) -> None:
    path = f"ngsi-ld/v1/entities/{entity['id']}"
    if verb == "put":
        answer = await client.post("ngsi-ld/v1/entityOperations/upsert", params={"options": "update"}, json=[entity])
    else:
        answer = await client.delete(f"{path}/attrs/name" if verb == "drop" else path)
    answer.raise_for_status()


async def in_a_city(house: House, data: Path, seed: int) -> Heard:
    app, heard, marks = listening()
    running = asyncio.create_task(Running(app, house.url, "", data).main())
    async with httpx.AsyncClient(base_url=house.url, trust_env=False, timeout=20) as client:

        async def told(number: int) -> None:
            mark = {"id": "urn:ngsi-ld:Mark:yard:1", "type": "Mark", "n": number}
            await act(client, "put", mark)
            await until(lambda: marks == [number, number], f"the mark {number}")

        await until(lambda: hears(app, told), "it listens", 30)
        for number, (verb, entity) in enumerate(steps(seed), 1):
            await act(client, verb, entity)
            await told(number)
    app.stop()
    await running
    return heard


async def hears(app: App, told: Callable[[int], Awaitable[None]]) -> bool:
    try:
        async with asyncio.timeout(0.5):
            await told(-1)
    except TimeoutError:
        return False
    return True


async def in_a_test(seed: int) -> Heard:
    app, heard, _ = listening()
    async with FakeCity(app) as city:
        for verb, entity in steps(seed):
            await (city.delete(entity["id"]) if verb == "delete" else city.put(entity))
    return heard


@pytest.fixture
async def house() -> AsyncIterator[House]:
    folder = scratch("madang-true-")
    house = await start_house(folder.path)
    yield house
    await house.instance.stop()
    folder.remove()


@pytest.mark.parametrize("seed", [1, 2])
async def test_both_tell_the_same(house: House, tmp_path: Path, seed: int) -> None:
    real, paper = await in_a_city(house, tmp_path, seed), await in_a_test(seed)
    kinds = ("all", "some", "part", "every", "few")
    assert {one[0] for one in real} == set(kinds) and len(real) > 3 * STEPS
    for kind in kinds:
        assert [one for one in real if one[0] == kind] == [one for one in paper if one[0] == kind], kind
