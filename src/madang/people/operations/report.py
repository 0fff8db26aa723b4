"""`/report`: anybody who is signed in tells the city of something."""

from __future__ import annotations

from madang.base.errors import MadangError, TooMany
from madang.base.limits import INCIDENT_REPORTS_OPEN_MAX
from madang.people.http import Response
from madang.people.identity.doors import Table
from madang.people.identity.pages import page, told
from madang.people.identity.visit import Visit
from madang.people.operations.desk import OperationsPages, report_of
from madang.people.operations.shown import line

SERVICE = "reports"


class ReportDoor(OperationsPages):
    """Whoever reports sees what became of their own reports, and no other."""

    @property
    def table(self) -> Table:
        return {"report": {"GET": self.page(self._show), "POST": self.page(self._send)}}

    async def _show(self, visit: Visit) -> Response:
        self.writer(visit, SERVICE)
        return await self._showing(visit)

    async def _showing(self, visit: Visit, wrong: str = "", status: int = 200, done: int | None = None) -> Response:
        reader, now = await self.reading(visit), self.book.clock.now()
        mine = [
            line(one, self.book.procedures, now, reader)
            for one in await self.book.of_source(f"person:{visit.who()[0].id}")
        ]
        kinds = [(one.kind, one.name[visit.language]) for one in self.book.procedures.values()]
        return page(visit, "operations/report", status, wrong=wrong, mine=mine, kinds=kinds, done=done)

    async def _send(self, visit: Visit) -> Response:
        person, form = self.writer(visit, SERVICE), await self.browsers.form(visit)
        by = f"person:{person.id}"
        try:
            report = report_of(form | {"severity": "medium"}, by, self.book.procedures)
            if (
                len([one for one in await self.book.of_source(by) if one.state != "resolved"])
                >= INCIDENT_REPORTS_OPEN_MAX
            ):
                raise TooMany("your reports are still open", reason="reports_many", wait_s=3_600)
            opened = await self.book.report(report)
        except MadangError as error:
            return await self._showing(visit, told(visit, error), error.status)
        return await self._showing(visit, done=opened.id)
