"""Indicators: definitions are whole, those with a formula are computed from real rows, the others are entered with their source."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
import duckdb
import pytest

from madang.base.clock import ManualClock
from madang.base.errors import BadRequest, NotFound
from madang.lake.catalogue.lineage import Lineage
from madang.lake.connection import Place, open_lake
from madang.lake.datasets.book import Book
from madang.lake.datasets.dataset import Described
from madang.lake.indicators.computing import Computing, compute
from madang.lake.indicators.definition import every, get
from madang.lake.indicators.jsonstat import told
from madang.lake.indicators.macros import add_macros
from madang.lake.indicators.values import Values

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def test_all_of_u4ssc_and_of_goal_11_are_there_and_many_of_iso() -> None:
    counts = {name: len({one.code for one in each.indicator}) for name, each in every().items()}
    pillars = [sum(one.code.startswith(name) for one in every()["u4ssc"].indicator) for name in ("EC:", "EN:", "SC:")]
    assert (counts, pillars) == ({"city": 2, "iso37120": 65, "iso37122": 50, "sdg11": 15, "u4ssc": 91}, [45, 17, 29])
    iso = [one for name in ("iso37120", "iso37122") for one in every()[name].indicator]
    assert all(one.check for one in iso)
    assert all(one.name["ko"] and one.name["en"] and one.unit for each in every().values() for one in each.indicator)


async def test_what_has_a_formula_is_computed_with_its_lineage(
    pool: asyncpg.Pool, dsn: str, place: Place, lake: duckdb.DuckDBPyConnection
) -> None:
    clock = ManualClock(NOW)
    book, values, lineage = Book(pool, clock), Values(pool, clock), Lineage(pool, "yard")
    for identifier in ("a", "b", "c", "d"):
        await book.make(identifier, Described({"en": identifier}), "person:one")
    await pool.execute("UPDATE dataset SET state = 'published' WHERE id = 'a'")
    rows = [("s1", 10.0), ("s1", 20.0), ("s2", 45.0)]
    for entity, value in rows:
        lake.execute(
            "INSERT INTO lake.observation (seq, changed_at, entity_id, type, op, attribute, value)"
            " VALUES (1, TIMESTAMP '2026-05-01', $1, 'AirQualityObserved', 'u', 'pm25', $2)",
            [entity, value],
        )
    computing = Computing(values, lineage, lambda: open_lake(dsn, place), clock)
    await computing.once()
    await computing.once()
    codes = ["EC:ICT:PS:1A", "EC:ICT:PS:2A", "EN:EN:AQ:1C", "11.6.2", "EC:I:T:1C"]
    found = await values.latest(codes)
    assert {code: (one.value, one.rows, one.confidence) for code, one in found.items()} == {
        "EC:ICT:PS:1A": (25.0, 4, "computed"),
        "EN:EN:AQ:1C": (30.0, 3, "computed"),
        "11.6.2": (30.0, 3, "computed"),
    }
    assert [(one.input, one.output) for one in await lineage.around("indicator:11.6.2")] == [
        ("observation:AirQualityObserved", "indicator:11.6.2")
    ]


def test_a_formula_over_nothing_is_missing(lake: duckdb.DuckDBPyConnection) -> None:
    formulas = [one for each in every().values() for one in each.indicator if one.formula]
    add_macros(lake)
    assert {one.code: compute(lake, one, 2026) for one in formulas} == {one.code: None for one in formulas}


async def test_what_is_entered_has_a_source_and_can_be_corrected(pool: asyncpg.Pool) -> None:
    clock = ManualClock(NOW)
    values = Values(pool, clock)
    await values.enter("SC:SH:SI:4C", 2025, 70.0, "선거관리위원회", "official", "person:one")
    clock.set(datetime(2026, 11, 23, tzinfo=UTC))
    await values.enter("SC:SH:SI:4C", 2025, 71.5, "선거관리위원회, 정정", "official", "person:two")
    assert [(one.year, one.value, one.told_by) for one in await values.series("SC:SH:SI:4C")] == [
        (2025, 71.5, "person:two")
    ]
    for code, value, source, confidence, error in [
        ("EC:ICT:PS:1A", 1.0, "x", "official", BadRequest),
        ("none", 1.0, "x", "official", NotFound),
        ("SC:SH:SI:4C", 1.0, " ", "official", BadRequest),
        ("SC:SH:SI:4C", float("nan"), "x", "official", BadRequest),
        ("SC:SH:SI:4C", 1.0, "x", "computed", BadRequest),
    ]:
        with pytest.raises(error):
            await values.enter(code, 2025, value, source, confidence, "person:one")  # type: ignore[arg-type]


async def test_a_set_is_json_stat_in_which_the_missing_is_null(pool: asyncpg.Pool) -> None:
    values = Values(pool, ManualClock(NOW))
    await values.enter("11.5.1", 2024, 3.0, "x", "estimated", "person:one")
    await values.enter("11.5.1", 2025, 2.0, "x", "official", "person:one")
    definitions = every()["sdg11"]
    found = told(definitions, await values.all_of([one.code for one in definitions.indicator]), "Yard", "en", NOW)
    place = definitions.indicator.index(get("11.5.1")) * 2
    assert (found["size"], found["value"][place : place + 2], sum(one is not None for one in found["value"])) == (
        [15, 2],
        [3.0, 2.0],
        2,
    )
    assert found["status"] == {str(place): "estimated", str(place + 1): "official"}
