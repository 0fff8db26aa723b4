"""The short way to a series says what the long way says, or nothing."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from madang.context.writer import Writer
from madang.history.search import evolutions
from madang.history.series import Series, plain_series
from madang.history.store import History
from madang.history.window import Window
from madang.model.entity import Entity
from madang.model.operations import Append, AppendTemporal, Operation
from madang.model.removals import DeleteAttribute

ID = "urn:x:1"
NAME = "a"


def seen(minute: int, value: Any = 1, **members: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": f"2026-08-01T00:{minute:02}:00.000Z", **members}


def write(instance: Any, name: str = NAME) -> Operation:
    return Append(Entity(ID, ["T"], {name: instance}), create=True)


PLAIN = [write(seen(1, 5)), write(seen(2, "x"), "b"), write(seen(3, [1])), write(seen(9, True)), write(seen(7, 0), "b")]


@pytest.mark.parametrize(
    "window",
    [
        Window(),
        Window(low="2026-08-01T00:01:00.000Z"),
        Window(high="2026-08-01T00:09:00.000Z"),
        Window(low="2027-01-01T00:00:00.000Z"),
    ],
)
async def test_a_plain_series(
    pool: asyncpg.Pool, writer: Writer, monkeypatch: pytest.MonkeyPatch, window: Window
) -> None:
    await writer.submit_many(PLAIN)
    monkeypatch.setattr("madang.history.store.HISTORY_READ_ROWS", 2)
    monkeypatch.setattr("madang.history.store.READ_ROWS_LEAST", 2)
    found, _ = await evolutions(History(pool), [ID], window, frozenset({NAME}))
    events = found[ID].get(NAME, [])
    expected = Series([event[0] for event in events], [event[3]["value"] for event in events])
    assert await plain_series(History(pool), ID, NAME, window) == expected


@pytest.mark.parametrize(
    "more",
    [
        write(seen(9, 2)),
        write(seen(2, 2)),
        write(seen(10, 2, datasetId="urn:d:x")),
        write({"type": "Relationship", "object": "urn:x:2", "observedAt": "2026-08-01T00:10:00.000Z"}),
        write({"type": "Property", "value": 1}),
        DeleteAttribute(ID, NAME),
        AppendTemporal(Entity(ID, ["T"], {NAME: [seen(11)]})),
    ],
)
async def test_what_is_more_than_plain(pool: asyncpg.Pool, writer: Writer, more: Operation) -> None:
    await writer.submit_many([*PLAIN, more])
    assert await plain_series(History(pool), ID, NAME, Window()) is None


@pytest.mark.parametrize(
    ("name", "window"), [("never", Window()), (NAME, Window(last=2)), (NAME, Window("modifiedAt")), ("scope", Window())]
)
async def test_what_the_short_way_leaves_to_the_long_one(
    pool: asyncpg.Pool, writer: Writer, name: str, window: Window
) -> None:
    await writer.submit_many(PLAIN)
    assert await plain_series(History(pool), ID, name, window) is None
