"""`/operations/shift`: handing over what is open."""

from __future__ import annotations

from typing import Any

from madang.base.errors import BadRequest, MadangError
from madang.operations.incidents.handing_over import HandOver
from madang.operations.incidents.procedures import procedure_of
from madang.people.http import Response
from madang.people.identity.doors import Table
from madang.people.identity.pages import go, page, told
from madang.people.identity.visit import Visit
from madang.people.operations.desk import SERVICE, OperationsPages, number_of
from madang.people.operations.shown import Reader

HERE = "/operations/shift"


class ShiftDoor(OperationsPages):
    """Whoever may write incidents gives and accepts; both are on the audit log."""

    @property
    def table(self) -> Table:
        return {
            "operations/shift": {"GET": self.page(self._show), "POST": self.page(self._write)},
            "operations/shift/*/accept": {"POST": self.page(self._accept)},
            "operations/shift/*/withdraw": {"POST": self.page(self._withdraw)},
        }

    async def _show(self, visit: Visit) -> Response:
        self.reader(visit, SERVICE)
        return await self._showing(visit)

    async def _showing(self, visit: Visit, wrong: str = "", status: int = 200) -> Response:
        me, reader = f"person:{visit.who()[0].id}", await self.reading(visit)
        told_ = [self._told(one, me, reader) for one in await self.house.hand_overs.latest()]
        others = [(f"person:{one.id}", one.name) for one in await self.on_duty() if f"person:{one.id}" != me]
        return page(
            visit,
            "operations/shift",
            status,
            wrong=wrong,
            may=self.caller(visit).may("write", SERVICE),
            number=len(await self.book.unresolved()),
            others=others,
            waiting=[one for one in told_ if not one["accepted"]],
            past=[one for one in told_ if one["accepted"]],
        )

    def _told(self, one: HandOver, me: str, reader: Reader) -> dict[str, Any]:
        kinds = self.book.procedures
        return {
            "id": one.id,
            "title": reader.t(
                "ops.shift.from",
                giver=reader.who(one.giver),
                receiver=reader.who(one.receiver),
                at=reader.at(one.made_at),
            ),
            "text": one.text,
            "accepted": reader.t("ops.shift.accepted", at=reader.at(one.accepted_at)) if one.accepted_at else "",
            "mine": one.giver == me,
            "for_me": one.receiver == me,
            "incidents": [
                {
                    **each,
                    "kind": procedure_of(kinds, each["kind"]).name[reader.language],
                    "owner": reader.who(each["owner"]),
                }
                for each in one.incidents
            ],
        }

    async def _write(self, visit: Visit) -> Response:
        actor, form = self.writer(visit, SERVICE), await self.browsers.form(visit)
        receiver, by = form.get("receiver", ""), f"person:{actor.id}"
        try:
            if receiver not in [f"person:{one.id}" for one in await self.on_duty()]:
                raise BadRequest("choose somebody who may be on duty", reason="hand_over_self")
            act = self.house.hand_overs.write(by, receiver, form.get("text", ""))
            await self.acted(actor, "shift.give", receiver, act)
        except MadangError as error:
            return await self._showing(visit, told(visit, error), error.status)
        return go(visit, HERE)

    async def _accept(self, visit: Visit) -> Response:
        actor, _ = self.writer(visit, SERVICE), await self.browsers.form(visit)
        one = number_of(visit.request.parts[2])
        try:
            await self.acted(actor, "shift.accept", str(one), self.house.hand_overs.accept(one, f"person:{actor.id}"))
        except MadangError as error:
            return await self._showing(visit, told(visit, error), error.status)
        return go(visit, HERE)

    async def _withdraw(self, visit: Visit) -> Response:
        actor, _ = self.writer(visit, SERVICE), await self.browsers.form(visit)
        one = number_of(visit.request.parts[2])
        await self.acted(actor, "shift.withdraw", str(one), self.house.hand_overs.withdraw(one, f"person:{actor.id}"))
        return go(visit, HERE)
