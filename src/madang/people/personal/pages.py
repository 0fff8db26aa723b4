"""`/my-space`: a person's own space as a page that needs no script. What it does it does as `/madang/v1/me` does."""

from __future__ import annotations

import secrets
from typing import Any

from madang.base.errors import BadRequest
from madang.people.http import Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import go, page
from madang.people.identity.visit import Browsers, Form, Visit
from madang.people.personal.asking import Asking
from madang.people.personal.mine import export_of, whole
from madang.people.personal.shown import AILMENTS, NEEDS, apps_shown, erasures_shown, items_shown, reads_shown
from madang.trust.consent.house import PersonalHouse
from madang.trust.identity.house import Identity

READS_SHOWN = 50
OWN = "me"


class SpaceDoor(Door):
    """Its forms, each followed by the page again."""

    def __init__(self, identity: Identity, browsers: Browsers, house: PersonalHouse, asking: Asking) -> None:
        super().__init__(identity, browsers)
        self._house, self._asking = house, asking

    @property
    def table(self) -> Table:
        forms = {
            "agree": self._agree,
            "narrow": self._narrow,
            "withdraw": self._withdraw,
            "place": self._place,
            "journey": self._journey,
            "mobility": self._mobility,
            "device": self._device,
            "health": self._health,
            "contact": self._contact,
            "remove": self._remove,
            "forget": self._forget,
        }
        posts: Table = {f"my-space/{name}": {"POST": self.page(self._then_back(act))} for name, act in forms.items()}
        return {
            "my-space": {"GET": self.page(self._show)},
            "my-space/export": {"GET": self.page(self._export)},
        } | posts

    def _then_back(self, act: Any) -> Any:
        async def handle(visit: Visit) -> Response:
            person, _ = visit.who()
            await act(person.id, await self.browsers.form(visit))
            return go(visit, "/my-space")

        return handle

    async def _show(self, visit: Visit) -> Response:
        person, _ = visit.who()
        house, language = self._house, visit.language
        before = whole(visit.request, "before", None, 2**62)
        items = await house.space.items(person.id)
        consents = [one for one in await house.consents.of_person(person.id) if one.withdrawn_at is None]
        asked = await self._asking.page()
        reads = await house.looking.seen(person.id, before, READS_SHOWN)
        mobility = next((one.body for one in items if one.kind == "mobility"), {})
        return page(
            visit,
            "space",
            apps=apps_shown(asked, consents, language),
            items=items_shown(items, language),
            places=[one for one in items if one.kind == "place"],
            needs=NEEDS,
            mobility=mobility,
            ailments=AILMENTS,
            health=next((one.body for one in items if one.kind == "health"), {}),
            phone=next((one.body["phone"] for one in items if one.kind == "contact"), ""),
            reads=reads_shown([seen for _, seen in reads], items, asked, language),
            onward=reads[-1][0] if len(reads) == READS_SHOWN else None,
            erasures=erasures_shown(await house.erasures.of_person(person.id), asked, language),
        )

    async def _export(self, visit: Visit) -> Response:
        person, _ = visit.who()
        return export_of(await self._house.export(person.id), visit.request.query.get("form", "csv"))

    async def _agree(self, person: str, form: Form) -> None:
        await self._house.grant(
            person, form.get("app", ""), form.get("kind", ""), form.get("purpose", ""), _chosen(form), _days(form)
        )

    async def _narrow(self, person: str, form: Form) -> None:
        await self._house.narrow(person, form.get("id", ""), _chosen(form), _days(form))

    async def _withdraw(self, person: str, form: Form) -> None:
        await self._house.withdraw(person, form.get("id", ""))

    async def _place(self, person: str, form: Form) -> None:
        point = [_number(form, "longitude"), _number(form, "latitude")]
        body = {"name": form.get("place-name", ""), "location": {"type": "Point", "coordinates": point}}
        await self._house.space.put(person, "place", _fresh(), body)

    async def _journey(self, person: str, form: Form) -> None:
        when = "departAt" if form.get("when") == "departAt" else "arriveBy"
        body = {
            "name": form.get("journey-name", ""),
            "days": [int(day) for day in form.get("days[]", "").split() if day.isdigit()],
            "origin": form.get("origin", ""),
            "destination": form.get("destination", ""),
            when: form.get("time", ""),
        }
        await self._house.space.put(person, "journey", _fresh(), body)

    async def _mobility(self, person: str, form: Form) -> None:
        body: dict[str, Any] = {need: True for need in form.get("needs[]", "").split()}
        if form.get("walk"):
            body["walkMaxM"] = int(_number(form, "walk"))
        await self._house.space.put(person, "mobility", OWN, body)

    async def _device(self, person: str, form: Form) -> None:
        entity = {"entity": form["entity"]} if form.get("entity") else {}
        await self._house.space.put(person, "device", _fresh(), {"name": form.get("device-name", "")} | entity)

    async def _health(self, person: str, form: Form) -> None:
        await self._house.space.put(person, "health", OWN, {one: True for one in form.get("ailments[]", "").split()})

    async def _contact(self, person: str, form: Form) -> None:
        await self._house.space.put(person, "contact", OWN, {"phone": form.get("phone", "")})

    async def _remove(self, person: str, form: Form) -> None:
        await self._house.space.remove(person, form.get("kind", ""), form.get("id", ""))

    async def _forget(self, person: str, form: Form) -> None:
        if form.get("sure") != "yes":
            raise BadRequest("say that you are sure")
        await self._house.forget(person)


def _fresh() -> str:
    return secrets.token_hex(6)


def _chosen(form: Form) -> list[str]:
    return form.get("members[]", "").split()


def _days(form: Form) -> int:
    """Each ask of the page has a field of its own, so that its label finds it."""
    given = next((value for name, value in form.items() if name.startswith("days-")), "")
    if not given.isascii() or not given.isdigit() or len(given) > 6:
        raise BadRequest("days: a whole number")
    return int(given)


def _number(form: Form, name: str) -> float:
    try:
        return float(form.get(name, ""))
    except ValueError:
        raise BadRequest(f"{name}: a number") from None
