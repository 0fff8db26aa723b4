"""The law of the WebSocket door: what the frames make of an empty page equals a fresh query."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from tests.callers import OPERATOR
from tests.flow.page import Page
from tests.waiting import until

from madang.base.errors import Unauthorized
from madang.base.limits import SOCKET_FRAME_MAX_BYTES, SOCKET_SUBSCRIPTIONS_MAX
from madang.bus.courier import recorded_of
from madang.model.change import Change
from madang.people.live import Live
from madang.people.ngsi.broker import Broker
from madang.trust.caller import Caller

VIEWS: list[dict[str, Any]] = [
    {"types": ["T"]},
    {"types": ["T"], "q": "n>4"},
    {"types": ["T"], "bbox": [10, 10, 20, 20]},
    {"types": ["T", "U"], "attrs": ["n"]},
]


class Client(Page):
    """A page on a pair of queues instead of a network."""

    def __init__(self, live: Live, caller: Caller = OPERATOR) -> None:
        self.caller: Caller | None = caller
        self.closed: dict[str, Any] = {}
        self.entities, self.components, self.states, self.complete = {}, {}, set(), False
        self.errors: list[dict[str, Any]] = []
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._out.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(live.serve({}, self._out.get, self._hear, self._again))

    async def _again(self) -> Caller:
        if self.caller is None:
            raise Unauthorized("this token opens nothing here")
        return self.caller.now()

    async def _hear(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            frame = msgspec.json.decode(message["text"])
            self.errors += [frame["problem"]] if frame["op"] == "error" else []
            self.apply(frame)
        elif message["type"] == "websocket.close":
            self.closed = message

    def say(self, text: str | dict[str, Any]) -> None:
        raw = text if isinstance(text, str) else msgspec.json.encode(text).decode()
        self._out.put_nowait({"type": "websocket.receive", "text": raw})

    def subscribe(self, **wanted: Any) -> Client:
        self.say({"op": "subscribe", "id": "p", "format": "simplified", **wanted})
        return self


@pytest.fixture
async def live(broker: Broker, pool: asyncpg.Pool) -> AsyncIterator[Live]:
    """With a courier of paper: history, in order, straight to the sockets."""
    live = Live(broker, lambda: {"components": {}})

    async def carry() -> None:
        seen = 0
        while True:
            for record in await pool.fetch("SELECT * FROM history WHERE seq > $1 ORDER BY seq", seen):
                live.publish(recorded_of(record).change)
                seen = record["seq"]
            await asyncio.sleep(0.01)

    task = asyncio.create_task(carry())
    yield live
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def fresh(api: httpx.AsyncClient, view: dict[str, Any]) -> dict[str, Any]:
    asked = {name: ",".join(map(str, value)) if isinstance(value, list) else value for name, value in view.items()}
    asked["type"] = asked.pop("types")
    pick = {"pick": f"id,type,{asked.pop('attrs')}"} if "attrs" in asked else {}
    answer = await api.get("entities", params={**asked, **pick, "options": "keyValues", "limit": "1000"})
    assert answer.status_code == 200, answer.text
    return {entity["id"]: entity for entity in answer.json()}


async def act(api: httpx.AsyncClient, chance: random.Random) -> None:
    """One random write of any kind."""
    identifier, type_name = f"urn:x:{chance.randrange(6)}", chance.choice("TTU")
    place = {"type": "Point", "coordinates": [chance.randrange(5, 25), chance.randrange(5, 25)]}
    entity = {"id": identifier, "type": type_name, "n": chance.randrange(10), "location": place}
    more = {chance.choice("abc"): chance.randrange(3)}
    verb = chance.choice(["upsert", "upsert", "update", "merge", "delete", "forget"])
    if verb == "delete":
        await api.delete(f"entities/{identifier}")
    elif verb == "forget":
        await api.delete(f"entities/{identifier}/attrs/n")
    elif verb == "upsert":
        await api.post("entityOperations/upsert", json=[entity | more])
    else:
        await api.post(f"entityOperations/{verb}", json=[{"id": identifier, "type": type_name} | more])


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_frames_over_an_empty_page_equal_a_fresh_query(api: httpx.AsyncClient, live: Live, seed: int) -> None:
    chance, early = random.Random(seed), [Client(live).subscribe(**view) for view in VIEWS]
    for _ in range(60):
        await act(api, chance)
    late = [Client(live).subscribe(**view) for view in VIEWS]
    live.resync()
    for _ in range(60):
        await act(api, chance)
    for view, *clients in zip(VIEWS, early, late, strict=True):
        expected = await fresh(api, view)
        for client in clients:
            await until(lambda c=client, e=expected: c.entities == e, f"{view} equals a fresh query", 5)
    assert [client.errors for client in early + late] == [[]] * 8
    for client in early + late:
        await client.close()


async def test_an_entity_made_anew_has_nothing_of_the_one_before(api: httpx.AsyncClient, live: Live) -> None:
    await api.post("entities", json={"id": "urn:x:1", "type": "T", "a": 1, "b": 2})
    client = Client(live).subscribe(types=["T"])
    await until(lambda: client.complete, "the present")
    await api.delete("entities/urn:x:1")
    await api.post("entities", json={"id": "urn:x:1", "type": "T", "a": 3})
    await until(lambda: client.entities == {"urn:x:1": {"id": "urn:x:1", "type": "T", "a": 3}}, "only what is new")
    await client.close()


async def test_changes_told_twice_end_the_same(api: httpx.AsyncClient, live: Live, pool: asyncpg.Pool) -> None:
    client = Client(live).subscribe(types=["T"])
    for n in range(3):
        await api.post("entityOperations/upsert", json=[{"id": "urn:x:1", "type": "T", "n": n}])
    await until(lambda: client.entities.get("urn:x:1", {}).get("n") == 2, "the last value")
    again: list[Change] = [
        recorded_of(record).change for record in await pool.fetch("SELECT * FROM history ORDER BY seq")
    ]
    for change in again:
        live.publish(change)
    await api.post("entities", json={"id": "urn:x:2", "type": "T"})
    await until(lambda: "urn:x:2" in client.entities, "what came after")
    assert client.entities == await fresh(api, {"types": ["T"]})
    await client.close()


BROKEN = [
    "",
    "{",
    "[1]",
    '{"op":7}',
    '{"op":"dance"}',
    '{"op":"subscribe","id":"x"}',
    '{"op":"subscribe","id":"x","types":["T"],"q":"(("}',
    '{"op":"subscribe","id":"x","types":["T"],"format":"xml"}',
    '{"op":"subscribe","id":"x","types":["T"],"bbox":[1,2,3]}',
    '{"op":"subscribe","id":"x","types":["T"],"bbox":[1e999,2,3,4]}',
    "[" * 60_000,
    '"\ud800"',
    "x" * (SOCKET_FRAME_MAX_BYTES + 1),
]


async def test_broken_frames_are_answered_and_the_socket_lives(live: Live) -> None:
    client = Client(live)
    for frame in BROKEN:
        client.say(frame)
    await until(lambda: len(client.errors) == len(BROKEN), "each is answered")
    assert {error["status"] for error in client.errors} == {400}
    client.subscribe(types=["T"])
    await until(lambda: client.complete, "the socket lives")
    await client.close()


async def test_subscriptions_of_a_socket_are_bounded(live: Live) -> None:
    client = Client(live)
    for number in range(SOCKET_SUBSCRIPTIONS_MAX + 1):
        client.say({"op": "subscribe", "id": str(number), "types": ["T"]})
    await until(lambda: client.errors, "one too many")
    assert [error["detail"] for error in client.errors] == [
        f"a socket has at most {SOCKET_SUBSCRIPTIONS_MAX} subscriptions"
    ]
    await client.close()
