"""What is kept, with a clock that is passed in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from madang.base.city import HistorySettings
from madang.base.clock import ManualClock
from madang.base.errors import Unavailable
from madang.cli.tenancy import recorded
from madang.context.writer import Writer
from madang.history.retention import Gone, Retention
from madang.model.entity import Entity
from madang.model.operations import Create, Replace
from madang.trust.audit.log import AuditLog, decode_leaf

DAY_1 = datetime(2020, 1, 1, 10, tzinfo=UTC)
NAME = {"name": {"type": "Property", "value": 1}}


@pytest.fixture
async def three_days(pool: asyncpg.Pool) -> asyncpg.Pool:
    """One change of a Tram and of a Vehicle a day, from the first to the third of January 2020."""
    await pool.execute("DROP TABLE IF EXISTS history_20200101, history_20200102, history_20200103, history_20200104")
    clock = ManualClock(DAY_1)
    writer = Writer(pool, None, clock)
    writer.start()
    for kind in ("Tram", "Vehicle"):
        await writer.submit(Create(Entity(f"urn:{kind}", [kind, "Thing"], dict(NAME))))
    for days in (1, 2):
        clock.set(DAY_1 + timedelta(days=days))
        for kind in ("Tram", "Vehicle"):
            await writer.submit(Replace(Entity(f"urn:{kind}", [kind, "Thing"], dict(NAME))))
    await writer.stop()
    return pool


async def nobody(gone: Gone) -> None:
    """Takes no notice."""


async def kept(pool: asyncpg.Pool) -> dict[str, str]:
    """Days of January of each type that are left."""
    rows = await pool.fetch(
        "SELECT entity_id AS id, string_agg(to_char(at AT TIME ZONE 'UTC', 'DD'), ' ' ORDER BY at) AS days FROM history GROUP BY 1"
    )
    return {row["id"].removeprefix("urn:"): row["days"] for row in rows}


async def days(pool: asyncpg.Pool) -> list[str]:
    rows = await pool.fetch("SELECT relname FROM pg_class WHERE relname ~ '^history_2020[0-9]{4}$' ORDER BY 1")
    return [row["relname"] for row in rows]


@pytest.mark.parametrize(
    ("settings", "left", "partitions"),
    [
        (HistorySettings(), {"Tram": "01 02 03", "Vehicle": "01 02 03"}, 4),
        (HistorySettings(keep_days=2), {"Tram": "02 03", "Vehicle": "02 03"}, 3),
        (HistorySettings(keep_days=2.25), {"Tram": "02 03", "Vehicle": "02 03"}, 4),
        (HistorySettings(keep_days=2, keep_days_of={"Vehicle": 1}), {"Tram": "02 03", "Vehicle": "03"}, 3),
        (HistorySettings(keep_days_of={"Vehicle": 0.5}), {"Tram": "01 02 03"}, 4),
        (HistorySettings(keep_days=1, keep_days_of={"Tram": 30}), {"Tram": "01 02 03", "Vehicle": "03"}, 4),
        (HistorySettings(keep_days=0.1), {}, 2),
    ],
)
async def test_what_is_over_goes(
    three_days: asyncpg.Pool, settings: HistorySettings, left: dict[str, str], partitions: int
) -> None:
    clock = ManualClock(datetime(2020, 1, 4, tzinfo=UTC))
    await Retention(three_days, settings, clock, nobody).sweep()
    assert await kept(three_days) == left
    assert len(await days(three_days)) == partitions


async def test_what_the_courier_has_not_carried_stays(three_days: asyncpg.Pool) -> None:
    first = await three_days.fetchval("SELECT min(seq) FROM history")
    await three_days.execute("INSERT INTO bus_cursor VALUES ('bus', $1)", first)
    await Retention(
        three_days, HistorySettings(keep_days=0.1), ManualClock(datetime(2020, 1, 9, tzinfo=UTC)), nobody
    ).sweep()
    assert await kept(three_days) == {"Tram": "02 03", "Vehicle": "01 02 03"}


async def test_more_rows_than_one_portion(three_days: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("madang.history.retention.HISTORY_DELETE_ROWS", 1)
    settings = HistorySettings(keep_days_of={"Tram": 0.1})
    await Retention(three_days, settings, ManualClock(datetime(2020, 1, 9, tzinfo=UTC)), nobody).sweep()
    assert await kept(three_days) == {"Vehicle": "01 02 03"}


async def test_all_that_goes_is_on_record_before_and_after(three_days: asyncpg.Pool) -> None:
    register, clock = AuditLog(three_days), ManualClock(datetime(2020, 1, 4, tzinfo=UTC))
    retention = Retention(
        three_days, HistorySettings(keep_days=2, keep_days_of={"Vehicle": 1}), clock, recorded(register, "north")
    )
    await retention.sweep()
    await retention.sweep()
    leaves = [decode_leaf(one["leaf"]) for one in reversed(await register.page(20, None, None, None, None))]
    day, step = {"tenant": "north", "before": "2020-01-02T00:00:00.000Z"}, "history.retain"
    hour = {"tenant": "north", "before": "2020-01-03T00:00:00.000Z"}
    assert [(one["what"], one["whom"], one["outcome"], one["details"]) for one in leaves] == [
        (step, "history_20200101", "accepted", day),
        (step, "history_20200101", "done", day | {"rows": "2"}),
        (step, "Vehicle", "accepted", hour),
        (step, "Vehicle", "done", hour | {"rows": "1"}),
    ]


async def test_what_cannot_be_put_on_record_stays(three_days: asyncpg.Pool) -> None:
    async def away(gone: Gone) -> None:
        raise Unavailable("the database is not answering")

    clock = ManualClock(datetime(2020, 1, 9, tzinfo=UTC))
    for settings in (HistorySettings(keep_days=1), HistorySettings(keep_days_of={"Tram": 1})):
        with pytest.raises(Unavailable):
            await Retention(three_days, settings, clock, away).sweep()
    assert await kept(three_days) == {"Tram": "01 02 03", "Vehicle": "01 02 03"}
