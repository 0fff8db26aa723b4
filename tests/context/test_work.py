"""A batch worked out: the law is that it leaves and tells the same as its operations one by one."""

from __future__ import annotations

from typing import Any

import asyncpg
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from madang.base.clock import ManualClock, from_iso
from madang.context.row import Row
from madang.context.store import Store
from madang.context.work import Work
from madang.context.writer import Writer
from madang.model.context import CORE
from madang.model.entity import Entity, parse_entity
from madang.model.operations import Append, Create, Merge, Operation, Replace
from madang.model.removals import Delete, DeleteAttribute
from madang.model.render import Stamps

NOW = "2026-11-22T06:00:00.000Z"
IDS = st.sampled_from(["urn:x:1", "urn:x:2"])
NAMES = st.sampled_from(["a", "b"])


def entity(entity_id: str, attributes: dict[str, int]) -> Entity:
    return parse_entity({"id": entity_id, "type": "T", **attributes}, CORE)


BODIES = st.builds(entity, IDS, st.dictionaries(NAMES, st.integers(0, 9)))
OPERATIONS: st.SearchStrategy[Operation] = st.one_of(
    st.builds(Create, BODIES),
    st.builds(lambda body: Replace(body, create=True), BODIES),
    st.builds(lambda body: Append(body, create=True), BODIES),
    st.builds(Merge, BODIES),
    st.builds(Delete, IDS),
    st.builds(lambda entity_id, name: DeleteAttribute(entity_id, name, every=True), IDS, NAMES),
)


def state(rows: list[Row]) -> dict[str, tuple[dict[str, Any], str]]:
    return {row.entity.id: (row.entity.body, row.stamps.created) for row in rows}


def after(work: Work) -> list[Row]:
    return [Row(slot.entity, Stamps(slot.created, NOW), 0) for slot in work.slots.values() if slot.entity is not None]


def told(work: Work) -> list[tuple[str, str, Any, Any]]:
    read = msgspec.json.decode
    return [
        (deed.entity_id, deed.op, read(deed.change or deed.body or b""), read(deed.before or b"null"))
        for deed in work.deeds
    ]


@given(st.lists(OPERATIONS, max_size=8))
def test_a_batch_leaves_and_tells_what_its_operations_one_by_one_do(operations: list[Operation]) -> None:
    rows: list[Row] = []
    singles: list[Any] = []
    results: list[str] = []
    for operation in operations:
        work = Work([operation], rows, NOW)
        rows, singles = after(work), singles + told(work)
        results += [repr(result) for result in work.results]
    batch = Work(operations, [], NOW)
    assert (state(after(batch)), told(batch)) == (state(rows), singles)
    assert [repr(result) for result in batch.results] == results


@given(st.lists(OPERATIONS, max_size=8))
def test_only_the_last_deed_of_an_entity_leaves_a_state(operations: list[Operation]) -> None:
    work = Work(operations, [], NOW)
    bodies = {deed.entity_id: msgspec.json.decode(deed.body) for deed in work.deeds if deed.body is not None}
    assert len([deed for deed in work.deeds if deed.body is not None]) == len(bodies)
    assert bodies == {key: slot.entity.body for key, slot in work.changed() if slot.entity is not None}


async def test_what_is_deleted_and_made_anew_in_one_batch_is_new(pool: asyncpg.Pool, store: Store) -> None:
    clock = ManualClock(from_iso("2026-11-22T06:00:00Z"))
    writer = Writer(pool, None, clock)
    writer.start()
    old, kept = entity("urn:x:1", {"a": 1}), entity("urn:x:2", {"a": 1})
    await writer.submit_many([Create(old), Create(kept)])
    clock.set(from_iso("2026-11-22T07:00:00Z"))
    await writer.submit_many([Delete(old.id), Create(old), Merge(kept)])
    await writer.stop()
    times = {
        row.entity.id: (row.stamps.created, row.stamps.modified) for row in await store.list_by_id([old.id, kept.id])
    }
    assert times == {
        "urn:x:1": ("2026-11-22T07:00:00.000Z", "2026-11-22T07:00:00.000Z"),
        "urn:x:2": ("2026-11-22T06:00:00.000Z", "2026-11-22T07:00:00.000Z"),
    }
    ops = await pool.fetch("SELECT entity_id, op, change FROM history ORDER BY seq OFFSET 2")
    assert [(row["entity_id"], bytes(row["op"]), sorted(row["change"])) for row in ops] == [
        ("urn:x:1", b"d", []),
        ("urn:x:1", b"c", ["a"]),
        ("urn:x:2", b"u", ["a"]),
    ]
