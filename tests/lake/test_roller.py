"""What rolls is what history has: every instance of every change, once, exactly as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import asyncpg
import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madang.context.writer import Writer
from madang.lake import roller
from madang.lake.connection import Place, open_lake
from madang.lake.roller import Rolled, prepare, roll, rolled_upto
from madang.lake.shape import NAMES, observations
from madang.lake.sql.job import Job, Limits
from madang.lake.sql.supply import supplied
from madang.model.context import CORE
from madang.model.entity import Entity, parse_entity
from madang.model.operations import AppendTemporal, Create, Replace
from madang.model.removals import Delete
from tests.lake.told import told

POINT = {"type": "Point", "coordinates": [127.0, 37.5]}
SENSOR: dict[str, Any] = {
    "id": "urn:ngsi-ld:Sensor:1",
    "type": ["Sensor", "Device"],
    "temperature": {"value": 20.5, "unitCode": "CEL", "observedAt": "2026-11-22T00:00:00Z"},
    "count": 7,
    "big": 12345678901234567890,
    "fine": 0.1234567890123456789,
    "numberAsText": "12",
    "bool": True,
    "nothing": {"type": "JsonProperty", "json": None},
    "list": [1, [2]],
    "object": {"a": {"b": 1}},
    "텍스트": "a\\b\"c\n한글",
    "sub": {"value": 1, "accuracy": 0.5, "observedAt": "2026-11-22T00:00:00.123456Z"},
    "many": [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:d:2"}],
    "owner": {"object": "urn:ngsi-ld:Person:1"},
    "parts": {"type": "Relationship", "object": ["urn:a", "urn:b"]},
    "label": {"languageMap": {"ko": "마당", "en": "yard"}},
    "place": POINT,
    "scope": ["/a/b"],
}  # fmt: skip


def entity(**changed: Any) -> Any:
    return parse_entity(SENSOR | changed, CORE)


async def instances(pool: asyncpg.Pool) -> list[tuple[Any, ...]]:
    """The oracle: history read in Python."""
    found: list[tuple[Any, ...]] = []
    for row in await pool.fetch("SELECT seq, entity_id, op::text AS op, change FROM history ORDER BY seq"):
        if row["op"] == "d":
            found.append((row["seq"], row["entity_id"], "d", None, None))
            continue
        for name, value in row["change"].items():
            several = value if isinstance(value, list) else [value]
            found += [(row["seq"], row["entity_id"], row["op"], name, one) for one in several]
    return found


def in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)


async def test_every_instance_comes_back_as_it_was(
    pool: asyncpg.Pool, writer: Writer, lake: duckdb.DuckDBPyConnection
) -> None:
    told_of_the_past = {"type": "Property", "value": 1.5, "observedAt": "2020-01-01T00:00:00.000Z"}
    past = Entity(SENSOR["id"], ["Sensor"], {"temperature": [told_of_the_past]})
    await writer.submit(Create(entity()))
    await writer.submit(Replace(entity(temperature={"value": 21, "unitCode": "CEL"}, count="gone")))
    await writer.submit(AppendTemporal(past))
    await writer.submit(Delete(SENSOR["id"]))
    done = roll(lake)
    found = told(lake)
    assert in_order(found) == in_order(await instances(pool))
    assert done == Rolled(len(found), found[-1][0])
    needed = "SELECT DISTINCT attribute FROM lake.observation WHERE whole IS NOT NULL ORDER BY ALL"
    columns_say_it = {"temperature", "count", "numberAsText", "many", "owner"}
    assert {row[0] for row in lake.execute(needed).fetchall()} == SENSOR.keys() - {"id", "type"} - columns_say_it
    numbers = "SELECT value, text, kind, unit FROM lake.observation WHERE attribute = 'temperature' ORDER BY seq"
    assert lake.execute(numbers).fetchall() == [
        (20.5, None, "Property", "CEL"),
        (21.0, None, "Property", "CEL"),
        (1.5, None, "Property", None),
    ]


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c"]),
        st.fixed_dictionaries(
            {"type": st.just("Property"), "value": st.one_of(
                st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**70), 2**70), st.booleans(), st.text(),
                st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
            )},
            optional={"unitCode": st.sampled_from(["CEL", "P1"]), "observedAt": st.just("2026-11-22T00:00:00.000Z"),
                      "note": st.just({"type": "Property", "value": "x"})},
        ), min_size=1,
    )
)  # fmt: skip
def test_any_value_comes_back(values: dict[str, Any]) -> None:
    """The SQL alone, over rows that stand where history's would."""
    stamps = {"createdAt": "2026-11-22T01:00:00.000Z", "modifiedAt": "2026-11-22T01:00:00.000Z"}
    change = {name: one | stamps for name, one in values.items()}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "CREATE TABLE rows AS SELECT 1::BIGINT AS seq, TIMESTAMP '2026-11-22 01:00:00' AS changed_at, 'urn:x' AS entity_id,"
            " 'T' AS types, 'u' AS op, $1 AS change",
            [json.dumps(change, separators=(",", ":"), ensure_ascii=False)],
        )
        sql = observations("true")
        begin, end = sql.index("FROM postgres_query"), sql.index(")\n),\ninstances")
        connection.execute(f"CREATE TABLE observation ({NAMES}) AS " + sql[:begin] + "FROM rows" + sql[end:])
        found = {row[3]: row[4] for row in told(connection, "observation")}
    assert found == change


