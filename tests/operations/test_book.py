"""Incidents in the database: one transaction with their log, whatever happens at once or is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from madang.base import limits
from madang.base.clock import ManualClock
from madang.base.errors import BadRequest, Conflict, NotFound, TooMany
from madang.operations.house import OperationsHouse, open_operations
from madang.operations.incidents import book as book_of
from madang.operations.incidents import decide
from madang.operations.incidents.book import Book
from madang.operations.incidents.watching import Clockwork
from tests.operations.incidents import AGAIN, CRASH, NOON

pytestmark = pytest.mark.engine
ANNA, BO = "person:anna", "person:bo"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def house(pool: asyncpg.Pool, clock: ManualClock) -> OperationsHouse:
    return open_operations(pool, clock)


@pytest.fixture
def book(house: OperationsHouse) -> Book:
    return house.book


async def said(book: Book, incident: int) -> list[tuple[str, str, str]]:
    return [(one.who, one.what, one.text) for one in await book.log(incident)]


async def test_what_is_the_same_is_one_and_can_be_two_again(book: Book) -> None:
    first, second = await book.report(CRASH), await book.report(AGAIN)
    assert (first.merged_into, second.merged_into) == (None, first.id)
    assert [one.id for one in await book.unresolved()] == [first.id]
    separated = await book.act(second.id, ANNA, decide.separate)
    assert separated == replace(second, merged_into=None, version=second.version + 1)
    assert [one.id for one in await book.unresolved()] == [first.id, second.id]
    assert await said(book, second.id) == [
        (ANNA, "opened", ""),
        ("madang", "merged", ""),
        (ANNA, "separated", ""),
    ]


async def test_who_tells_again_by_the_same_reference_adds_to_the_log(book: Book) -> None:
    first = await book.report(CRASH)
    again = await book.report(replace(CRASH, text="세 대로 늘어남"))
    assert (again.id, again.version) == (first.id, first.version + 1)
    assert await said(book, first.id) == [
        (CRASH.source, "opened", CRASH.text),
        (CRASH.source, "told", "세 대로 늘어남"),
    ]
    await book.resolve(first.id, BO, "견인함")
    assert (await book.report(CRASH)).id != first.id


async def test_reports_at_once_are_one_incident(book: Book) -> None:
    made = await asyncio.gather(*(book.report(replace(AGAIN, source=f"person:{n}")) for n in range(8)))
    roots = {one.id for one in made if one.merged_into is None}
    assert {one.merged_into for one in made if one.merged_into is not None} == roots
    assert len(roots) == 1


async def test_the_life_of_an_incident(book: Book, clock: ManualClock) -> None:
    one = (await book.report(CRASH)).id
    clock.set(NOON + timedelta(minutes=1))
    await book.act(one, ANNA, lambda found: decide.acknowledge(found, ANNA, clock.now()))
    await book.grade(one, ANNA, "critical")
    await book.step(one, ANNA, "confirm", True)
    await book.step(one, ANNA, "confirm", True)
    await book.step(one, BO, "dispatch", True)
    await book.step(one, ANNA, "dispatch", False)
    await book.say(one, BO, " 119 접수 4711 ")
    await book.act(one, BO, lambda found: decide.escalate(found, "부상자 다수"))
    ended = await book.resolve(one, ANNA, "현장 정리")
    assert (ended.state, ended.owner, ended.level, ended.severity) == ("resolved", ANNA, 1, "critical")
    assert [(one.who, one.what, one.text, one.details) for one in await book.log(one)] == [
        (CRASH.source, "opened", CRASH.text, {}),
        (ANNA, "acknowledged", "", {}),
        (ANNA, "graded", "", {"from": "high", "to": "critical"}),
        (ANNA, "step", "", {"step": "confirm"}),
        (BO, "step", "", {"step": "dispatch"}),
        (ANNA, "step_undone", "", {"step": "dispatch"}),
        (BO, "said", "119 접수 4711", {}),
        (BO, "escalated", "부상자 다수", {"level": 1}),
        (ANNA, "resolved", "현장 정리", {"left_out": ["dispatch", "way", "warn", "clear"]}),
    ]
    reopened = await book.act(one, BO, lambda found: decide.reopen(found, "또 막힘"))
    assert (reopened.state, reopened.resolved_at) == ("acknowledged", None)


async def test_what_is_merged_ends_with_what_it_is_merged_into(book: Book) -> None:
    first, second = await book.report(CRASH), await book.report(AGAIN)
    await book.resolve(first.id, BO, "견인함")
    assert (await book.get(second.id)).state == "resolved"
    with pytest.raises(Conflict):
        await book.act(second.id, BO, decide.separate)


async def test_a_merge_takes_along_what_was_merged_before(book: Book) -> None:
    far = await book.report(replace(CRASH, reference="", place=(126.90, 37.5)))
    first, second = await book.report(CRASH), await book.report(AGAIN)
    await book.merge(first.id, far.id, BO)
    assert [one.id for one in await book.merged(far.id)] == [first.id, second.id]


async def test_each_limit_that_passes_goes_one_level_up_once(book: Book, clock: ManualClock) -> None:
    one, clockwork = (await book.report(CRASH)).id, Clockwork(book)
    told = []
    for seconds in (180, 181, 200, 7_201, 9_000):
        clock.set(NOON + timedelta(seconds=seconds))
        told.append((seconds, await clockwork.once(), (await book.get(one)).level))
    assert told == [(180, [], 0), (181, [one], 1), (200, [], 1), (7_201, [one], 2), (9_000, [], 2)]


async def test_the_most_urgent_comes_first(book: Book) -> None:
    made = {
        severity: await book.report(replace(CRASH, severity=severity, place=None, reference=severity))
        for severity in ("low", "critical", "medium", "high")
    }
    assert [one.severity for one in await book.unresolved()] == ["critical", "high", "medium", "low"]
    assert len(made) == 4


async def test_a_shift_hands_over_and_the_next_has_it(house: OperationsHouse, book: Book, clock: ManualClock) -> None:
    one = (await book.report(CRASH)).id
    await book.act(one, ANNA, lambda found: decide.acknowledge(found, ANNA, clock.now()))
    made = await house.hand_overs.write(ANNA, BO, "견인차가 오는 중")
    with pytest.raises(Conflict):
        await house.hand_overs.write(ANNA, BO, "다시")
    assert (await book.get(one)).owner == ANNA
    await house.hand_overs.accept(made, BO)
    with pytest.raises(Conflict):
        await house.hand_overs.accept(made, BO)
    (told,) = await house.hand_overs.latest()
    assert ((await book.get(one)).owner, told.incidents[0]["owner"], told.accepted_at) == (BO, ANNA, NOON)
    assert (await said(book, one))[-1] == (BO, "handed_over", "견인차가 오는 중")


async def test_what_is_not_there_or_too_long_or_too_much(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    one = (await book.report(CRASH)).id
    with pytest.raises(NotFound):
        await book.get(one + 1)
    with pytest.raises(NotFound):
        await book.say(one + 1, ANNA, "?")
    with pytest.raises(BadRequest):
        await book.say(one, ANNA, "가" * (limits.INCIDENT_TEXT_MAX_CHARS + 1))
    with pytest.raises(BadRequest):
        await book.step(one, ANNA, "dance", True)
    with pytest.raises(BadRequest):
        await book.merge(one, one, ANNA)
    monkeypatch.setattr(book_of, "INCIDENTS_OPEN_MAX", 1)
    with pytest.raises(TooMany):
        await book.report(replace(AGAIN, kind="fire"))


async def test_an_act_whose_log_cannot_be_written_did_not_happen(book: Book) -> None:
    one = await book.report(CRASH)
    unwritable: Any = {"at": object()}
    with pytest.raises(asyncpg.DataError):
        await book.act(one.id, ANNA, lambda found: replace(decide.escalate(found, "why"), details=unwritable))
    assert await book.get(one.id) == one


TELLER = """
import asyncio, sys
from madang.base.clock import SystemClock
from madang.engine.database import connect_pool
from madang.operations.house import open_operations
from madang.operations.incidents.incident import Report
async def main():
    async with await connect_pool(sys.argv[1], 1, 2) as pool:
        book = open_operations(pool, SystemClock()).book
        for number in range(10_000):
            made = await book.report(Report("other", "low", str(number), "app:x"))
            await book.say(made.id, "person:x", str(number))
            print(made.id, number, flush=True)
asyncio.run(main())
"""


async def test_kill_9_loses_nothing_that_was_answered(dsn: str, book: Book) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TELLER, dsn, stdout=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    assert child.stdout is not None
    told = [await child.stdout.readline() for _ in range(25)]
    child.send_signal(signal.SIGKILL)
    told += [line async for line in child.stdout]
    await child.wait()
    whole = [line.split() for line in told if line.endswith(b"\n")]
    answered = {int(number): text.decode() for number, text in whole}
    kept = {number: (await book.log(number))[1].text for number in answered}
    assert (kept, child.returncode) == (answered, -signal.SIGKILL)
