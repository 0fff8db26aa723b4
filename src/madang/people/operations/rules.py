"""`/operations/rules`: what people want to be told of, tried on the past week before it is armed."""

from __future__ import annotations

from typing import Any

from madang.base.clock import from_iso
from madang.base.errors import MadangError, TooMany
from madang.operations.incidents.incident import SEVERITIES
from madang.operations.rules.book import Kept
from madang.operations.rules.testing import try_rule
from madang.people.http import Response
from madang.people.identity.doors import Table
from madang.people.identity.pages import go, page, told
from madang.people.identity.visit import Form, Visit
from madang.people.operations.desk import SERVICE, OperationsPages, number_of
from madang.people.operations.rule_chart import chart
from madang.people.operations.rule_form import CONDITIONS, PARTS, fields_of, rule_of, sentence
from madang.people.operations.shown import Reader

HERE, MANAGED = "/operations/rules", "rules"


class RulesPages(OperationsPages):
    """Whoever reads incidents reads rules; who manages rules writes, tries and arms them, each on the audit log."""

    @property
    def table(self) -> Table:
        one = "operations/rules/*"
        return {
            "operations/rules": {"GET": self.page(self._list)},
            "operations/rules/new": {"GET": self.page(self._new), "POST": self.page(self._make)},
            one: {"GET": self.page(self._show)},
            f"{one}/edit": {"GET": self.page(self._edit), "POST": self.page(self._change)},
            f"{one}/test": {"POST": self.page(self._test)},
            f"{one}/arm": {"POST": self.page(self._arm)},
            f"{one}/disarm": {"POST": self.page(self._disarm)},
            f"{one}/retire": {"POST": self.page(self._retire)},
        }

    async def _list(self, visit: Visit) -> Response:
        self.reader(visit, SERVICE)
        reader = await self.reading(visit)
        rules = [self._line(one, reader) for one in await self.house.rules.every()]
        may = self.caller(visit).may("manage", MANAGED)
        return page(visit, "operations/rules", rules=rules, may=may, conditions=CONDITIONS)

    def _line(self, one: Kept, reader: Reader) -> dict[str, Any]:
        return {
            "id": one.id,
            "version": one.version,
            "name": one.rule.name,
            "state": one.state,
            "alarms": one.alarms,
            "sentence": sentence(one.rule, self.book.procedures, reader),
            "made": reader.t(
                "ops.rule.made", version=one.version, who=reader.who(one.made_by), at=reader.at(one.made_at)
            ),
            "armed": reader.t("ops.rule.armed_by", who=reader.who(one.armed_by), at=reader.at(one.armed_at))
            if one.armed_at
            else "",
            "tested": one.is_tested,
        }

    async def _new(self, visit: Visit) -> Response:
        self.manager(visit, MANAGED)
        wanted = visit.request.query.get("condition", "")
        return self._form(visit, {"condition": wanted if wanted in CONDITIONS else "threshold"}, f"{HERE}/new")

    def _form(self, visit: Visit, form: Form, action: str, wrong: str = "", status: int = 200) -> Response:
        return page(
            visit,
            "operations/rule_form",
            status,
            form=form,
            action=action,
            wrong=wrong,
            kinds=[(one.kind, one.name[visit.language]) for one in self.book.procedures.values()],
            severities=SEVERITIES,
            ends=PARTS if form.get("condition") == "combination" else PARTS[:1],
        )

    async def _make(self, visit: Visit) -> Response:
        actor, form = self.manager(visit, MANAGED), await self.browsers.form(visit)
        try:
            rule = rule_of(form, self.book.procedures)
            made = await self.acted(actor, "rule.make", rule.name, self.house.rules.make(rule, f"person:{actor.id}"))
        except MadangError as error:
            return self._form(visit, form, f"{HERE}/new", told(visit, error), error.status)
        return go(visit, f"{HERE}/{made}")

    async def _edit(self, visit: Visit) -> Response:
        self.manager(visit, MANAGED)
        kept = await self._kept(visit)
        return self._form(visit, fields_of(kept.rule), f"{HERE}/{kept.id}/edit")

    async def _change(self, visit: Visit) -> Response:
        actor, form, kept = self.manager(visit, MANAGED), await self.browsers.form(visit), await self._kept(visit)
        try:
            act = self.house.rules.change(kept.id, rule_of(form, self.book.procedures), f"person:{actor.id}")
            await self.acted(actor, "rule.change", str(kept.id), act)
        except MadangError as error:
            return self._form(visit, form, f"{HERE}/{kept.id}/edit", told(visit, error), error.status)
        return go(visit, f"{HERE}/{kept.id}")

    async def _show(self, visit: Visit) -> Response:
        self.reader(visit, SERVICE)
        return await self._showing(visit)

    async def _showing(self, visit: Visit, wrong: str = "", status: int = 200) -> Response:
        kept, reader = await self._kept(visit), await self.reading(visit)
        test = kept.test if kept.is_tested else None
        return page(
            visit,
            "operations/rule",
            status,
            wrong=wrong,
            one=self._line(kept, reader),
            test=test,
            picture=chart(kept.rule, test) if test else None,
            tried=[
                (entity, _at(began, reader), _at(ended, reader))
                for entity, began, ended in (test or {"alarms": []})["alarms"]
            ],
            span=[_at(test[name], reader) for name in ("since", "until")] if test else [],
            alarms=[
                (one.entity, reader.at(one.began_at), reader.at(one.ended_at) if one.ended_at else "", one.incident)
                for one in await self.house.rules.alarms(kept.id)
            ],
            may=self.caller(visit).may("manage", MANAGED),
        )

    async def _test(self, visit: Visit) -> Response:
        actor, _, kept = self.manager(visit, MANAGED), await self.browsers.form(visit), await self._kept(visit)

        async def work() -> None:
            if self.house.rules.trying.locked():
                raise TooMany("another rule is being tried", reason="rule_trying", wait_s=5)
            async with self.house.rules.trying:
                found = await try_rule(self.house.rules.pool, kept.rule, self.book.clock.now())
            await self.house.rules.tested(kept.id, kept.version, found.as_json())

        return await self._acted(visit, kept, self.acted(actor, "rule.test", str(kept.id), work()))

    async def _arm(self, visit: Visit) -> Response:
        actor, form, kept = self.manager(visit, MANAGED), await self.browsers.form(visit), await self._kept(visit)
        act = self.house.rules.arm(kept.id, number_of(form.get("version", "")), f"person:{actor.id}")
        return await self._acted(visit, kept, self.acted(actor, "rule.arm", str(kept.id), act))

    async def _disarm(self, visit: Visit) -> Response:
        actor, _, kept = self.manager(visit, MANAGED), await self.browsers.form(visit), await self._kept(visit)
        return await self._acted(
            visit, kept, self.acted(actor, "rule.disarm", str(kept.id), self.house.rules.disarm(kept.id))
        )

    async def _retire(self, visit: Visit) -> Response:
        actor, _, kept = self.manager(visit, MANAGED), await self.browsers.form(visit), await self._kept(visit)
        await self.acted(actor, "rule.retire", str(kept.id), self.house.rules.disarm(kept.id, "retired"))
        return go(visit, HERE)

    async def _acted(self, visit: Visit, kept: Kept, act: Any) -> Response:
        try:
            await act
        except MadangError as error:
            return await self._showing(visit, told(visit, error), error.status)
        return go(visit, f"{HERE}/{kept.id}")

    async def _kept(self, visit: Visit) -> Kept:
        return await self.house.rules.get(number_of(visit.request.parts[2]))


def _at(time: str | None, reader: Reader) -> str:
    return "" if time is None else reader.at(from_iso(time))
