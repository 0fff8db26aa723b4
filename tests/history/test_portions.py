"""What is read in portions is what is read at once."""

from __future__ import annotations

import asyncpg
import pytest

from madang.context.writer import Writer
from madang.history.search import evolutions
from madang.history.store import Candidates, History
from madang.history.window import Window
from madang.model.entity import Entity
from madang.model.operations import Append, Operation
from madang.model.removals import Delete

IDS = [f"urn:x:{number}" for number in range(3)]


def observed(number: int, value: int) -> Operation:
    instance = {"type": "Property", "value": value, "observedAt": f"2026-08-01T00:{value:02}:00.000Z"}
    return Append(Entity(IDS[number], ["T"], {"a": instance, "b": {"type": "Property", "value": value}}), create=True)


@pytest.mark.parametrize("window", [Window(), Window("modifiedAt", strict=False), Window("deletedAt"), Window(last=3)])
@pytest.mark.parametrize("names", [None, frozenset({"a"})])
async def test_portions_make_up_the_whole(
    pool: asyncpg.Pool,
    writer: Writer,
    monkeypatch: pytest.MonkeyPatch,
    window: Window,
    names: frozenset[str] | None,
) -> None:
    operations = [observed(number, value) for value in range(20) for number in range(3)]
    await writer.submit_many([*operations[:30], Delete(IDS[0]), *operations[30:]])
    whole = await evolutions(History(pool), IDS, window, names)
    monkeypatch.setattr("madang.history.store.HISTORY_READ_ENTITIES", 2)
    monkeypatch.setattr("madang.history.store.HISTORY_READ_ROWS", 7)
    monkeypatch.setattr("madang.history.store.READ_ROWS_LEAST", 3)
    assert await evolutions(History(pool), IDS, window, names) == whole


async def test_candidates_are_there_now_or_were(pool: asyncpg.Pool, writer: Writer) -> None:
    await writer.submit_many([observed(0, 1), observed(1, 1), Delete(IDS[1]), observed(2, 1)])
    history = History(pool)
    assert await history.candidates(Candidates(types=("T",)), "", 10) == IDS
    assert await history.candidates(Candidates(types=("T",)), IDS[0], 1) == [IDS[1]]
    assert await history.candidates(Candidates(types=("U",)), "", 10) == []
    assert await history.candidates(Candidates(ids=(IDS[2],), id_pattern="2$"), "", 10) == [IDS[2]]


async def test_rows_that_lie_in_another_order_are_read_as_they_were_written(pool: asyncpg.Pool, writer: Writer) -> None:
    first = {"type": "Property", "value": 1, "observedAt": "2026-08-01T00:00:00.000Z"}
    for value in (1, 2):
        await writer.submit(Append(Entity(IDS[0], ["T"], {"a": first | {"value": value}}), create=True))
    await pool.execute("UPDATE history SET change = change WHERE seq = (SELECT min(seq) FROM history)")
    found, _ = await evolutions(History(pool), IDS[:1], Window(), frozenset({"a"}))
    assert [event[3]["value"] for event in found[IDS[0]]["a"]] == [2]
