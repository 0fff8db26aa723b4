"""The law of a log: what is told are the changes behind a place, each once and in order, whatever the bus does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from tests.callers import OPERATOR, app, caller
from tests.waiting import until

from madang.bus.courier import recorded_of
from madang.history.outbox import Outbox
from madang.people.live import Live
from madang.people.ngsi.broker import Broker
from madang.trust.caller import Caller
from madang.trust.policy.subjects import Grant

OF_T = app("city.test", Grant("read", "T", frozenset({"n"})))
CITIZEN = caller("citizen")


@dataclass
class Follower:
    """One socket that follows one log."""

    live: Live
    caller: Caller = OPERATOR
    changes: list[dict[str, Any]] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._out.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(self.live.serve({}, self._out.get, self._hear, self._again))

    async def _again(self) -> Caller:
        return self.caller.now()

    async def _hear(self, message: Any) -> None:
        frame = msgspec.json.decode(message.get("text", "{}"))
        self.changes += frame.get("changes", [])
        self.seqs += [frame["seq"]] if frame.get("op") == "log" else []
        self.errors += [frame["problem"]["status"]] if frame.get("op") == "error" else []

    def follow(self, **wanted: Any) -> Follower:
        told = {"op": "follow", "id": "l", "types": ["T"], **wanted}
        self._out.put_nowait({"type": "websocket.receive", "text": msgspec.json.encode(told).decode()})
        return self

    @property
    def told(self) -> list[tuple[int, str, str]]:
        return [(one["seq"], one["op"], one["entity"]["id"]) for one in self.changes]


@dataclass
class Bus:
    """A courier of paper: history in order, straight to the sockets, as long as it is `up`."""

    live: Live
    pool: asyncpg.Pool
    up: bool = True
    seen: int = 0

    async def carry(self) -> None:
        while True:
            for record in await self.pool.fetch("SELECT * FROM history WHERE seq > $1 ORDER BY seq", self.seen):
                self.live.publish(recorded_of(record).change) if self.up else None
                self.seen = record["seq"]
            await asyncio.sleep(0.01)


@pytest.fixture
async def bus(broker: Broker, pool: asyncpg.Pool) -> AsyncIterator[Bus]:
    bus = Bus(Live(broker, lambda: {"components": {}}, Outbox(pool)), pool)
    task = asyncio.create_task(bus.carry())
    yield bus
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def rows(pool: asyncpg.Pool, after: int = 0) -> list[tuple[int, str, str]]:
    sql = "SELECT seq, op::text, entity_id FROM history WHERE seq > $1 AND types = 'T' ORDER BY seq"
    return [tuple(row) for row in await pool.fetch(sql, after)]


async def write(api: httpx.AsyncClient, chance: random.Random) -> None:
    name, kind = f"urn:x:{chance.randrange(9)}", chance.choice("TTU")
    await api.post("entityOperations/upsert", json=[{"id": f"{name}{kind}", "type": kind, "n": chance.randrange(99)}])
    await api.delete(f"entities/urn:x:{chance.randrange(9)}T")


@pytest.mark.parametrize("seed", [1, 2])
async def test_each_change_once_and_in_order(
    api: httpx.AsyncClient, bus: Bus, pool: asyncpg.Pool, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("madang.people.logs.SOCKET_QUEUE_MAX_CHANGES", 5)
    monkeypatch.setattr("madang.history.outbox.CHANGES_REPLAY_ROWS", 7)
    chance = random.Random(seed)
    for _ in range(20):
        await write(api, chance)
    followers = [Follower(bus.live).follow(after=0), Follower(bus.live).follow(after=9)]
    for number in range(60):
        bus.up = number % 20 < 15
        await write(api, chance)
    bus.up = True
    bus.live.resync()
    await write(api, chance)
    for follower, after in zip(followers, (0, 9), strict=True):
        expected = await rows(pool, after)
        await until(lambda f=follower, e=expected: len(f.told) >= len(e), "all are told", 10)
        assert (follower.told, follower.errors) == (expected, [])
        assert follower.seqs == sorted(follower.seqs)
        follower.task.cancel()


async def test_an_app_hears_what_it_was_granted_and_conditions_ask_what_changed(
    api: httpx.AsyncClient, bus: Bus
) -> None:
    first = {"id": "urn:x:1", "type": "T", "n": 3, "secret": 4}
    await api.post("entities", json=first)
    await api.patch("entities/urn:x:1/attrs", json={"secret": 5})
    await api.patch("entities/urn:x:1/attrs", json={"n": 9})
    granted, asked = Follower(bus.live, OF_T).follow(after=0), Follower(bus.live, OF_T).follow(after=0, q="n>5")
    refused = Follower(bus.live, OF_T).follow(types=["U"])
    await until(lambda: len(granted.changes) == 2 and asked.changes and refused.errors, "all are answered")
    told = [(one["op"], one["entity"]) for one in granted.changes]
    assert told == [("c", {"id": "urn:x:1", "type": "T", "n": 3}), ("u", {"id": "urn:x:1", "type": "T", "n": 9})]
    assert ([one["entity"]["n"] for one in asked.changes], refused.errors) == ([9], [403])


async def test_what_is_too_old_or_never_was_is_gone(api: httpx.AsyncClient, bus: Bus, pool: asyncpg.Pool) -> None:
    await api.post("entities", json={"id": "urn:x:1", "type": "T", "n": 3})

    async def today(app_id: str) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=60)

    never = Follower(bus.live).follow(after=10_000)
    past = Follower(bus.live, CITIZEN).follow(types=["Building"], after=0)
    bus.live.installed = today
    younger = Follower(bus.live, OF_T).follow(after=0)
    await until(lambda: never.errors and younger.errors and past.errors, "all are refused")
    assert (never.errors, younger.errors, past.errors) == ([410], [410], [403])
