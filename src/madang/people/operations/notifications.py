"""`/operations/notifications`: what somebody wants to be told of, and how; for those who manage it, everybody's and what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from madang.base.errors import BadRequest, MadangError
from madang.operations.house import OperationsHouse
from madang.operations.incidents.incident import SEVERITIES
from madang.operations.notifying.book import KeptWish
from madang.operations.notifying.nouns import ROLES, STEPS, Reach
from madang.people.http import Response
from madang.people.identity.doors import Table
from madang.people.identity.pages import go, page, told
from madang.people.identity.visit import Browsers, Visit
from madang.people.operations.desk import SERVICE, OperationsPages, number_of
from madang.people.operations.notify_form import line, reach_of, sentence, spoken, wish_of
from madang.people.operations.shown import Reader
from madang.people.operations.surroundings import Surroundings
from madang.trust.identity.house import Identity

HERE, MANAGED = "/operations/notifications", "notifications"


class NotificationsDoor(OperationsPages):
    """Whoever reads incidents says for themselves; who manages notifications for roles and others, on the audit log. `channels`: those
    that the city set up."""

    def __init__(
        self,
        identity: Identity,
        browsers: Browsers,
        house: OperationsHouse,
        around: Surroundings,
        zone: ZoneInfo,
        channels: Sequence[str] = (),
    ) -> None:
        super().__init__(identity, browsers, house, around, zone)
        self._notify, self._channels = house.notify, channels

    @property
    def table(self) -> Table:
        here = "operations/notifications"
        return {
            here: {"GET": self.page(self._mine)},
            f"{here}/reach": {"POST": self.page(self._reach)},
            f"{here}/wishes": {"POST": self.page(self._wish)},
            f"{here}/*/remove": {"POST": self.page(self._remove)},
            f"{here}/city": {"GET": self.page(self._city), "POST": self.page(self._wish_for)},
            f"{here}/*/withdraw": {"POST": self.page(self._remove_any)},
        }

    def _me(self, visit: Visit) -> str:
        return f"person:{self.reader(visit, SERVICE).id}"

    async def _mine(self, visit: Visit, wrong: str = "", status: int = 200) -> Response:
        me, reader = self._me(visit), await self.reading(visit)
        reach = await self._notify.reach(me) or Reach(visit.language)  # type: ignore[arg-type]
        roles = [f"role:{one}" for one in sorted(visit.who()[0].roles)]
        every = await self._notify.wishes()
        return page(
            visit,
            "operations/notifications",
            status,
            wrong=wrong,
            reach=reach,
            quiet=spoken(reach.quiet),
            wishes=[self._wish_line(one, reader) for one in every if one.wish.who == me],
            of_roles=[self._wish_line(one, reader) for one in every if one.wish.who in roles],
            notices=[line(one, reader) for one in await self._notify.notices(me)],
            **self._choices(visit),
        )

    def _choices(self, visit: Visit) -> dict[str, Any]:
        kinds = [(one.kind, one.name[visit.language]) for one in self.book.procedures.values()]
        may = self.caller(visit).may("manage", MANAGED)
        return {"channels": self._channels, "kinds": kinds, "steps": STEPS, "severities": SEVERITIES, "may": may}

    def _wish_line(self, one: KeptWish, reader: Reader) -> dict[str, Any]:
        kind, _, name = one.wish.who.partition(":")
        who = reader.t(f"role.{name}") if kind == "role" else reader.who(one.wish.who)
        made = reader.t("ops.notify.made", who=reader.who(one.made_by), at=reader.at(one.made_at))
        return {"id": one.id, "who": who, "sentence": sentence(one.wish, self.book.procedures, reader), "made": made}

    async def _reach(self, visit: Visit) -> Response:
        me, form = self._me(visit), await self.browsers.form(visit)
        try:
            await self._notify.reach_by(me, reach_of(form, visit.language))
        except MadangError as error:
            return await self._mine(visit, told(visit, error), error.status)
        return go(visit, HERE)

    async def _wish(self, visit: Visit) -> Response:
        me, form = self._me(visit), await self.browsers.form(visit)
        try:
            await self._notify.add(wish_of(form, me, self.book.procedures, self._channels), me)
        except MadangError as error:
            return await self._mine(visit, told(visit, error), error.status)
        return go(visit, HERE)

    async def _remove(self, visit: Visit) -> Response:
        me, _ = self._me(visit), await self.browsers.form(visit)
        await self._notify.remove(number_of(visit.request.parts[2]), me)
        return go(visit, HERE)

    async def _city(self, visit: Visit, wrong: str = "", status: int = 200) -> Response:
        self.manager(visit, MANAGED)
        reader = await self.reading(visit)
        return page(
            visit,
            "operations/notifications_city",
            status,
            wrong=wrong,
            wishes=[self._wish_line(one, reader) for one in await self._notify.wishes()],
            audience=await self._audience(reader),
            notices=[line(one, reader) for one in await self._notify.notices()],
            **self._choices(visit),
        )

    async def _audience(self, reader: Reader) -> list[tuple[str, str]]:
        roles = [(f"role:{one}", reader.t("ops.notify.role", role=reader.t(f"role.{one}"))) for one in ROLES]
        return roles + [(f"person:{one.id}", one.name) for one in await self.on_duty()]

    async def _wish_for(self, visit: Visit) -> Response:
        actor, form = self.manager(visit, MANAGED), await self.browsers.form(visit)
        try:
            who = form.get("who", "")
            if who not in dict(await self._audience(await self.reading(visit))):
                raise BadRequest("a role, or somebody on duty", reason="notify_form")
            wish = wish_of(form, who, self.book.procedures, self._channels)
            await self.acted(actor, "notify.add", who, self._notify.add(wish, f"person:{actor.id}"))
        except MadangError as error:
            return await self._city(visit, told(visit, error), error.status)
        return go(visit, f"{HERE}/city")

    async def _remove_any(self, visit: Visit) -> Response:
        actor, _ = self.manager(visit, MANAGED), await self.browsers.form(visit)
        one = number_of(visit.request.parts[2])
        await self.acted(actor, "notify.remove", str(one), self._notify.remove(one))
        return go(visit, f"{HERE}/city")