async def test_batches_go_on_where_the_last_ended(writer: Writer, lake: duckdb.DuckDBPyConnection) -> None:
    for number in range(5):
        await writer.submit(Create(entity(id=f"urn:ngsi-ld:Sensor:{number}")))
    done = [roll(lake, 2), roll(lake, 2), roll(lake, 2)]
    per_change = len(SENSOR) - 2 + 1  # one attribute has two instances
    assert [one.rows // per_change for one in done if one is not None] == [2, 2, 1]
    assert (done[-1] is not None and done[-1].upto, roll(lake, 2)) == (rolled_upto(lake), None)
    assert lake.execute(
        "SELECT count(*) = count(DISTINCT (seq, attribute, dataset_id)) FROM lake.observation"
    ).fetchone() == (True,)


async def test_rolled_or_not_is_there_once(
    pool: asyncpg.Pool, writer: Writer, lake: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    await writer.submit(Create(entity()))
    roll(lake)
    await writer.submit(Replace(entity(count=8)))
    job = supplied(lake, Job("FROM observation", "", {}, "json", Limits(1, 64, 1.0)), tmp_path)
    await writer.submit(Replace(entity(count=9)))
    roll(lake)
    with duckdb.connect() as reader:
        reader.execute(f"CREATE VIEW observation AS FROM read_parquet({[*job.files, job.fresh]})")
        found = told(reader, "observation")
    assert in_order(found) == in_order([row for row in await instances(pool) if row[0] <= found[-1][0]])
    assert len({row[0] for row in found}) == 2


async def test_two_rollers_do_not_roll_the_same_twice(
    dsn: str, place: Place, writer: Writer, pool: asyncpg.Pool, lake: duckdb.DuckDBPyConnection
) -> None:
    await writer.submit(Create(entity()))
    with open_lake(dsn, place) as other:
        lake.execute("BEGIN")
        rolled_upto(lake)
        roll(other)
        with pytest.raises(duckdb.Error):
            roller._batch(lake, 10)
            lake.execute("COMMIT")
    assert in_order(told(lake)) == in_order(await instances(pool))


async def test_the_lake_is_made_once(dsn: str, place: Place, lake: duckdb.DuckDBPyConnection) -> None:
    with open_lake(dsn, place) as other:
        prepare(other)
        assert rolled_upto(other) == 0


async def test_retention_waits_for_the_lake(
    pool: asyncpg.Pool, writer: Writer, lake: duckdb.DuckDBPyConnection
) -> None:
    await writer.submit(Create(entity()))
    before = await pool.fetchval("SELECT seq FROM lake_cursor")
    done = roll(lake)
    assert done is not None
    assert (before, await pool.fetchval("SELECT seq FROM lake_cursor")) == (None, done.upto)
