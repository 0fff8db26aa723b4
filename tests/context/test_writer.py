"""The writer: durable, in order, one bad request never another's."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import asyncpg
import pytest

from madang.base.errors import BadRequest, Conflict, NotFound, StorageFull, Unavailable
from madang.context.query import Query
from madang.context.snapshot import open_snapshot
from madang.context.store import Store
from madang.context.writer import Writer
from madang.model.context import CORE
from madang.model.entity import Entity, parse_entity
from madang.model.operations import Append, Create
from madang.model.removals import Delete


def entity(number: int, **attributes: object) -> Entity:
    return parse_entity({"id": f"urn:x:{number}", "type": "T", **attributes}, CORE)


async def test_many_at_once_are_all_there(writer: Writer, store: Store) -> None:
    await asyncio.gather(*(writer.submit(Create(entity(number, n=number))) for number in range(300)))
    page = await store.find(Query(types=("T",), limit=1000, count=True))
    assert (page.total, len(page.rows), page.more) == (300, 300, False)


async def test_later_writes_of_a_batch_see_earlier_ones(writer: Writer) -> None:
    outcomes = await writer.submit_many([Create(entity(1)), Create(entity(1)), Delete("urn:x:1"), Delete("urn:x:1")])
    assert [type(outcome).__name__ for outcome in outcomes] == ["Outcome", "Conflict", "Outcome", "NotFound"]
    assert isinstance(outcomes[1], Conflict) and isinstance(outcomes[3], NotFound)


async def test_a_poisoned_write_fails_alone(writer: Writer, store: Store) -> None:
    poison = Entity("urn:x:2", ["T"], {"a": {"type": "Property", "value": "\x00"}})
    deep = Entity("urn:x:3", ["T"], {"a": {"type": "Property", "value": "\ud800"}})
    outcomes = await writer.submit_many([Create(entity(1)), Create(poison), Create(deep), Create(entity(4))])
    assert [isinstance(outcome, BadRequest) for outcome in outcomes] == [False, True, True, False]
    assert [row.entity.id for row in await store.list_by_id([f"urn:x:{n}" for n in range(5)])] == ["urn:x:1", "urn:x:4"]


async def test_history_is_the_order_of_commits_over_two_writers(pool: asyncpg.Pool, writer: Writer) -> None:
    other = Writer(pool, await open_snapshot(pool))
    other.start()
    await asyncio.gather(
        *(
            (writer if number % 2 else other).submit(Append(entity(number % 7, n=number), create=True))
            for number in range(200)
        )
    )
    await other.stop()
    rows = await pool.fetch("SELECT seq, entity_id, change FROM history ORDER BY seq")
    assert len(rows) == 200 and len({row["seq"] for row in rows}) == 200
    last = {row["entity_id"]: row["change"]["n"]["value"] for row in rows}
    now = {row["id"]: row["body"]["n"]["value"] for row in await pool.fetch("SELECT id, body FROM entity")}
    assert last == now


async def test_a_full_disk_refuses_writes_and_lets_reads_go_on(
    pool: asyncpg.Pool, store: Store, tmp_path: Path
) -> None:
    full = Writer(pool, None, data_dir=tmp_path, min_free_bytes=1 << 62)
    full.start()
    with pytest.raises(StorageFull):
        await full.submit(Create(entity(1)))
    await full.stop()
    assert await store.count() == 0


async def test_replaying_history_gives_the_state(pool: asyncpg.Pool, writer: Writer) -> None:
    for number in range(30):
        await writer.submit(Append(entity(number % 3, **{f"a{number % 4}": number}), create=True))
        if number % 11 == 10:
            await writer.submit(Delete(f"urn:x:{number % 3}"))
    state: dict[str, dict[str, object]] = {}
    for row in await pool.fetch("SELECT entity_id, op, change FROM history ORDER BY seq"):
        if row["op"] == b"d":
            state.pop(row["entity_id"])
        else:
            state[row["entity_id"]] = state.get(row["entity_id"], {}) | row["change"]
    assert state == {row["id"]: row["body"] for row in await pool.fetch("SELECT id, body FROM entity")}


async def test_a_connection_that_died_in_between_costs_one_batch_at_most(
    pool: asyncpg.Pool, writer: Writer, store: Store
) -> None:
    await writer.submit(Create(entity(1)))
    await pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with contextlib.suppress(Unavailable):
        await writer.submit(Create(entity(2)))
    await writer.submit(Create(entity(3)))
    assert {"urn:x:1", "urn:x:3"} <= {row.entity.id for row in (await store.find(Query(types=("T",)))).rows}
