"""Alerts become incidents, incidents become entities."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from madang.base.clock import ManualClock, SystemClock
from madang.base.errors import Unavailable
from madang.context.store import Store
from madang.context.writer import Writer
from madang.model.entity import Entity
from madang.model.operations import Replace
from madang.operations.house import open_operations
from madang.operations.incidents import decide
from madang.operations.incidents.book import Book
from madang.operations.incidents.incident import Report
from madang.operations.incidents.intake import Intake, is_over, report_of
from madang.operations.incidents.procedures import read_procedures
from madang.operations.incidents.showing import Showing, entity_of
from tests.operations.incidents import CRASH, HERE, NOON, incident

ALERT = "urn:ngsi-ld:Alert:yard:1"


def alert(**told: Any) -> Entity:
    """As the Smart Data Models' example of a traffic alert, in internal form."""
    values = {
        "category": "traffic",
        "subCategory": "carAccident",
        "severity": "high",
        "description": "두 대가 부딪힘",
        "alertSource": "app:org.example.eyes",
        "status": "open",
    } | told
    body: dict[str, Any] = {name: {"type": "Property", "value": value} for name, value in values.items()}
    body["location"] = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": list(HERE)}}
    return Entity(ALERT, ["Alert"], body)


def test_an_alert_is_read_as_a_report() -> None:
    assert report_of(alert(), read_procedures()) == Report(
        "accident", "high", "두 대가 부딪힘", "app:org.example.eyes", HERE, "두 대가 부딪힘", ALERT
    )


@pytest.mark.parametrize(
    ("told", "severity"),
    [({"severity": "informational"}, None), ({"severity": "?"}, "medium"), ({"severity": 3}, "medium")],
)
def test_what_only_informs_is_no_incident(told: dict[str, Any], severity: str | None) -> None:
    assert getattr(report_of(alert(**told), read_procedures()), "severity", None) == severity


def test_a_source_can_say_that_it_is_over() -> None:
    assert [is_over(alert(status=status)) for status in ("open", "closed", "solved")] == [False, True, True]


def test_apps_learn_what_and_where_but_no_words_of_people() -> None:
    told = entity_of(incident(merged_into=7), "yard")
    assert (told.id, told.types) == ("urn:ngsi-ld:Incident:yard:1", ["Incident"])
    assert told.body == {
        "category": {"type": "Property", "value": "accident"},
        "severity": {"type": "Property", "value": "high"},
        "status": {"type": "Property", "value": "merged"},
        "escalationLevel": {"type": "Property", "value": 0},
        "dateIssued": {"type": "Property", "value": {"@type": "DateTime", "@value": "2026-03-02T03:00:00.000Z"}},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [126.978, 37.566]}},
        "mergedInto": {"type": "Relationship", "object": "urn:ngsi-ld:Incident:yard:7"},
        "refAlert": {"type": "Relationship", "object": CRASH.reference},
    }


@pytest.fixture
def book(pool: asyncpg.Pool) -> Book:
    return open_operations(pool, SystemClock()).book


@pytest.mark.engine
async def test_each_change_of_an_alert_counts_once(book: Book, writer: Writer) -> None:
    intake = Intake(book)
    await writer.submit(Replace(alert(), create=True))
    assert [await intake.once() for _ in range(3)] == [False] * 3
    await writer.submit(Replace(alert(description="세 대"), create=True))
    await intake.once()
    await writer.submit(Replace(alert(status="closed", description="끝"), create=True))
    await intake.once()
    (one,) = await book.unresolved()
    assert [(each.what, each.text) for each in await book.log(one.id)] == [
        ("opened", "두 대가 부딪힘"),
        ("told", "세 대"),
        ("source_over", "끝"),
    ]


@pytest.mark.engine
async def test_an_alert_of_long_ago_is_somebody_else_s(pool: asyncpg.Pool, writer: Writer) -> None:
    later = ManualClock(SystemClock().now() + timedelta(days=2))
    book = open_operations(pool, later).book
    await writer.submit(Replace(alert(), create=True))
    await Intake(book).once()
    assert await book.unresolved() == []


@pytest.mark.engine
async def test_an_entity_is_told_until_it_is_taken(book: Book, writer: Writer, store: Store) -> None:
    one = await book.report(CRASH)
    await book.report(Report("missing_person", "high", "치매 어르신", "person:x", HERE))

    async def refuse(entity: Entity) -> object:
        raise Unavailable("later")

    with pytest.raises(Unavailable):
        await Showing(book, "yard", refuse).once()
    showing = Showing(book, "yard", lambda entity: writer.submit(Replace(entity, create=True)))
    assert await showing.once() is False
    ended = await book.resolve(one.id, "person:x", "끝")
    await showing.once()
    (row,) = await store.list_by_id([f"urn:ngsi-ld:Incident:yard:{number}" for number in (one.id, one.id + 1)])
    assert row.entity.body["status"]["value"] == "resolved"
    assert await book.pool.fetchval("SELECT count(*) FROM incident WHERE shown < version") == 0
    assert decide.overdue(ended, NOON) == 0
