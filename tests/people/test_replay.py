"""The law of a replay: what was true at a moment, with what changed since on top, is what is true now."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from tests.callers import OPERATOR, caller

from madang.base.clock import ManualClock
from madang.context.writer import Writer
from madang.history.replay import Replay
from madang.model.entity import Entity
from madang.model.operations import Append
from madang.people.ngsi.broker import Broker
from madang.people.replay import ReplayDoor

M = "http://localhost:8600/madang/v1/"
Json = dict[str, Any]


async def now_of(pool: asyncpg.Pool) -> str:
    """The moment of the last commit."""
    moment: datetime = await pool.fetchval("SELECT max(at) FROM history")
    return moment.isoformat()


async def ask(api: httpx.AsyncClient, path: str, **given: str) -> Json:
    answer = await api.get(M + path, params={"types": "T,U", **given})
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def busy(api: httpx.AsyncClient, chance: random.Random, steps: int) -> None:
    """Entities come, change, lose attributes, go."""
    for _ in range(steps):
        name = f"urn:x:{chance.choice('TU')}{chance.randint(1, 4)}"
        match chance.randint(0, 5):
            case 0:
                await api.delete(f"entities/{name}")
            case 1:
                await api.delete(f"entities/{name}/attrs/b")
            case _:
                body = {"id": name, "type": name[6], chance.choice("abc"): chance.randint(0, 99)}
                await api.post("entityOperations/upsert", params={"options": "update"}, json=[body])


def by_id(entities: list[Json]) -> dict[str, Json]:
    return {entity["id"]: entity for entity in entities}


def play(entities: dict[str, Json], changes: list[Json]) -> dict[str, Json]:
    """As the page does it."""
    for one in changes:
        name, told = one["entity"]["id"], one["entity"]
        if one["op"] == "d":
            entities.pop(name, None)
        else:
            merged = entities.get(name, {}) | told
            entities[name] = {key: value for key, value in merged.items() if value is not None}
    return entities


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("every_s", ["0", "1"])
async def test_what_was_and_what_changed_make_what_is(
    api: httpx.AsyncClient, pool: asyncpg.Pool, seed: int, every_s: str
) -> None:
    chance = random.Random(seed)
    await busy(api, chance, 25)
    then = await now_of(pool)
    was = (await api.get("entities", params={"type": "T,U", "options": "concise"})).json()
    await busy(api, chance, 25)
    state = await ask(api, "replay/state", at=then)
    film = await ask(api, "replay", since=then, until=await now_of(pool), every_s=every_s)
    present = (await api.get("entities", params={"type": "T,U", "options": "concise"})).json()
    assert by_id(state["entities"]) == by_id(was)
    assert play(by_id(state["entities"]), film["changes"]) == by_id(present)


async def test_changes_close_together_are_told_as_one(api: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    await api.post("entityOperations/upsert", json=[{"id": "urn:x:T1", "type": "T", "a": 0}])
    then = await now_of(pool)
    for number in range(1, 6):
        await api.patch("entities/urn:x:T1/attrs", json={"a": number})
    until = await now_of(pool)
    whole, thin = [await ask(api, "replay", since=then, until=until, every_s=one) for one in ("0", "60")]
    assert [one["entity"]["a"] for one in whole["changes"]] == [1, 2, 3, 4, 5]
    assert thin["changes"][-1]["entity"]["a"] == 5 and len(thin["changes"]) <= 2


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("replay/state", {}),
        ("replay/state", {"at": "noon"}),
        ("replay/state", {"at": "2020-01-01T00:00:00Z"}),
        ("replay/state", {"at": "0001-01-01T00:00:00Z"}),
        ("replay/state", {"at": "9999-12-31T23:59:59-23:59"}),
        ("replay/state", {"at": "2020-01-01T00:00:00Z", "types": ""}),
        ("replay", {"since": "2026-01-01T00:00:00Z"}),
        ("replay", {"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T01:00:00Z"}),
        ("replay", {"since": "2026-01-01T01:00:00Z", "until": "2026-01-01T00:00:00Z"}),
        ("replay", {"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T00:01:00Z", "every_s": "nan"}),
    ],
)
async def test_bad_questions(api: httpx.AsyncClient, path: str, given: dict[str, str]) -> None:
    answer = await api.get(M + path, params={"types": "T"} | given)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_it_goes_a_day_back_and_not_before_the_city(pool: asyncpg.Pool, writer: Writer) -> None:
    await writer.submit(Append(Entity("urn:x:T1", ["T"], {"a": {"type": "Property", "value": 1}}), create=True))
    first = await pool.fetchval("SELECT min(at) FROM history")
    early, late = ManualClock(first + timedelta(hours=1)), ManualClock(first + timedelta(days=3))
    assert await Replay(pool, early).span() == (first, early.now())
    assert await Replay(pool, late).span() == (late.now() - timedelta(days=1), late.now())


async def test_an_empty_city_has_nothing_to_show(pool: asyncpg.Pool) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    replay = Replay(pool, ManualClock(now))
    assert (await replay.span(), await replay.place(now), await replay.said_before(now, ["T"])) == ((now, now), 0, [])


async def test_who_may_not_read_the_past_sees_none_of_it(
    api: httpx.AsyncClient, broker: Broker, pool: asyncpg.Pool
) -> None:
    await api.post("entityOperations/upsert", json=[{"id": "urn:x:T1", "type": "T", "a": 0}])
    given = {"types": "T", "at": await now_of(pool)}
    ask_as: Any = lambda who: type("Asked", (), {"query": given, "caller": who})  # noqa: E731
    table = ReplayDoor(broker, Replay(pool)).table["replay/state"]
    seen = [b"urn:x:T1" in (await table["GET"](ask_as(who))).body for who in (OPERATOR, caller("citizen"))]
    assert seen == [True, False]
