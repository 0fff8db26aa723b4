"""Alerts of the Smart Data Models become incidents: of apps, of the detector, of the house's own promises of data."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import asyncpg
from shapely.geometry import shape

from madang.base.limits import INCIDENT_ALERTS_A_LOOK, INCIDENT_TEXT_MAX_CHARS, INCIDENT_TITLE_MAX_CHARS
from madang.model.entity import Entity
from madang.operations.incidents.book import ONE_AT_A_TIME, Book
from madang.operations.incidents.incident import SEVERITIES, Change, Place, Report
from madang.operations.incidents.procedures import Procedures, kind_of
from madang.operations.incidents.rows import change

TYPE = "Alert"
TAKEN_FOR = timedelta(days=1)
"""An Alert that is older when it is first seen was somebody else's: a city that is set up anew does not begin with last year's."""
_NEW = (
    "SELECT entity.id, types, body, modified_at, entity.seq FROM entity LEFT JOIN incident_alert ON alert = entity.id"
    " WHERE type = $1 AND (incident_alert.seq IS NULL OR incident_alert.seq < entity.seq) ORDER BY entity.seq LIMIT $2"
)
_TAKEN = "INSERT INTO incident_alert (alert, seq) VALUES ($1, $2) ON CONFLICT (alert) DO UPDATE SET seq = excluded.seq"
_GONE = "DELETE FROM incident_alert WHERE NOT EXISTS (SELECT 1 FROM entity WHERE id = alert)"
_OVER = "SELECT id FROM incident WHERE source = $1 AND reference = $2 AND state <> 'resolved'"


def report_of(alert: Entity, procedures: Procedures) -> Report | None:
    """None for one that only informs. Pure."""
    severity = _text(alert, "severity").lower()
    if severity == "informational":
        return None
    category, sub_category = _text(alert, "category"), _text(alert, "subCategory")
    told = _text(alert, "description") or sub_category or category or alert.id
    return Report(
        kind_of(procedures, category, sub_category),
        severity if severity in SEVERITIES else "medium",
        told[:INCIDENT_TITLE_MAX_CHARS],
        _text(alert, "alertSource")[:INCIDENT_TITLE_MAX_CHARS] or TYPE,
        place_of(alert),
        told[:INCIDENT_TEXT_MAX_CHARS],
        alert.id,
    )


def is_over(alert: Entity) -> bool:
    """Whether its source says that it has ended: the incident stays until a person says so, too."""
    return _text(alert, "status") in ("closed", "resolved", "solved")


def place_of(entity: Entity) -> Place | None:
    """The middle of where it is."""
    value = entity.body.get("location", {})
    geometry = value.get("value") if isinstance(value, dict) else None
    if not isinstance(geometry, dict):
        return None
    middle = shape(geometry).representative_point()
    return (middle.x, middle.y)


class Intake:
    """Follows the Alerts that are there, not what the bus tells of them: so nothing is lost while nobody listens."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def once(self) -> bool:
        """Takes in what changed; whether there may be more. An incident and that its Alert was taken in are one transaction."""
        rows = await self._book.pool.fetch(_NEW, TYPE, INCIDENT_ALERTS_A_LOOK)
        for row in rows:
            async with self._book.pool.acquire() as connection, connection.transaction():
                await connection.execute(ONE_AT_A_TIME)
                await self._take(connection, row)
                await connection.execute(_TAKEN, row["id"], row["seq"])
        return len(rows) == INCIDENT_ALERTS_A_LOOK

    async def tidy(self) -> None:
        """Alerts that are gone are forgotten."""
        await self._book.pool.execute(_GONE)

    async def _take(self, connection: asyncpg.Connection, row: Any) -> None:
        alert = Entity(row["id"], row["types"], row["body"])
        report = report_of(alert, self._book.procedures)
        if report is None or is_over(alert):
            await self._end(connection, alert)
        elif _is_fresh(row["modified_at"], self._book.clock.now()):
            await self._book.take(connection, report)

    async def _end(self, connection: asyncpg.Connection, alert: Entity) -> None:
        source = _text(alert, "alertSource")[:INCIDENT_TITLE_MAX_CHARS] or TYPE
        for row in await connection.fetch(_OVER, source, alert.id):
            told = Change({}, "source_over", _text(alert, "description")[:INCIDENT_TEXT_MAX_CHARS])
            await change(connection, row["id"], told, source, self._book.clock.now())


def _is_fresh(changed_at: datetime, now: datetime) -> bool:
    return now - changed_at <= TAKEN_FOR


def _text(entity: Entity, name: str) -> str:
    attribute = entity.body.get(name)
    value = attribute.get("value") if isinstance(attribute, dict) else None
    return value.replace("\x00", "").strip() if isinstance(value, str) else ""
