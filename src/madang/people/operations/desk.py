"""What the pages of the operations centre share: who may, in whose words, at whose hour."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from madang.base.errors import BadRequest
from madang.base.limits import INCIDENT_TITLE_MAX_CHARS
from madang.operations.house import OperationsHouse
from madang.operations.incidents.book import checked
from madang.operations.incidents.incident import SEVERITIES, Place, Report
from madang.operations.incidents.procedures import OTHER, Procedures
from madang.people.identity.doors import Door
from madang.people.identity.pages import texts
from madang.people.identity.visit import Browsers, Form, Visit
from madang.people.operations.shown import Reader
from madang.people.operations.surroundings import Surroundings
from madang.trust.caller import Caller
from madang.trust.identity.house import Identity
from madang.trust.identity.person import STRONG_ROLES, Person

SERVICE = "incidents"
"""What policies call it."""


class OperationsPages(Door):
    """One group of pages of people on duty. `zone`: the city's."""

    def __init__(
        self, identity: Identity, browsers: Browsers, house: OperationsHouse, around: Surroundings, zone: ZoneInfo
    ) -> None:
        super().__init__(identity, browsers)
        self.house, self.book, self.around, self.zone = house, house.book, around, zone

    async def reading(self, visit: Visit) -> Reader:
        """Whoever reads, with the names of all people."""
        people = await self.identity.people.every()
        names = {f"person:{one.id}": one.name for one in people}
        return Reader(visit.language, self.zone, names, texts(visit.language))

    async def on_duty(self) -> list[Person]:
        """Who can have an incident: by the roles that the house gives this right."""
        return [one for one in await self.identity.people.every() if one.roles & STRONG_ROLES]

    def caller(self, visit: Visit) -> Caller:
        return self.browsers.gate.known_as(visit.claim())


def report_of(form: Form, source: str, procedures: Procedures, kind: str | None = None) -> Report:
    """What a form tells. Raises BadRequest."""
    told, title = kind or form.get("kind", OTHER), form.get("title", "").strip()
    severity: Any = form.get("severity", "medium")
    if told not in procedures or severity not in SEVERITIES or not 1 <= len(title) <= INCIDENT_TITLE_MAX_CHARS:
        raise BadRequest("kind, severity and a title, please", reason="incident_form")
    place = place_of(form.get("longitude", ""), form.get("latitude", ""))
    return Report(told, severity, title, source, place, checked(form.get("text", "")))


def place_of(longitude: str, latitude: str) -> Place | None:
    """None without either. Raises BadRequest."""
    if not longitude.strip() and not latitude.strip():
        return None
    try:
        east, north = float(longitude), float(latitude)
    except ValueError:
        east, north = 999.0, 999.0
    if not (-180 <= east <= 180 and -90 <= north <= 90):
        raise BadRequest("longitude and latitude in degrees", reason="incident_place")
    return (east, north)


def number_of(text: str) -> int:
    """An incident's. Raises BadRequest."""
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise BadRequest("the number of an incident", reason="incident_number")
    return int(text)
