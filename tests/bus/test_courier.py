"""The courier: everything, in commit order, over a bus that is killed in between."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.msg import Msg

from madang.bus.changes import (
    BATCH_MAX_BYTES,
    all_subject,
    batch_subject,
    batches,
    decode_change,
    decode_changes,
    encode,
    subject,
)
from madang.bus.connection import connect
from madang.bus.courier import Courier
from madang.context.writer import Writer
from madang.history.told import parse_told
from madang.model.change import Change
from madang.model.context import CORE
from madang.model.entity import parse_entity
from madang.model.operations import Append, AppendTemporal
from madang.model.removals import Delete
from tests.conftest import Engines
from tests.waiting import until

CITY = "bus.test"


@asynccontextmanager
async def courier(pool: asyncpg.Pool, url: str) -> AsyncIterator[Courier]:
    client = await connect(url, "courier-test")
    carrier = Courier(pool, client, CITY)
    task = asyncio.create_task(carrier.run())
    await until(lambda: carrier.listening, "the courier listens")
    yield carrier
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await client.close()


@asynccontextmanager
async def hearer(url: str) -> AsyncIterator[list[Change]]:
    heard: list[Change] = []
    client = await connect(url, "hearer-test")

    async def hear(message: object) -> None:
        heard.append(decode_change(message.data))  # type: ignore[attr-defined]

    await client.subscribe(all_subject(CITY), cb=hear)
    await client.flush()
    yield heard
    await client.close()


async def write(writer: Writer, *numbers: int) -> None:
    for number in numbers:
        entity = parse_entity({"id": f"urn:x:{number % 5}", "type": "T", "n": number}, CORE)
        await writer.submit(Append(entity, create=True))


async def stored(pool: asyncpg.Pool) -> list[int]:
    return [record["seq"] for record in await pool.fetch("SELECT seq FROM history ORDER BY seq")]


async def test_every_change_comes_in_commit_order(pool: asyncpg.Pool, writer: Writer, engines: Engines) -> None:
    async with hearer(engines.nats.url) as heard, courier(pool, engines.nats.url):
        await asyncio.gather(*(write(writer, *range(start, start + 20)) for start in (0, 100, 200)))
        await writer.submit(Delete("urn:x:1"))
        await until(lambda: len(heard) == 61, "all came")
    assert [change.seq for change in heard] == await stored(pool)
    assert (heard[-1].op, heard[-1].id, subject(CITY, heard[-1])) == (
        "d",
        "urn:x:1",
        "bus_test.state.T.urn_x_1.deleted",
    )


async def test_a_new_courier_goes_on_where_the_old_one_ended(
    pool: asyncpg.Pool, writer: Writer, engines: Engines
) -> None:
    async with hearer(engines.nats.url) as heard:
        async with courier(pool, engines.nats.url):
            await write(writer, 1, 2)
            await until(lambda: len(heard) == 2, "two came")
        await write(writer, 3, 4)
        async with courier(pool, engines.nats.url):
            await until(lambda: len({change.seq for change in heard}) == 4, "what was written meanwhile came too")
    assert sorted({change.seq for change in heard}) == await stored(pool)


async def test_what_was_told_of_the_past_is_passed_over(pool: asyncpg.Pool, writer: Writer, engines: Engines) -> None:
    async with hearer(engines.nats.url) as heard, courier(pool, engines.nats.url) as carrier:
        await write(writer, 1)
        await writer.submit(AppendTemporal(parse_told({"id": "urn:x:1", "type": "T", "n": [7, 8]}, CORE)))
        await write(writer, 2)
        await writer.submit(AppendTemporal(parse_told({"id": "urn:x:1", "type": "T", "n": [9]}, CORE)))
        rows = await stored(pool)
        await until(lambda: carrier.cursor == rows[-1], "the cursor is past them all")
        await until(lambda: len(heard) == 2, "the news came")
    assert [change.seq for change in heard] == [rows[0], rows[2]]


async def test_nothing_is_lost_over_a_killed_bus(pool: asyncpg.Pool, writer: Writer, engines: Engines) -> None:
    member = engines.supervisor.members["nats"]
    async with hearer(engines.nats.url) as heard, courier(pool, engines.nats.url) as carrier:
        await write(writer, *range(20))
        pid = member.state.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await write(writer, *range(20, 40))
        await until(lambda: member.state.state == "running" and member.state.pid != pid, "the bus is back")
        await write(writer, *range(40, 60))
        await until(lambda: carrier.carried >= 60, "all were carried")
        await until(lambda: heard and heard[-1].change["n"]["value"] == 59, "the last came")
    # The hearer's own connection broke too: what came between is read anew by who needs it (Live.resync), so here only
    # what the courier promises counts: each later change is heard, none is skipped at the end.
    told = [change.change["n"]["value"] for change in heard if change.change["n"]["value"] >= 40]
    assert sorted(set(told)) == list(range(40, 60))


async def test_who_follows_everything_hears_the_same_changes_many_in_a_message(
    pool: asyncpg.Pool, writer: Writer, engines: Engines
) -> None:
    lists: list[list[Change]] = []
    client = await connect(engines.nats.url, "batch-hearer-test")

    async def hear(message: Msg) -> None:
        lists.append(decode_changes(message.data))

    await client.subscribe(batch_subject(CITY), cb=hear)
    async with hearer(engines.nats.url) as heard, courier(pool, engines.nats.url):
        await asyncio.gather(*(write(writer, number) for number in range(60)))
        await until(lambda: len(heard) == 60 == sum(map(len, lists)), "all came by both ways")
    await client.close()
    assert [change for some in lists for change in some] == heard
    assert len(lists) < 60


async def test_a_change_too_large_for_the_bus_tells_that_it_was(
    pool: asyncpg.Pool, writer: Writer, engines: Engines
) -> None:
    async with hearer(engines.nats.url) as heard, courier(pool, engines.nats.url) as carrier:
        carrier._client._max_payload = 10_000
        large = parse_entity({"id": "urn:x:large", "type": "T", "text": "x" * 20_000}, CORE)
        await writer.submit(Append(large, create=True))
        await write(writer, 1)
        await until(lambda: len(heard) == 2, "both came")
    assert [(change.id, list(change.change)) for change in heard] == [("urn:x:large", []), ("urn:x:1", ["n"])]


@given(st.lists(st.integers(0, 100_000), max_size=30))
def test_batches_hold_every_change_in_order_within_the_limit(sizes: list[int]) -> None:
    changes = [Change(seq, "u", "urn:x:1", ["T"], "", {"a": "x" * size}) for seq, size in enumerate(sizes)]
    made = list(batches([encode(change) for change in changes]))
    assert [change for one in made for change in decode_changes(one)] == changes
    assert all(len(one) <= BATCH_MAX_BYTES + 2 for one in made)


@pytest.mark.parametrize("city", ["a", "a.b"])
def test_subjects_hold_no_signs_of_the_bus(city: str) -> None:
    change = Change(1, "c", "urn:ngsi-ld:T y:c:*.>", ["T.y"], "", {})
    assert set(subject(city, change)) & set("*> ") == set() and subject(city, change).count(".") == 4
