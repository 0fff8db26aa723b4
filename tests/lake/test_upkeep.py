"""Few sorted files, nothing lost; what is erased is erased from every file."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import duckdb
import msgspec
import pytest

from madang.base.errors import BadRequest
from madang.context.writer import Writer
from madang.history.editing import Editor
from madang.history.evolution import instance_id
from madang.lake.connection import Place
from madang.lake.orders import carry_out, open_orders
from madang.lake.roller import roll
from madang.lake.sql.job import Job, Limits
from madang.lake.sql.supply import supplied
from madang.lake.sql.worker import answer
from madang.lake.upkeep import forget, merge_all, sweep
from madang.model.context import CORE
from madang.model.entity import parse_entity
from madang.model.operations import Append
from tests.lake.told import told

LATER = datetime(2100, 1, 1, tzinfo=UTC)


async def write(writer: Writer, name: str, **attributes: object) -> None:
    sensor = {"id": f"urn:ngsi-ld:S:{name}", "type": "S"} | attributes
    await writer.submit(Append(parse_entity(sensor, CORE), create=True))


def files(place: Place) -> list[Path]:
    return sorted(Path(place.path).rglob("*.parquet"))


@pytest.fixture
async def filled(writer: Writer, lake: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Five rolls of two entities; more rows than are kept in the catalogue itself."""
    for number in range(5):
        for name in ("kim", "lee"):
            await write(writer, name, n=number, **{f"m{i}": f"of {name}" for i in range(60)})
        roll(lake)
    return lake


async def test_merging_leaves_what_was(filled: duckdb.DuckDBPyConnection, place: Place) -> None:
    before = told(filled)
    merged = merge_all(filled)
    removed = sweep(filled, LATER)
    assert (told(filled), merged, removed, len(files(place))) == (before, 5, 5, 1)
    entities = duckdb.sql(f"SELECT entity_id FROM '{files(place)[0]}' WHERE attribute = 'n'").fetchall()
    assert entities == sorted(entities)


async def test_time_travel_until_it_is_swept(filled: duckdb.DuckDBPyConnection) -> None:
    first = filled.execute(
        "SELECT min(snapshot_id) FROM ducklake_snapshots('lake') WHERE changes::VARCHAR LIKE '%insert%'"
    ).fetchone()
    assert first is not None
    count = "SELECT count(DISTINCT seq) FROM lake.observation AT (VERSION => {0})"
    now = filled.execute("SELECT count(DISTINCT seq) FROM lake.observation").fetchone()
    then = filled.execute(count.format(first[0] + 2)).fetchone()
    sweep(filled, LATER)
    assert then is not None and now is not None and 0 < then[0] < now[0] == 10
    with pytest.raises(duckdb.Error, match="No snapshot"):
        filled.execute(count.format(first[0] + 2))


