"""Questions: what may be asked, what is seen of it, and how an answer looks."""

from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pytest

from madang.base.errors import BadRequest
from madang.lake.shape import COLUMNS
from madang.lake.sql.filtering import condition_of
from madang.lake.sql.grammar import read_question
from madang.lake.sql.job import Head, Job, Limits
from madang.lake.sql.pushing import fixed, pushed
from madang.lake.sql.worker import answer
from madang.model.formula import FALSE, TRUE, Is, Not, OfType, OwnedBy, either, every
from madang.model.sight import WHOLE, Sight

LIMITS = Limits(1_000, 256, 10.0)
ROWS = [
    # entity, type, types, attribute, value, text
    ("urn:car:1", "Car", None, "speed", 50.0, None),
    ("urn:car:1", "Car", None, "driver", None, "kim"),
    ("urn:bus:1", "Bus", "Bus\x1fCar", "speed", 30.0, None),
    ("urn:kim", "Person", None, "age", 41.0, None),
    ("urn:kim", "Person", None, "diagnosis", None, "secret"),
    ("urn:lee", "Person", None, None, None, None),
]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two files of the lake: the first four rows, and the rest."""
    columns = {name: kind for name, kind in COLUMNS}
    with duckdb.connect() as connection:
        told = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        connection.execute(f"CREATE TABLE o ({told})")
        for number, (entity, kind, types, attribute, value, text) in enumerate(ROWS):
            at = datetime(2026, 11, 22, 1, number)
            row = {"seq": number, "changed_at": at, "entity_id": entity, "type": kind, "types": types, "op": "u"}
            row |= {"attribute": attribute, "value": value, "text": text}
            names = ", ".join(row)
            connection.execute(f"INSERT INTO o ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
        for name, condition in (("a", "seq < 4"), ("b", "seq >= 4")):
            connection.execute(f"COPY (FROM o WHERE {condition}) TO '{tmp_path / name}.parquet'")
    return [str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")]


def ask(files: list[str], sql: str, form: str = "json", **more: Any) -> tuple[Head, bytes]:
    job = Job(sql, "true", {}, form, LIMITS, [files[0]], files[1])
    out = io.BytesIO()
    answer(msgspec.structs.replace(job, **more), out)
    head, _, body = out.getvalue().partition(b"\n")
    return msgspec.json.decode(head, type=Head), body


ASKED = (
    "SELECT * FROM observation",
    "FROM observation o JOIN (SELECT 1 AS one) t ON true WHERE entity_id IN (SELECT entity_id FROM observation)",
    "WITH r AS (FROM observation), 도로 AS (FROM r) SELECT count(*) FROM r, 도로",
    "SELECT * FROM range(3)",
    "SELECT unnest([1, 2])",
    "VALUES (1), (2)",
    "SUMMARIZE observation",
    "DESCRIBE observation",
    "SELECT type, avg(value) FROM observation GROUP BY ALL ORDER BY ALL LIMIT 3",
    "FROM observation PIVOT (count(*) FOR type IN ('Car', 'Bus'))",
    "SELECT time_bucket(INTERVAL 1 MINUTE, changed_at) AS minute, median(value) OVER (PARTITION BY type) FROM observation",
)
REFUSED = (
    "", "   ", "SELECT 1; SELECT 2", "DELETE FROM observation", "DROP VIEW observation", "CREATE TABLE x AS SELECT 1", "SET threads = 9",
    "ATTACH '/etc/passwd' AS x", "COPY observation TO '/tmp/x'", "INSTALL httpfs", "LOAD httpfs", "PRAGMA database_list",
    "CALL pragma_version()", "EXPORT DATABASE '/tmp/x'", "SELECT * FROM read_parquet('/etc/x.parquet')", "FROM '/etc/passwd'",
    'FROM "x.parquet"', "FROM read_csv('/etc/passwd')",
    "FROM read_text('/etc/passwd')", "FROM glob('/*')", "FROM duckdb_settings()", "FROM duckdb_secrets()",
    "FROM query('SELECT 1')", "FROM query_table('observation')", "FROM information_schema.tables", "FROM pg_catalog.pg_tables",
    "FROM main.observation", "FROM system.information_schema.tables", "SHOW TABLES", "SHOW ALL TABLES", "FROM sqlite_master",
    "WITH \"/etc/passwd\" AS (SELECT 1) FROM (WITH a AS (SELECT 1) FROM a)", "WITH observation AS (SELECT 1) FROM observation",
    "WITH a AS (SELECT 1) FROM (FROM b)", "SELECT (SELECT max(x) FROM read_csv('/etc/passwd'))", "FROM ids_0",
    "SELECT 1 UNION ALL FROM duckdb_tables()", "FROM observation SEMI JOIN duckdb_views() USING (type)",
    "SELECT * FROM observation WHERE EXISTS (FROM parquet_metadata('x'))", "x" * 20_001, "SELECT '\x00'",
)  # fmt: skip


@pytest.mark.parametrize("sql", ASKED)
def test_what_reads_our_table_may_be_asked(files: list[str], sql: str) -> None:
    head, body = ask(files, sql)
    assert (head, bool(json.loads(body)["columns"])) == (Head(200), True)


@pytest.mark.parametrize("sql", REFUSED)
def test_everything_else_may_not(files: list[str], sql: str) -> None:
    with duckdb.connect() as connection, pytest.raises(BadRequest):
        read_question(connection, sql)
    head, body = ask(files, sql)
    assert (head.status, body) == (400, b"")


SIGHTS = {
    "whole": (WHOLE, list(range(6))),
    "blind": (Sight(FALSE, {}), []),
    "cars": (Sight(OfType("Car"), {}), [0, 1, 2]),
    "but drivers": (Sight(TRUE, {"driver": FALSE}), [0, 2, 3, 4, 5]),
    "no persons but oneself": (
        Sight(either([Not(OfType("Person")), Is("urn:kim")]), {"diagnosis": FALSE}),
        [0, 1, 2, 3],
    ),
    "one's own": (Sight(OwnedBy("person:kim"), {}), [3, 4]),
    "speeds of buses": (Sight(FALSE, {"speed": every([OfType("Bus"), OfType("Car")])}), [2]),
    "quotes": (Sight(OfType("it's"), {"o'x": TRUE}), []),
}


async def own(atom: object) -> list[str]:
    return ["urn:kim"] if atom == OwnedBy("person:kim") else []


@pytest.mark.parametrize("name", SIGHTS)
async def test_only_what_is_open_is_there(files: list[str], name: str) -> None:
    sight, expected = SIGHTS[name]
    made = await condition_of(sight, own)
    head, body = ask(files, "SELECT seq FROM observation ORDER BY seq", where=made.sql, ids=made.ids)
    assert (head, [row[0] for row in json.loads(body)["rows"]]) == (Head(200), expected)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM observation WHERE CASE WHEN text = 'secret' THEN error('it is there') ELSE true END",
        "SELECT count(*) FROM observation WHERE coalesce(CAST(replace(text, 'kim', '1') AS INTEGER), 1) > 0",
        "SELECT max(CASE WHEN text = 'secret' THEN error(text) ELSE 1 END) FROM observation",
        "SELECT count(*) FROM observation a JOIN observation b ON CASE WHEN b.text = 'secret' THEN error('x') ELSE true END",
    ],
)
async def test_a_question_that_fails_on_a_hidden_row_does_not_tell_of_it(files: list[str], sql: str) -> None:
    made = await condition_of(Sight(Not(OfType("Person")), {}), own)
    assert ask(files, sql, where=made.sql)[0] == Head(200)
    assert ask(files, sql)[0].status == 400


@pytest.mark.parametrize(
    ("condition", "below"),
    [
        ("type = 'Car' AND o.attribute = 'it''s'", "\"type\" = 'Car' AND \"attribute\" = 'it''s'"),
        ("changed_at >= TIMESTAMP '2026-01-01' AND '2026-02-01' > changed_at",
         "\"changed_at\" >= CAST('2026-01-01' AS TIMESTAMP) AND \"changed_at\" < '2026-02-01'"),
        ("entity_id IN ('a', 'b') AND value BETWEEN 1 AND 2.5", "\"entity_id\" IN ('a', 'b') AND \"value\" >= 1 AND \"value\" <= 2.5"),
        ("seq > 5 AND CAST(text AS INTEGER) = 3", '"seq" > 5'),
        ("text = 5", "true"),
        ("text IN ('a', 5)", "true"),
        ("seq = 2.5", "true"),
        ("seq < 5 OR seq > 7", "true"),
        ("NOT type = 'Car'", "true"),
        ("error(text) = 'x'", "true"),
        ("type = (SELECT max(type) FROM observation)", "true"),
        ("value = NULL", "true"),
        ("1 = 1", "true"),
    ],
)  # fmt: skip
def test_what_cannot_fail_on_a_row_is_asked_of_the_files(condition: str, below: str) -> None:
    with duckdb.connect() as connection:
        assert pushed(read_question(connection, f"SELECT * FROM observation o WHERE {condition}")) == below


@pytest.mark.parametrize(
    ("condition", "known"),
    [
        ("type = 'Car' AND attribute = 'it''s' AND seq = 3", {"type": "'Car'", "attribute": "'it''s'"}),
        ("type = 'Car' OR attribute = 'x'", {}),
        ("type IN ('Car') AND type > 'A' AND text = 'x'", {}),
        ("'Car' = type AND value = 1", {"type": "'Car'"}),
    ],
)
def test_what_a_question_fixes_is_known_of_every_row(condition: str, known: dict[str, str]) -> None:
    with duckdb.connect() as connection:
        assert fixed(read_question(connection, f"SELECT * FROM observation WHERE {condition}")) == known


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM observation a JOIN observation b USING (seq) WHERE a.type = 'Car'",
        "SELECT * FROM (FROM observation) WHERE type = 'Car'",
        "SELECT * FROM observation AS o(a, type) WHERE type = 'Car'",
        "SELECT * FROM observation, range(3) WHERE type = 'Car'",
        "SELECT * FROM observation WHERE type = 'Car' USING SAMPLE 2 ROWS",
        "SELECT * FROM observation TABLESAMPLE 50% WHERE type = 'Car'",
    ],
)
def test_a_question_of_several_sources_is_asked_above(sql: str) -> None:
    with duckdb.connect() as connection:
        assert pushed(read_question(connection, sql)) == "true"


async def test_asked_below_or_above_the_answer_is_the_same(files: list[str]) -> None:
    sight = Sight(Not(OfType("Bus")), {"driver": FALSE})
    made = await condition_of(sight, own)
    sql = "SELECT seq FROM observation WHERE type IN ('Car', 'Person') AND changed_at > TIMESTAMP '2026-11-22 01:00:30' ORDER BY seq"
    _, body = ask(files, sql, where=made.sql, ids=made.ids)
    assert json.loads(body)["rows"] == [[3], [4], [5]]


@pytest.mark.parametrize("condition", ["type = 'Bus'", "attribute = 'driver'", "type = 'Bus' AND attribute = 'driver'"])
async def test_what_is_hidden_stays_hidden_when_a_question_fixes_it(files: list[str], condition: str) -> None:
    made = await condition_of(Sight(Not(OfType("Bus")), {"driver": FALSE}), own)
    _, body = ask(files, f"SELECT seq FROM observation WHERE {condition}", where=made.sql, ids=made.ids)
    _, whole = ask(files, f"SELECT seq FROM observation WHERE {condition}")
    assert (json.loads(body)["rows"], len(json.loads(whole)["rows"]) > 0) == (
        [],
        "driver" not in condition or "AND" not in condition,
    )


def test_an_answer_in_each_form(files: list[str]) -> None:
    sql = "SELECT seq, type, value, changed_at FROM observation WHERE type IN ('Car', 'Person') AND value IS NOT NULL ORDER BY seq"
    _, as_json = ask(files, sql)
    _, as_csv = ask(files, sql, "csv")
    _, as_arrow = ask(files, sql, "arrow")
    assert json.loads(as_json) == {
        "columns": ["seq", "type", "value", "changed_at"],
        "rows": [[0, "Car", 50.0, "2026-11-22T01:00:00"], [3, "Person", 41.0, "2026-11-22T01:03:00"]],
        "truncated": False,
    }
    assert as_csv == (
        b"seq,type,value,changed_at\r\n0,Car,50.0,2026-11-22 01:00:00\r\n3,Person,41.0,2026-11-22 01:03:00\r\n"
    )
    table = pa.ipc.open_stream(as_arrow).read_all()
    assert table.select(["seq", "type", "value"]).to_pylist() == [
        {"seq": 0, "type": "Car", "value": 50.0},
        {"seq": 3, "type": "Person", "value": 41.0},
    ]


@pytest.mark.parametrize(("form", "told"), [("json", 5), ("csv", 5), ("arrow", 5)])
def test_an_answer_ends_at_its_limit(files: list[str], form: str, told: int) -> None:
    _, body = ask(files, "SELECT range AS n FROM range(100000)", form, limits=Limits(5, 256, 10.0))
    count = {
        "json": lambda: len(json.loads(body)["rows"]) if json.loads(body)["truncated"] else None,
        "csv": lambda: body.count(b"\n") - 1,
        "arrow": lambda: pa.ipc.open_stream(body).read_all().num_rows,
    }
    assert count[form]() == told


def test_a_question_that_wants_too_much_memory_is_told_so(files: list[str]) -> None:
    head, _ = ask(files, "SELECT list(range) FROM range(100000000)", limits=Limits(5, 64, 10.0))
    assert head.status == 413


def test_a_mistake_is_told(files: list[str]) -> None:
    head, _ = ask(files, "SELECT nothing FROM observation")
    assert (head.status, "nothing" in head.detail) == (400, True)
