"""Data sets in questions: only those that were handed in can be named, and people in them hide."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from madang.lake.datasets.dataset import Persons
from madang.lake.sql.job import Head, Job, Limits, Sheet
from madang.lake.sql.worker import answer

PEOPLE = {
    "id": ["a", "b", "c", "d"],
    "age": [30, 30, 40, 30],
    "gu": ["x", "x", "x", "y"],
    "ill": ["flu", "cold", "flu", "flu"],
}
PERSONS = Persons(["id"], ["age", "gu"], ["ill"], 2, 2)


def ask(folder: Path, sql: str, persons: Persons | None = None) -> tuple[int, Any]:
    pq.write_table(pa.table(PEOPLE), folder / "people.parquet")
    sheet = Sheet([str(folder / "people.parquet")], persons, list(PEOPLE))
    out = io.BytesIO()
    answer(Job(sql, "true", {}, "json", Limits(100, 512, 10.0), sheets={"people": sheet}), out)
    head, _, body = out.getvalue().partition(b"\n")
    told = msgspec.json.decode(head, type=Head)
    return told.status, msgspec.json.decode(body)["rows"] if told.status == 200 else told.detail


def test_a_data_set_is_a_table(tmp_path: Path) -> None:
    assert ask(tmp_path, "SELECT id FROM people WHERE age = 40") == (200, [["c"]])


def test_people_are_seen_where_they_hide_among_others(tmp_path: Path) -> None:
    found = ask(tmp_path, "SELECT * FROM people ORDER BY ALL", PERSONS)
    assert found == (200, [[30, "x", "cold"], [30, "x", "flu"]])


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM people",  # names people
        "SELECT count(*) FROM people WHERE id = 'c'",
        "SELECT * FROM observation",  # not handed in
        "SELECT * FROM others",
        "WITH people AS (SELECT 1) FROM people",
    ],
)
def test_nothing_else_can_be_asked(tmp_path: Path, sql: str) -> None:
    assert ask(tmp_path, sql, PERSONS)[0] == 400


def test_a_condition_that_fails_on_a_hidden_row_does_not_tell_of_it(tmp_path: Path) -> None:
    sql = "SELECT count(*) FROM people WHERE CASE WHEN age = 40 THEN error('there') ELSE true END"
    assert ask(tmp_path, sql, PERSONS) == (200, [[2]])
