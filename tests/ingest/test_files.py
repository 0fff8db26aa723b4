"""Replay of files: 651 real sensors, blanks and all; broken records are buried with their reason."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from madang.base.clock import from_iso
from madang.base.errors import BadRequest
from madang.cli.replay import feed, load_mapping
from madang.context.query import Query
from madang.context.store import Store
from madang.context.writer import Writer
from madang.ingest.deadletters import DeadLetters
from madang.ingest.files.decode import records
from madang.ingest.mapping import compile_rule
from tests.conftest import shared

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
SANTANDER = "sensors/santander-2016-04-11.json"
RULE = compile_rule(
    "c", "t", {"type": "Meter", "id": "{id}", "attributes": {"v": "=number(v)", "location": "=point(x,y)"}}
)


async def test_all_651_sensors_of_santander_live(pool: asyncpg.Pool, writer: Writer, store: Store) -> None:
    path = shared(SANTANDER)
    rule, where = load_mapping(FIXTURES / "santander.toml")
    counts = await feed(path.name, path.read_bytes(), rule, where, writer, DeadLetters(pool))
    assert counts == Counter(written=651, dead=0)
    bodies = [row.entity.body for row in (await store.find(Query(types=("Device",), limit=1_000))).rows]
    blanks = {name: sum(name not in body for body in bodies) for name in ("noise", "temperature", "light", "location")}
    assert (len(bodies), blanks) == (651, {"noise": 592, "temperature": 46, "light": 117, "location": 0})
    times = [from_iso(body["location"]["observedAt"]) for body in bodies]
    assert sum(time < max(times) - timedelta(days=1) for time in times) == dead_in(path)
    assert min(times).year == 2013


def dead_in(path: Path) -> int:
    """Sensors of the file whose last word is more than a day before the newest."""
    times = [from_iso(one["dc:modified"]) for one in json.loads(path.read_bytes())["resources"]]
    return sum(time < max(times) - timedelta(days=1) for time in times)


async def test_the_same_file_twice_changes_nothing_in_number(pool: asyncpg.Pool, writer: Writer, store: Store) -> None:
    path = shared(SANTANDER)
    rule, where = load_mapping(FIXTURES / "santander.toml")
    for _ in range(2):
        await feed(path.name, path.read_bytes(), rule, where, writer, DeadLetters(pool))
    assert await store.count() == 651


async def test_broken_records_are_buried_with_reason_and_source(pool: asyncpg.Pool, writer: Writer) -> None:
    data = "id,v,x,y\n1,3.5,127,37\n2,three,127,37\n3,4,east,37\n,5,127,37\n4,,127,37\n".encode("cp949")
    counts = await feed("m.csv", data, RULE, "", writer, DeadLetters(pool))
    assert counts == Counter(written=2, dead=3)
    letters = await DeadLetters(pool).latest(10)
    assert [(one["source"], one["reason"]) for one in letters] == [
        ("file:m.csv:4", "no id to make an id of"),
        ("file:m.csv:3", "not a number: 'east'"),
        ("file:m.csv:2", "not a number: 'three'"),
    ]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.csv", "이름,값\n가,1\n".encode("cp949"), [{"이름": "가", "값": "1"}]),
        ("a.csv", "\ufeffid,v\n1,2\n".encode(), [{"id": "1", "v": "2"}]),
        ("a.ndjson", b'{"a":1}\n\n{"a":2}\n', [{"a": 1}, {"a": 2}]),
        ("a.json", b"[1]", [1]),
    ],
)
def test_records(name: str, data: bytes, expected: list[object]) -> None:
    assert list(records(name, data)) == expected


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.json", b"{", "not JSON"),
        ("a.json", b"{}", "no list of records"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.ndjson", b'{"a":1}\n{', "line 2: not JSON"),
        ("a.csv", b"\xff\xff\xfe\x81", "neither UTF-8 nor cp949"),
        ("a.csv", b"id\n" + b"x" * 200_000, "cannot be read"),
    ],
)
def test_files_that_are_none(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        list(records(name, data))
