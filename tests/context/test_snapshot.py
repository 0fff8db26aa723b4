"""What is held in memory is what the database holds: within a process, between processes, and when one of them dies."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.context.row import Row
from madang.context.snapshot import Snapshot, type_key
from madang.context.versions import Versions
from madang.context.writer import Writer
from madang.model.entity import Entity
from madang.model.operations import Append, Create, Delete
from madang.model.render import Stamps

WORKERS = 4


class Worker:
    """One process of `tests.context.worker`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._turn = asyncio.Lock()

    @classmethod
    async def start(cls, dsn: str) -> Worker:
        pipe = asyncio.subprocess.PIPE
        worker = cls(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.context.worker", dsn, stdin=pipe, stdout=pipe
            )
        )
        assert await worker._hear() is True
        return worker

    async def ask(self, **what: Any) -> Any:
        async with self._turn:
            assert self.process.stdin is not None
            self.process.stdin.write(json.dumps(what).encode() + b"\n")
            return await self._hear()

    async def _hear(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(await asyncio.wait_for(self.process.stdout.readline(), 30))


@pytest.fixture
async def workers(dsn: str, snapshot: Snapshot | None) -> AsyncIterator[list[Worker]]:
    if snapshot is None:
        pytest.skip("an outside server: nothing is held in memory there")
    workers = await asyncio.gather(*(Worker.start(dsn) for _ in range(WORKERS)))
    yield workers
    for worker in workers:
        if worker.process.returncode is None:
            worker.process.kill()
        await worker.process.wait()


async def lane(workers: list[Worker], number: int, steps: int) -> None:
    """Writes by one process, read at once by every other."""
    chance = random.Random(number)
    names = [f"urn:ngsi-ld:Shared:{number}-{index}" for index in range(3)]
    for value in range(steps):
        name = chance.choice(names)
        await chance.choice(workers).ask(put=name, value=value)
        seen = await asyncio.gather(*(worker.ask(get=name) for worker in workers))
        assert seen == [{name: value}] * len(workers)


async def test_four_processes_read_what_any_of_them_was_told_is_written(workers: list[Worker]) -> None:
    await asyncio.gather(*(lane(workers, number, 40) for number in range(6)))
    lists = await asyncio.gather(*(worker.ask(list="") for worker in workers * 2))
    assert lists == [lists[0]] * len(lists)
    assert len(lists[0]) == 18


async def test_lists_follow_what_comes_and_goes_elsewhere(workers: list[Worker]) -> None:
    one, other = workers[:2]
    wanted: dict[str, int] = {}
    for number in range(12):
        name = f"urn:ngsi-ld:Shared:{number}"
        await one.ask(put=name, value=number)
        wanted[name] = number
        assert [await other.ask(list="") for _ in range(3)] == [wanted] * 3
    await one.ask(delete="urn:ngsi-ld:Shared:3")
    del wanted["urn:ngsi-ld:Shared:3"]
    assert [await other.ask(list="") for _ in range(3)] == [wanted] * 3


async def test_a_writer_that_is_killed_leaves_no_stale_copy(workers: list[Worker]) -> None:
    name, (victim, *others) = "urn:ngsi-ld:Shared:kill", workers
    await others[0].ask(put=name, value=0)
    await asyncio.gather(*(worker.ask(get=name) for worker in workers))
    asked = asyncio.gather(*(victim.ask(put=name, value=value) for value in range(1, 50)), return_exceptions=True)
    await others[1].ask(get=name)
    victim.process.kill()
    await asked
    seen = await asyncio.gather(*(worker.ask(get=name) for worker in others))
    assert seen == [seen[0]] * len(others)
    await others[2].ask(put=name, value=99)
    assert [await worker.ask(get=name) for worker in others] == [{name: 99}] * len(others)


def row(name: str, value: int) -> Row:
    return Row(Entity(name, ["T"], {"n": {"type": "Property", "value": value}}), Stamps("", ""), value)


def test_a_row_read_while_it_was_written_is_not_held() -> None:
    snapshot = Snapshot(Versions())
    begun = snapshot.versions.begin(["a"])
    snapshot.keep(snapshot.versions.of("a"), row("a", 1))
    assert snapshot.row("a") is None
    assert snapshot.versions.finish(begun)
    snapshot.keep(snapshot.versions.of("a"), row("a", 2))
    assert snapshot.row("a") == row("a", 2)


def test_a_writer_whose_keys_another_finished_meanwhile_does_not_know_what_is_true(tmp_path: Path) -> None:
    one, other = Versions(tmp_path / "versions"), Versions(tmp_path / "versions")
    begun = one.begin(["a", "b"])
    between = other.begin(["a"])
    assert other.finish(between)
    assert not one.finish(begun)
    assert [one.of("a") % 2, one.of("b") % 2] == [0, 0]


def test_the_least_used_rows_go_first() -> None:
    snapshot = Snapshot(Versions(), max_rows=2)
    for name in "ab":
        snapshot.keep(0, row(name, 1))
    snapshot.row("a")
    snapshot.keep(0, row("c", 1))
    assert [snapshot.row(name) is not None for name in "abc"] == [True, False, True]


def test_a_list_is_worth_its_price_when_a_type_was_asked_twice_in_peace() -> None:
    snapshot = Snapshot(Versions())
    asked = [snapshot.is_still("T"), snapshot.is_still("T")]
    snapshot.versions.finish(snapshot.versions.begin([type_key("T")]))
    assert [*asked, snapshot.is_still("T")] == [False, True, False]


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["begin", "finish", "read"])), max_size=40))
def test_no_order_of_writers_and_readers_makes_a_stale_copy(steps: list[tuple[int, str]]) -> None:
    """Writers 0 and 1 take turns under the database's lock; `finish` may come late; 2 reads. The law: what is held is never
    older than the last write that was finished."""
    snapshot, written, finished = Snapshot(Versions()), 0, 0
    open_ones: dict[int, tuple[dict[int, int], int]] = {}
    for who, what in steps:
        if what == "begin" and who < 2 and who not in open_ones:
            begun = snapshot.versions.begin(["a"])
            written += 1
            open_ones[who] = (begun, written)
        elif what == "finish" and who in open_ones:
            begun, value = open_ones.pop(who)
            if snapshot.versions.finish(begun):
                snapshot.keep(snapshot.versions.of("a"), row("a", value))
            finished = max(finished, value)
        else:
            version = snapshot.versions.of("a")
            held = snapshot.row("a")
            assert held is None or held.seq >= finished
            snapshot.keep(version, row("a", written))


async def test_a_writer_lets_go_of_what_it_deleted(writer: Writer, snapshot: Snapshot | None) -> None:
    if snapshot is None:
        pytest.skip("an outside server: nothing is held in memory there")
    held = []
    for operation in (Create(row("urn:x:1", 1).entity), Append(row("urn:x:1", 2).entity), Delete("urn:x:1")):
        await writer.submit_many([operation])
        held.append("urn:x:1" in snapshot._rows)
    assert held == [False, True, False]
