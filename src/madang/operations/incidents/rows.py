"""Incidents as rows of PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import asyncpg

from madang.base.errors import NotFound
from madang.operations.incidents.incident import Change, Entry, Incident

COLUMNS = (
    "id, kind, severity, title, source, reference, place, state, owner, level, opened_at, acknowledge_by, resolve_by,"
    " acknowledged_at, resolved_at, merged_into, version"
)
ENTRY = "id, incident, at, who, what, text, details"
_CHANGED = frozenset(COLUMNS.split(", ")) - {"id", "version"}


def incident_of(row: Any) -> Incident:
    told = dict(row)
    place = told.pop("place")
    return Incident(**told, place=None if place is None else (place.x, place.y))


def entry_of(row: Any) -> Entry:
    return Entry(**dict(row))


async def locked(connection: asyncpg.Connection, *ids: int) -> list[Incident]:
    """In the order of `ids`; always locked in one order, so that nobody waits in a circle. Raises NotFound."""
    sql = f"SELECT {COLUMNS} FROM incident WHERE id = ANY($1) ORDER BY id FOR UPDATE"
    found = {row["id"]: incident_of(row) for row in await connection.fetch(sql, list(ids))}
    if found.keys() != set(ids):
        raise NotFound("no such incident")
    return [found[one] for one in ids]


async def change(connection: asyncpg.Connection, incident: int, told: Change, by: str, now: datetime) -> None:
    """The columns and the line of the log, within the caller's transaction."""
    names = [name for name in told.columns if name in _CHANGED]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 2))
    values = [told.columns[name] for name in names]
    await connection.execute(f"UPDATE incident SET version = version + 1{sets} WHERE id = $1", incident, *values)
    await note(connection, incident, told, by, now)


async def note(connection: asyncpg.Connection, incident: int, told: Change, by: str, now: datetime) -> None:
    """A line of the log alone."""
    sql = "INSERT INTO incident_entry (incident, at, who, what, text, details) VALUES ($1, $2, $3, $4, $5, $6)"
    await connection.execute(sql, incident, now, by, told.what, told.text, dict(told.details))
