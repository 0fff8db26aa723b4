"""`/data/desk`: what waits for somebody of the city: files in quarantine, versions to approve, what people wrote."""

from __future__ import annotations

from typing import Any

import msgspec

from madang.base.errors import BadRequest, Conflict
from madang.lake.datasets.house import DataHouse
from madang.lake.files.report import Hints
from madang.people.http import Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import go, page
from madang.people.identity.visit import Browsers, Visit
from madang.people.store.doors import whole
from madang.trust.identity.house import Identity

_SHOWN = 50


class DeskDoor(Door):
    """For whoever may manage data sets; each decision is on record before it is done."""

    def __init__(self, identity: Identity, browsers: Browsers, house: DataHouse) -> None:
        super().__init__(identity, browsers)
        self._house = house

    @property
    def table(self) -> Table:
        return {
            "data/desk": {"GET": self.page(self._desk)},
            "data/arrivals/*": {"POST": self.page(self._arrival)},
            "data/publications/*": {"POST": self.page(self._publication)},
            "data/voices/*": {"POST": self.page(self._voice)},
        }

    async def _desk(self, visit: Visit) -> Response:
        self.manager(visit, "datasets")
        house = self._house
        return page(
            visit,
            "portal/desk",
            arrivals=await house.book.arrivals(_SHOWN, "", "quarantined"),
            waiting=await house.publications.in_state("waiting", _SHOWN),
            voices=await house.voices.open(_SHOWN),
            me=f"person:{visit.who()[0].id}",
        )

    async def _arrival(self, visit: Visit) -> Response:
        """Read again as the form says, or kept out."""
        form, person, identifier = (
            await self.browsers.form(visit),
            self.manager(visit, "datasets"),
            visit.request.parts[2],
        )
        by, why = f"person:{person.id}", _why(form)
        arrival = await self._house.book.arrival(identifier)
        if form.get("answer") == "release":
            if arrival.sent_by == by:
                raise Conflict("somebody else releases what you sent", reason="release_own")
            accepted = form.get("accepted[]", "").split()
            names = ("encoding", "crs", "longitude", "latitude", "sheet")
            told = msgspec.convert({name: form.get(name, "").strip() for name in names} | {"accepted": accepted}, Hints)
            act = self._house.book.release(identifier, told, by, why)
            await self.acted(person, "dataset.release", identifier, act)
        else:
            await self.acted(person, "dataset.reject", identifier, self._house.book.reject(identifier, by, why))
        return go(visit, "/data/desk")

    async def _publication(self, visit: Visit) -> Response:
        form, person, dataset = await self.browsers.form(visit), self.manager(visit, "datasets"), visit.request.parts[2]
        version, by, why = whole(form.get("version", ""), 1, 10**9, "version"), f"person:{person.id}", _why(form)
        is_yes = form.get("answer") == "approve"
        act = (self._house.publications.approve if is_yes else self._house.publications.decline)(
            dataset, version, by, why
        )
        await self.acted(person, f"dataset.{'approve' if is_yes else 'decline'}", f"{dataset} {version}", act)
        return go(visit, "/data/desk")

    async def _voice(self, visit: Visit) -> Response:
        form, person = await self.browsers.form(visit), self.manager(visit, "datasets")
        kind: Any = form.get("kind", "")
        number = whole(visit.request.parts[2], 1, 10**15, "id")
        state: Any = "shown" if form.get("answer") == "show" else "hidden"
        act = self._house.voices.answer(kind, number, state, form.get("text", ""))
        await self.acted(person, f"dataset.voice.{state}", f"{kind} {number}", act)
        return go(visit, "/data/desk")


def _why(form: dict[str, str]) -> str:
    """Raises BadRequest."""
    why = form.get("why", "").strip()
    if not why:
        raise BadRequest("say why", reason="why")
    return why
