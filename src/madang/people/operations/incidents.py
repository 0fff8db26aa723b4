"""`/operations`: what is going on, and one incident with all that is done about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from madang.base.errors import BadRequest, MadangError
from madang.operations.incidents import decide
from madang.operations.incidents.book import checked
from madang.operations.incidents.incident import SEVERITIES, Incident
from madang.operations.incidents.procedures import procedure_of
from madang.operations.incidents.reporting import account_of
from madang.people.http import Response
from madang.people.identity.doors import Table
from madang.people.identity.pages import go, page, told
from madang.people.identity.routes import asset
from madang.people.identity.visit import Form, Visit
from madang.people.operations.desk import SERVICE, OperationsPages, number_of, report_of
from madang.people.operations.pdf import render_report
from madang.people.operations.shown import checklist, line, logged

HERE = "/operations"
SCRIPT = Path(__file__).resolve().parent / "assets" / "live.js"
Act = Callable[[int, str, Form], Coroutine[Any, Any, Any]]


class IncidentsDoor(OperationsPages):
    """For whoever may read incidents; who may write them acts. Each act but a message and a step is on the audit log, too."""

    @property
    def table(self) -> Table:
        one = "operations/incidents/*"
        return {
            "operations": {"GET": self.page(self._list)},
            "operations/list": {"GET": self.page(self._rows)},
            "operations/past": {"GET": self.page(self._past)},
            "operations/live.js": {"GET": asset(SCRIPT)},
            "operations/incidents": {"POST": self.page(self._open)},
            one: {"GET": self.page(self._show)},
            f"{one}/log": {"GET": self.page(self._log)},
            f"{one}/report.pdf": {"GET": self.page(self._pdf)},
            **{f"{one}/{name}": {"POST": self._act(name, act)} for name, act in self._acts.items()},
        }

    @property
    def _acts(self) -> dict[str, Act]:
        return {
            "acknowledge": self._acknowledge,
            "assign": self._assign,
            "grade": self._grade,
            "escalate": self._escalate,
            "resolve": lambda one, by, form: self.book.resolve(one, by, form.get("text", "")),
            "reopen": lambda one, by, form: self.book.act(
                one, by, lambda found: decide.reopen(found, checked(form.get("text", "")))
            ),
            "merge": lambda one, by, form: self.book.merge(one, number_of(form.get("into", "")), by),
            "separate": lambda one, by, form: self.book.act(one, by, decide.separate),
            "say": lambda one, by, form: self.book.say(one, by, form.get("text", "")),
            "step": lambda one, by, form: self.book.step(one, by, form.get("step", ""), form.get("done") == "yes"),
        }

    async def _list(self, visit: Visit) -> Response:
        self.reader(visit, SERVICE)
        return await self._listing(visit)

    async def _listing(self, visit: Visit, wrong: str = "", status: int = 200) -> Response:
        query, kinds = visit.request.query, self.book.procedures.values()
        return page(
            visit,
            "operations/incidents",
            status,
            wrong=wrong,
            kinds=[(one.kind, one.name[visit.language]) for one in kinds],
            severities=SEVERITIES,
            longitude=query.get("longitude", "")[:20],
            latitude=query.get("latitude", "")[:20],
            **await self._going_on(visit),
        )

    async def _going_on(self, visit: Visit) -> dict[str, Any]:
        reader, now = await self.reading(visit), self.book.clock.now()
        rows = [line(one, self.book.procedures, now, reader) for one in await self.book.unresolved()]
        return {"rows": rows, "at": reader.at(now), "may": self.caller(visit).may("write", SERVICE)}

    async def _rows(self, visit: Visit) -> Response:
        self.reader(visit, SERVICE)
        return page(visit, "operations/rows", **await self._going_on(visit))

    async def _past(self, visit: Visit) -> Response:
        self.reader(visit, SERVICE)
        reader, now = await self.reading(visit), self.book.clock.now()
        rows = [line(one, self.book.procedures, now, reader) for one in await self.book.latest()]
        return page(visit, "operations/past", rows=rows)

    async def _open(self, visit: Visit) -> Response:
        actor, form = self.writer(visit, SERVICE), await self.browsers.form(visit)
        try:
            report = report_of(form, f"person:{actor.id}", self.book.procedures)
            opened = await self.acted(actor, "incident.open", report.kind, self.book.report(report))
        except MadangError as error:
            return await self._listing(visit, told(visit, error), error.status)
        return go(visit, f"{HERE}/incidents/{opened.merged_into or opened.id}")

    async def _show(self, visit: Visit) -> Response:
        self.reader(visit, SERVICE)
        return await self._showing(visit)

    async def _showing(self, visit: Visit, wrong: str = "", status: int = 200) -> Response:
        one = await self.book.get(number_of(visit.request.parts[2]))
        reader, now, caller = await self.reading(visit), self.book.clock.now(), self.caller(visit)
        procedure = procedure_of(self.book.procedures, one.kind)
        others = [each for each in await self.book.unresolved() if each.id != one.id]
        return page(
            visit,
            "operations/incident",
            status,
            wrong=wrong,
            one=line(one, self.book.procedures, now, reader),
            at=reader.at(now),
            may=caller.may("write", SERVICE),
            steps=checklist(procedure, await self.book.steps(one.id), reader),
            near=await self.around.of(procedure, one.place, caller) if one.place else [],
            log=logged(await self.book.log(one.id), procedure, reader),
            merged=[line(each, self.book.procedures, now, reader) for each in await self.book.merged(one.id)],
            others=[line(each, self.book.procedures, now, reader) for each in others],
            people=[(f"person:{each.id}", each.name) for each in await self.on_duty()],
            severities=SEVERITIES,
        )

    async def _log(self, visit: Visit) -> Response:
        self.reader(visit, SERVICE)
        one, reader = await self.book.get(number_of(visit.request.parts[2])), await self.reading(visit)
        procedure = procedure_of(self.book.procedures, one.kind)
        return page(visit, "operations/log", log=logged(await self.book.log(one.id), procedure, reader))

    async def _pdf(self, visit: Visit) -> Response:
        self.reader(visit, SERVICE)
        one, reader = await self.book.get(number_of(visit.request.parts[2])), await self.reading(visit)
        procedure = procedure_of(self.book.procedures, one.kind)
        targets = await self.around.ids(procedure, one.place, self.caller(visit))
        account = await account_of(self.book, one, targets)
        body = await asyncio.to_thread(render_report, account, procedure, reader)
        name = f'inline; filename="incident-{one.id}.pdf"'.encode()
        headers = [
            (b"content-type", b"application/pdf"),
            (b"content-disposition", name),
            (b"cache-control", b"no-store"),
        ]
        return Response(200, body, [*headers, (b"x-content-type-options", b"nosniff")])

    def _act(self, name: str, act: Act) -> Any:
        async def handle(visit: Visit) -> Response:
            actor, form = self.writer(visit, SERVICE), await self.browsers.form(visit)
            incident, by = number_of(visit.request.parts[2]), f"person:{actor.id}"
            try:
                if name in ("say", "step"):
                    await act(incident, by, form)
                else:
                    await self.acted(actor, f"incident.{name}", str(incident), act(incident, by, form))
            except MadangError as error:
                return await self._showing(visit, told(visit, error), error.status)
            return go(visit, f"{HERE}/incidents/{incident}")

        return self.page(handle)

    async def _acknowledge(self, incident: int, by: str, form: Form) -> Incident:
        return await self.book.act(incident, by, lambda one: decide.acknowledge(one, by, self.book.clock.now()))

    async def _assign(self, incident: int, by: str, form: Form) -> Incident:
        owner = form.get("owner", "")
        if owner not in [f"person:{one.id}" for one in await self.on_duty()]:
            raise BadRequest("choose somebody who may be on duty")
        return await self.book.act(incident, by, lambda one: decide.assign(one, owner))

    async def _grade(self, incident: int, by: str, form: Form) -> Incident:
        severity: Any = form.get("severity", "")
        if severity not in SEVERITIES:
            raise BadRequest("severity: one of " + ", ".join(SEVERITIES), reason="incident_form")
        return await self.book.grade(incident, by, severity)

    async def _escalate(self, incident: int, by: str, form: Form) -> Incident:
        why = checked(form.get("text", ""), needed=True)
        return await self.book.act(incident, by, lambda one: decide.escalate(one, why))
