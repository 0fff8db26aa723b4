"""Each incident is an entity, too, so that apps see it. The incident is written first: an entity is told again until it is taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from madang.base.clock import to_iso
from madang.base.ids import entity_id
from madang.model.entity import Entity
from madang.operations.incidents.book import Book
from madang.operations.incidents.incident import Incident
from madang.operations.incidents.procedures import procedure_of
from madang.operations.incidents.rows import COLUMNS, incident_of

TYPE = "Incident"
_AT_ONCE = 200
Write = Callable[[Entity], Awaitable[object]]


def entity_of(incident: Incident, city: str) -> Entity:
    """What apps may know: no words of people. Pure."""
    values: dict[str, Any] = {
        "category": incident.kind,
        "severity": incident.severity,
        "status": "merged" if incident.merged_into is not None else incident.state,
        "escalationLevel": incident.level,
        "dateIssued": {"@type": "DateTime", "@value": to_iso(incident.opened_at)},
    }
    if incident.resolved_at is not None:
        values["dateResolved"] = {"@type": "DateTime", "@value": to_iso(incident.resolved_at)}
    body: dict[str, Any] = {name: {"type": "Property", "value": value} for name, value in values.items()}
    if incident.place is not None:
        body["location"] = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": list(incident.place)}}
    if incident.merged_into is not None:
        body["mergedInto"] = {"type": "Relationship", "object": entity_id(TYPE, city, str(incident.merged_into))}
    if incident.reference.startswith("urn:"):
        body["refAlert"] = {"type": "Relationship", "object": incident.reference}
    return Entity(entity_id(TYPE, city, str(incident.id)), [TYPE], body)


class Showing:
    """`write` takes an entity into the city's context, in place of the one before."""

    def __init__(self, book: Book, city: str, write: Write) -> None:
        self._book, self._city, self._write = book, city, write

    async def once(self) -> bool:
        """Whether there may be more."""
        sql = f"SELECT {COLUMNS} FROM incident WHERE shown < version ORDER BY id LIMIT $1"
        found = [incident_of(row) for row in await self._book.pool.fetch(sql, _AT_ONCE)]
        for one in found:
            if procedure_of(self._book.procedures, one.kind).shared:
                await self._write(entity_of(one, self._city))
            await self._book.pool.execute("UPDATE incident SET shown = $2 WHERE id = $1", one.id, one.version)
        return len(found) == _AT_ONCE
