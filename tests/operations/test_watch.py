"""Armed rules over a real history: tested before they count, raised once, whatever dies."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest

from madang.base import limits
from madang.base.clock import ManualClock, SystemClock
from madang.base.errors import Conflict, NotFound, TooMany
from madang.context.writer import Writer
from madang.model.entity import Entity
from madang.model.operations import Append, Create
from madang.model.removals import Delete
from madang.operations.house import OperationsHouse, open_operations
from madang.operations.rules import book as book_of
from madang.operations.rules.rule import Rule, Threshold, read_rule
from madang.operations.rules.testing import try_rule
from madang.operations.rules.watch import RuleWatch
from tests.operations.incidents import HERE

pytestmark = pytest.mark.engine
STATION = "urn:ngsi-ld:AirQualityObserved:yard:1"
RULE = Rule("먼지", "AirQualityObserved", Threshold("pm25", "above", 75.0, 60.0), "air", "high")
SILENT = read_rule(
    {
        "name": "무응답",
        "type": "AirQualityObserved",
        "condition": {"condition": "absence", "after_s": 60},
        "kind": "outage",
        "severity": "low",
    }
)


def told(value: float) -> Entity:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": list(HERE)}}
    return Entity(STATION, ["AirQualityObserved"], {"pm25": {"type": "Property", "value": value}, "location": place})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SystemClock().now())


@pytest.fixture
def house(pool: asyncpg.Pool, clock: ManualClock) -> OperationsHouse:
    return open_operations(pool, clock)


async def armed(house: OperationsHouse, rule: Rule) -> int:
    made = await house.rules.make(rule, "person:anna")
    await house.rules.tested(made, 1, {"number": 0})
    await house.rules.arm(made, 1, "person:bo")
    return made


async def states(house: OperationsHouse, rule: int) -> list[tuple[str, bool]]:
    return [(one.entity, one.ended_at is None) for one in await house.rules.alarms(rule)]


async def test_a_rule_is_armed_only_as_it_was_tested(house: OperationsHouse) -> None:
    made = await house.rules.make(RULE, "person:anna")
    with pytest.raises(Conflict):
        await house.rules.arm(made, 1, "person:bo")
    await house.rules.tested(made, 1, {"number": 3})
    await house.rules.change(made, SILENT, "person:anna")
    with pytest.raises(Conflict):
        await house.rules.arm(made, 2, "person:bo")
    with pytest.raises(Conflict):
        await house.rules.tested(made, 1, {"number": 3})
    await house.rules.tested(made, 2, {"number": 0})
    await house.rules.arm(made, 2, "person:bo")
    kept = await house.rules.get(made)
    assert (kept.state, kept.version, kept.armed_by, kept.rule, kept.test) == (
        "armed",
        2,
        "person:bo",
        SILENT,
        {"number": 0},
    )
    await house.rules.disarm(made, "retired")
    assert await house.rules.every() == []
    with pytest.raises(Conflict):
        await house.rules.arm(made, 2, "person:bo")
    with pytest.raises(NotFound):
        await house.rules.get(made + 1)


async def test_a_city_has_so_many_rules(house: OperationsHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_of, "RULES_MAX", 1)
    await house.rules.make(RULE, "person:anna")
    with pytest.raises(TooMany):
        await house.rules.make(RULE, "person:anna")
    assert limits.RULES_MAX == 200


async def test_an_alarm_opens_an_incident_and_ends_without_ending_it(house: OperationsHouse, writer: Writer) -> None:
    rule, watch = await armed(house, RULE), RuleWatch(house.rules, house.book)
    await writer.submit(Create(told(50)))
    await watch.once()
    for value in (80, 90, 70):
        await writer.submit(Append(told(value)))
    await watch.once()
    assert await states(house, rule) == [(STATION, True)]
    (one,) = await house.book.unresolved()
    assert (one.kind, one.severity, one.title, one.source, one.reference, one.place) == (
        "air", "high", "먼지: 1", f"rule:{rule}", STATION, HERE,
    )  # fmt: skip
    await writer.submit(Append(told(59)))
    await watch.once()
    assert await states(house, rule) == [(STATION, False)]
    log = [each.what for each in await house.book.log(one.id)]
    assert (log, (await house.book.get(one.id)).state) == (["opened", "source_over"], "open")


async def test_a_process_that_was_dead_goes_on_where_it_was(house: OperationsHouse, writer: Writer) -> None:
    rule = await armed(house, RULE)
    await writer.submit(Create(told(80)))
    await RuleWatch(house.rules, house.book).once()
    await RuleWatch(house.rules, house.book).once()
    assert await states(house, rule) == [(STATION, True)]
    await writer.submit(Append(told(50)))
    await RuleWatch(house.rules, house.book).once()
    await writer.submit(Append(told(81)))
    await RuleWatch(house.rules, house.book).once()
    assert await states(house, rule) == [(STATION, True), (STATION, False)]


async def test_silence_is_noticed_while_nothing_is_written(
    house: OperationsHouse, writer: Writer, clock: ManualClock
) -> None:
    rule, watch = await armed(house, SILENT), RuleWatch(house.rules, house.book)
    await writer.submit(Create(told(10)))
    await watch.once()
    assert await states(house, rule) == []
    clock.set(clock.now() + timedelta(seconds=90))
    await watch.once()
    assert await states(house, rule) == [(STATION, True)]


async def test_what_is_gone_is_no_alarm_any_more(house: OperationsHouse, writer: Writer) -> None:
    rule, watch = await armed(house, RULE), RuleWatch(house.rules, house.book)
    await writer.submit(Create(told(80)))
    await watch.once()
    await writer.submit(Delete(STATION))
    await watch.once()
    assert await states(house, rule) == [(STATION, False)]


async def test_what_is_disarmed_or_changed_ends(house: OperationsHouse, writer: Writer, clock: ManualClock) -> None:
    rule, watch = await armed(house, RULE), RuleWatch(house.rules, house.book)
    await writer.submit(Create(told(80)))
    await watch.once()
    clock.set(SystemClock().now())
    await house.rules.disarm(rule)
    await watch.once()
    assert await states(house, rule) == [(STATION, False)]


async def test_a_rule_is_tried_on_the_week_that_was(
    house: OperationsHouse, writer: Writer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await writer.submit(Create(told(50)))
    for value in (80, 90, 50, 85):
        await writer.submit(Append(told(value)))
    clock.set(SystemClock().now())
    found = await try_rule(house.rules.pool, RULE, clock.now())
    assert (len(found.alarms), found.entities, found.rows, found.whole, found.shown) == (2, 1, 5, True, STATION)
    assert [value for _, value in found.points["pm25"]] == [50, 80, 90, 50, 85]
    assert [one.ended_at is None for one in found.alarms] == [False, True]
    assert found.as_json()["number"] == 2
    monkeypatch.setattr("madang.operations.rules.testing.RULE_TEST_ROWS", 2)
    cut = await try_rule(house.rules.pool, RULE, clock.now())
    assert (cut.rows, cut.whole, len(cut.alarms)) == (2, False, 1)