async def test_a_question_is_answered_as_the_lake_was_then(filled: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    times = filled.execute("SELECT snapshot_time FROM ducklake_snapshots('lake') ORDER BY snapshot_id").fetchall()
    question = Job("SELECT count(DISTINCT seq) FROM observation", "true", {}, "csv", Limits(1, 64, 9.0))
    found = []
    for (moment,) in times[-3:]:
        out = io.BytesIO()
        answer(supplied(filled, msgspec.structs.replace(question, at=moment), tmp_path), out)
        found.append(out.getvalue().splitlines()[-1])
    with pytest.raises(BadRequest, match="does not know"):
        supplied(filled, msgspec.structs.replace(question, at=datetime(2020, 1, 1, tzinfo=UTC)), tmp_path)
    assert found == [b"6", b"8", b"10"]


async def test_old_days_go(filled: duckdb.DuckDBPyConnection) -> None:
    now = datetime.now(UTC)
    assert (forget(filled, now - timedelta(days=1)), forget(filled, now + timedelta(days=1))) == (
        0,
        len(range(5)) * 2 * 61,
    )
    assert told(filled) == []


async def test_the_past_of_an_entity_is_erased_from_every_file(
    filled: duckdb.DuckDBPyConnection, pool: asyncpg.Pool, writer: Writer, place: Place
) -> None:
    lee = [row for row in told(filled) if row[1].endswith("lee")]
    await Editor(pool).erase_entity("urn:ngsi-ld:S:kim")
    await write(writer, "kim", n=99)
    roll(filled)
    (order,) = open_orders(filled)
    done = carry_out(filled, order, LATER)
    kim = [row[4]["value"] for row in told(filled) if row[1].endswith("kim")]
    assert (done.gone, done.again, kim, open_orders(filled)) == (5 * 61 + 1, 1, [99], [])
    assert [row for row in told(filled) if row[1].endswith("lee")] == lee
    assert [path.name for path in files(place) if b"of kim" in _plain(path)] == []


def _plain(path: Path) -> bytes:
    """All texts of a file."""
    return repr(duckdb.sql(f"SELECT DISTINCT text FROM '{path}'").fetchall()).encode()


async def test_an_edit_of_the_past_reaches_the_lake(filled: duckdb.DuckDBPyConnection, pool: asyncpg.Pool) -> None:
    await Editor(pool).erase_attribute("urn:ngsi-ld:S:kim", "m3", None, every=True)
    before = told(filled)
    for order in open_orders(filled):
        carry_out(filled, order, LATER)
    assert told(filled) == [row for row in before if (row[1], row[3]) != ("urn:ngsi-ld:S:kim", "m3")]


async def test_the_only_instance_of_an_attribute_is_erased_and_what_is_older_than_history_stays(
    filled: duckdb.DuckDBPyConnection, pool: asyncpg.Pool, writer: Writer, place: Place
) -> None:
    await pool.execute(
        "DELETE FROM history WHERE entity_id = 'urn:ngsi-ld:S:lee'"
    )  # as retention does: the lake alone has it
    await write(writer, "lee", n=8, secret="of nobody else")
    roll(filled)
    row = await pool.fetchrow("SELECT seq FROM history WHERE entity_id = 'urn:ngsi-ld:S:lee'")
    assert row is not None
    instance = instance_id("secret", ("", row["seq"], 0, {}))
    await Editor(pool).erase_instance("urn:ngsi-ld:S:lee", "secret", instance)
    before = told(filled)
    for order in open_orders(filled):
        carry_out(filled, order, LATER)
    assert told(filled) == [row for row in before if row[3] != "secret"]
    assert [path.name for path in files(place) if b"of nobody else" in _plain(path)] == []


async def test_an_instance_that_was_changed_is_read_again(
    filled: duckdb.DuckDBPyConnection, pool: asyncpg.Pool
) -> None:
    sql = "UPDATE history SET change = jsonb_set(change::jsonb, '{n,value}', '77')::json WHERE entity_id = 'urn:ngsi-ld:S:lee'"
    await pool.execute(sql)
    ask = "INSERT INTO lake_order (entity_id, attribute, seqs, erased) SELECT entity_id, 'n', array_agg(seq), false FROM history"
    await pool.execute(f"{ask} WHERE entity_id = 'urn:ngsi-ld:S:lee' GROUP BY 1")
    (order,) = open_orders(filled)
    done = carry_out(filled, order, LATER)
    values = [row[4]["value"] for row in told(filled) if row[3] == "n"]
    assert (done.gone, done.again, done.files, sorted(values)) == (5, 5, 0, [0, 1, 2, 3, 4, 77, 77, 77, 77, 77])


async def test_without_a_lake_no_orders_are_kept(pool: asyncpg.Pool, writer: Writer) -> None:
    await write(writer, "kim", n=1)
    await Editor(pool).erase_entity("urn:ngsi-ld:S:kim")
    assert await pool.fetchval("SELECT count(*) FROM lake_order") == 0
