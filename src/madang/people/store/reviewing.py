"""`/store/review`, `/store/choices`, `/store/money`: what the city's own people do with its store."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from zoneinfo import ZoneInfo

from madang.base.errors import BadRequest, Conflict, NotFound
from madang.model.geometry import Box
from madang.people.http import Response
from madang.people.identity.doors import Table
from madang.people.identity.pages import go, page
from madang.people.identity.visit import Browsers, Visit
from madang.people.store.doors import StoreDoor, whole
from madang.people.store.publishing import attached
from madang.people.store.shown import review_shown
from madang.store.choice.choices import Choice
from madang.store.choice.comparison import Comparison, compare
from madang.store.choice.readings import readings_of
from madang.store.house import StoreHouse
from madang.store.money.amounts import DIGITS, shown, to_minor
from madang.store.money.ledger import balances, unbalanced
from madang.store.money.statements import month_of
from madang.store.money.terms import set_terms
from madang.trust.identity.house import Identity

Offering = Callable[[], Awaitable[dict[str, list[tuple[str, dict[str, str]]]]]]
Areas = Callable[[], Mapping[str, float]]
"""The areas of the city by name, with their size."""


class ReviewingDoor(StoreDoor):
    """For whoever may manage the store. `offering` tells the installed apps and their names by service; `areas`: what a service can be
    shared out over, `area_of`: in which of them a place lies, empty for none."""

    def __init__(
        self,
        identity: Identity,
        browsers: Browsers,
        store: StoreHouse,
        offering: Offering,
        areas: Areas,
        area_of: Callable[[Box], str],
    ) -> None:
        super().__init__(identity, browsers, store)
        self._offering, self._areas, self._area_of = offering, areas, area_of

    @property
    def table(self) -> Table:
        return {
            "store/review": {"GET": self.page(self._queue)},
            "store/releases/*/decide": {"POST": self.page(self._decide)},
            "store/reviews/*/moderate": {"POST": self.page(self._moderate)},
            "store/choices": {"GET": self.page(self._choices), "POST": self.page(self._choose)},
            "store/choices/*": {"GET": self.page(self._compare)},
            "store/money": {"GET": self.page(self._money)},
            "store/settlements": {"POST": self.page(self._settle)},
            "store/settlements/*": {"GET": self.page(self._file)},
            "store/settlements/*/book": {"POST": self.page(self._book)},
            "store/received": {"POST": self.page(self._received)},
            "store/terms": {"POST": self.page(self._terms)},
        }

    async def _queue(self, visit: Visit) -> Response:
        self.manager(visit, "store")
        reported = await self.store.reviews.reported()
        return page(
            visit,
            "store/review",
            waiting=await self.store.releases.in_states("waiting"),
            checking=await self.store.releases.in_states("submitted", "checking"),
            progress=self.store.desk.progress,
            approved=await self.store.releases.in_states("approved"),
            published=await self.store.releases.in_states("published"),
            reported=[
                (review_shown(one, visit.language), await self.store.reviews.reasons(one.id)) for one in reported
            ],
        )

    async def _decide(self, visit: Visit) -> Response:
        form, person, identifier = await self.browsers.form(visit), self.manager(visit, "store"), visit.request.parts[2]
        desk, reason = self.store.desk, form.get("reason", "")
        if form.get("answer") == "approve":
            await self.recorded(visit, "store.approve", identifier, desk.approve(person.id, identifier, reason))
        else:
            await self.recorded(visit, "store.reject", identifier, desk.reject(person.id, identifier, reason))
        return go(visit, f"/store/releases/{identifier}")

    async def _moderate(self, visit: Visit) -> Response:
        form, person, identifier = await self.browsers.form(visit), self.manager(visit, "store"), visit.request.parts[2]
        act = self.store.reviews.moderate(
            identifier, f"person:{person.id}", form.get("answer") == "hide", form.get("why", "")
        )
        await self.recorded(visit, "store.moderate", identifier, act)
        return go(visit, "/store/review")

    async def _choices(self, visit: Visit) -> Response:
        self.manager(visit, "apps")
        services = await self._offering()
        return page(
            visit,
            "store/choices",
            services=services,
            names={app: name for found in services.values() for app, name in found},
            in_force=await self.store.choices.in_force(),
            areas=sorted(self._areas()),
        )

    async def _choose(self, visit: Visit) -> Response:
        """One app, or several side by side: then the seed is drawn here, unless one is given to repeat an earlier draw."""
        form, person = await self.browsers.form(visit), self.manager(visit, "apps")
        service, apps = form.get("service", ""), form.get("apps[]", "").split()
        seed = whole(form.get("seed") or str(secrets.randbelow(10**9)), 0, 10**18, "seed")
        offered = [app for app, _ in (await self._offering()).get(service, [])]
        act = self.store.choices.choose(service, apps, offered, self._areas(), seed, f"person:{person.id}")
        await self.recorded(visit, "store.choose", f"{service} {' '.join(apps)}", act)
        for app in offered:
            switch = self.store.installs.switch(app, app in apps)
            await self.recorded(visit, f"app.{'start' if app in apps else 'stop'}", app, switch)
        return go(visit, "/store/choices")

    async def _compare(self, visit: Visit) -> Response:
        """How apps that serve side by side do, by a figure that somebody names: type and attribute."""
        self.manager(visit, "apps")
        service, asked = visit.request.parts[2], visit.request.query
        choice = (await self.store.choices.in_force()).get(service)
        if choice is None or not choice.areas:
            raise NotFound(f"{service[:100]} is not served side by side")
        kind, attribute = asked.get("type", "").strip(), asked.get("attribute", "").strip()
        found = await self._compared(choice, kind, attribute) if kind and attribute else None
        names = {app: name for offered in (await self._offering()).values() for app, name in offered}
        asked_for = {"type": kind, "attribute": attribute}
        return page(visit, "store/compared", service=service, choice=choice, names=names, found=found, asked=asked_for)

    async def _compared(self, choice: Choice, kind: str, attribute: str) -> Comparison:
        now = self.store.clock.now()
        readings = await readings_of(self.store.pool, kind, attribute, choice.chosen_at, now, self._area_of)
        sizes = {name: size for name, size in self._areas().items() if name in choice.areas}
        return await asyncio.to_thread(compare, readings, sizes, choice.apps, choice.areas, choice.seed)

    async def _money(self, visit: Visit) -> Response:
        self.manager(visit, "store")
        now = self.store.clock.now().astimezone(ZoneInfo(self.store.timezone))
        held = {currency: await balances(self.store.pool, "", currency) for currency in DIGITS}
        orders = [one for one in await self.store.orders.latest() if one.state == "paid"]
        return page(
            visit,
            "store/money",
            month=f"{now:%Y-%m}",
            held=[(name, shown(-amount, currency)) for currency, all_ in held.items() for name, amount in all_.items()],
            unbalanced=await unbalanced(self.store.pool),
            settlements=await self.store.settlements.every(24),
            orders=[(one, shown(one.gross_minor, one.currency)) for one in orders],
            currencies=sorted(DIGITS),
            can_settle=bool(self.store.settings.account),
            provider=self.store.checkout.provider.name if self.store.checkout.provider else "",
        )

    async def _settle(self, visit: Visit) -> Response:
        form, person = await self.browsers.form(visit), self.manager(visit, "store")
        month, currency = form.get("month", ""), form.get("currency", "")
        month_of(month, self.store.timezone)
        act = self.store.settlements.make(f"person:{person.id}", month, currency)
        await self.recorded(visit, "store.settle", f"{month} {currency}", act)
        return go(visit, "/store/money")

    async def _file(self, visit: Visit) -> Response:
        """The payments for the bank."""
        person = self.manager(visit, "store")
        found = await self.store.settlements.get(visit.request.parts[2])
        await self.identity.recorder.before(f"person:{person.id}", "store.settlement.read", found.id)
        return attached(found.file.encode(), f"pain.001-{found.month}-{found.id}.xml", b"application/xml")

    async def _book(self, visit: Visit) -> Response:
        await self.browsers.form(visit)
        self.manager(visit, "store")
        identifier = visit.request.parts[2]
        await self.recorded(visit, "store.book", identifier, self.store.settlements.book(identifier))
        return go(visit, "/store/money")

    async def _received(self, visit: Visit) -> Response:
        """The provider paid what it had captured into the city's account, less its fee: told once for each of its references."""
        form, _ = await self.browsers.form(visit), self.manager(visit, "store")
        provider, reference, currency = (form.get(name, "").strip() for name in ("provider", "reference", "currency"))
        if (
            self.store.checkout.provider is None
            or provider != self.store.checkout.provider.name
            or not 1 <= len(reference) <= 100
        ):
            raise BadRequest("a reference of this city's provider", reason="received_form")
        minor, fee = (to_minor(form.get(name, ""), currency) for name in ("amount", "fee"))
        act = self.store.settlements.received(self.store.pool, provider, reference, currency, minor, fee)
        if not await self.recorded(visit, "store.received", f"{provider} {reference}", act):
            raise Conflict("this was told before", reason="received_again")
        return go(visit, "/store/money")

    async def _terms(self, visit: Visit) -> Response:
        """`tiers` one a line (`from share`), `stakeholders` one a line (`publisher share`), shares in basis points."""
        form, person = await self.browsers.form(visit), self.manager(visit, "store")
        publisher = await self.store.publishers.get(form.get("publisher", ""))
        tiers = [
            (whole(at, 0, 10**15, "tiers"), whole(share, 0, 10_000, "tiers")) for at, share in _pairs(form, "tiers")
        ]
        others = {
            f"publisher:{name}": whole(share, 0, 10_000, "stakeholders") for name, share in _pairs(form, "stakeholders")
        }
        for name in others:
            await self.store.publishers.get(name.partition(":")[2])
        now = self.store.clock.now()
        act = set_terms(self.store.pool, publisher.id, now, tiers, others, f"person:{person.id}")
        await self.recorded(visit, "store.terms", publisher.id, act)
        return go(visit, "/store/money")


def _pairs(form: dict[str, str], name: str) -> list[tuple[str, str]]:
    """Raises BadRequest for a line without two words."""
    lines = [line.split() for line in form.get(name, "").splitlines() if line.strip()]
    if any(len(line) != 2 for line in lines):
        raise BadRequest(f"{name}: two words a line", reason="terms_form")
    return [(one, other) for one, other in lines]
