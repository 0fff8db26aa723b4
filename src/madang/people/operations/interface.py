"""/madang/v1/incidents: incidents for the page of the city and for programs of others."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from madang.base.clock import to_iso
from madang.base.errors import BadRequest, NotFound
from madang.base.limits import INCIDENT_TEXT_MAX_CHARS, INCIDENT_TITLE_MAX_CHARS
from madang.model.geometry import check_geometry
from madang.model.values import has_nul
from madang.operations.incidents import decide
from madang.operations.incidents.book import Book
from madang.operations.incidents.incident import Entry, Incident, Report, Severity
from madang.people.acts import acted
from madang.people.http import Handler, Request, Response, decode_json
from madang.people.operations.desk import SERVICE, number_of
from madang.trust.audit.recorder import Recorder

_STATES = ("", "all")


class IncidentReport(msgspec.Struct, forbid_unknown_fields=True):
    """What a program tells. `location`: a GeoJSON Point; `reference`: its own name of the case, by which it tells more of the same."""

    kind: str
    title: str
    severity: Severity = "medium"
    text: str = ""
    location: dict[str, Any] | None = None
    reference: str = ""


class IncidentsInterface:
    """Handlers of the incidents."""

    def __init__(self, book: Book | None, recorder: Recorder) -> None:
        self._given, self._recorder = book, recorder
        self.table: dict[str, dict[str, Handler]] = {
            "incidents": {"GET": self._list, "POST": self._report},
            "incidents/*": {"GET": self._get},
            "incidents/*/acknowledge": {"POST": self._acknowledge},
        }

    @property
    def _book(self) -> Book:
        if self._given is None:
            raise NotFound("this door has no operations centre")
        return self._given

    async def _list(self, request: Request) -> Response:
        request.caller.require("read", SERVICE)
        wanted = request.query.get("state", "")
        if wanted not in _STATES:
            raise BadRequest("state: all, or what is not resolved without it")
        found = await (self._book.latest() if wanted else self._book.unresolved())
        now = self._book.clock.now()
        return Response.json([incident_json(one) | {"overdue": decide.overdue(one, now)} for one in found])

    async def _report(self, request: Request) -> Response:
        request.caller.require("write", SERVICE)
        report = self._read(await request.body(), request.caller.name)
        act = self._book.report(report)
        made = await acted(self._recorder, request.caller.name, "incident.open", report.kind, act)
        return Response.json(incident_json(made), 201)

    def _read(self, body: bytes, source: str) -> Report:
        told = decode_json(body)
        if has_nul(told):
            raise BadRequest("a text holds a NUL character")
        try:
            sent = msgspec.convert(told, IncidentReport)
        except msgspec.ValidationError as error:
            raise BadRequest(str(error)) from None
        if sent.kind not in self._book.procedures or not 1 <= len(sent.title.strip()) <= INCIDENT_TITLE_MAX_CHARS:
            raise BadRequest("kind: one of " + ", ".join(self._book.procedures) + "; and a title, please")
        if len(sent.text) > INCIDENT_TEXT_MAX_CHARS or len(sent.reference) > INCIDENT_TITLE_MAX_CHARS:
            raise BadRequest(
                f"text and reference have {INCIDENT_TEXT_MAX_CHARS} and {INCIDENT_TITLE_MAX_CHARS} characters"
            )
        place = _place(sent.location)
        return Report(sent.kind, sent.severity, sent.title.strip(), source, place, sent.text, sent.reference)

    async def _get(self, request: Request) -> Response:
        request.caller.require("read", SERVICE)
        one = await self._book.get(number_of(request.parts[1]))
        steps = await self._book.steps(one.id)
        return Response.json(
            incident_json(one)
            | {
                "log": [entry_json(each) for each in await self._book.log(one.id)],
                "merged": [each.id for each in await self._book.merged(one.id)],
                "steps": sorted(steps),
            }
        )

    async def _acknowledge(self, request: Request) -> Response:
        request.caller.require("write", SERVICE)
        book, who, one = self._book, request.caller.name, number_of(request.parts[1])
        act = book.act(one, who, lambda found: decide.acknowledge(found, who, book.clock.now()))
        return Response.json(incident_json(await acted(self._recorder, who, "incident.acknowledge", str(one), act)))


def _place(location: dict[str, Any] | None) -> tuple[float, float] | None:
    if location is None:
        return None
    check_geometry(location, "location")
    if location["type"] != "Point":
        raise BadRequest("location: a Point")
    east, north = location["coordinates"][:2]
    return (float(east), float(north))


def incident_json(one: Incident) -> dict[str, Any]:
    times: dict[str, datetime | None] = {
        "openedAt": one.opened_at,
        "acknowledgeBy": one.acknowledge_by,
        "resolveBy": one.resolve_by,
    }
    times |= {"acknowledgedAt": one.acknowledged_at, "resolvedAt": one.resolved_at}
    return {
        "id": one.id,
        "kind": one.kind,
        "severity": one.severity,
        "title": one.title,
        "source": one.source,
        "reference": one.reference,
        "location": {"type": "Point", "coordinates": list(one.place)} if one.place is not None else None,
        "state": one.state,
        "owner": one.owner,
        "level": one.level,
        "mergedInto": one.merged_into,
        **{name: None if moment is None else to_iso(moment) for name, moment in times.items()},
    }


def entry_json(one: Entry) -> dict[str, Any]:
    told = {"id": one.id, "incident": one.incident, "at": to_iso(one.at), "who": one.who, "what": one.what}
    return told | {"text": one.text, "details": dict(one.details)}
