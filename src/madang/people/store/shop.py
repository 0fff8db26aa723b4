"""`/store`: what there is, one app, and having it."""

from __future__ import annotations

from madang.people.http import Response
from madang.people.identity.doors import Table
from madang.people.identity.pages import go, page
from madang.people.identity.visit import Visit
from madang.people.store.doors import StoreDoor, whole
from madang.people.store.shown import app_shown, entry_shown, review_shown
from madang.runtime.soundness import CATEGORIES, PRICE_MODELS
from madang.store.catalogue import Wish
from madang.store.placing import latest, place
from madang.store.releases import Release

_PICTURE = [
    (b"content-type", b"image/png"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cache-control", b"no-cache"),
]


class ShopDoor(StoreDoor):
    """Everybody may look; who has an app, or wants one, signs in."""

    @property
    def table(self) -> Table:
        return {
            "store": {"GET": self.page(self._browse)},
            "store/apps/*": {"GET": self.page(self._app)},
            "store/apps/*/picture": {"GET": self.page(self._picture)},
            "store/apps/*/order": {"POST": self.page(self._order)},
            "store/apps/*/install": {"POST": self.page(self._install)},
            "store/apps/*/update": {"POST": self.page(self._update)},
            "store/apps/*/remove": {"POST": self.page(self._remove)},
            "store/apps/*/review": {"POST": self.page(self._review)},
            "store/apps/*/report": {"POST": self.page(self._report)},
        }

    async def _browse(self, visit: Visit) -> Response:
        query = visit.request.query
        wish = Wish(*(query.get(name, "").strip() for name in ("words", "category", "service", "price", "publisher")))
        number = whole(query.get("page", "0"), 0, 10_000, "page")
        entries, more = await self.store.catalogue.page(wish, number)
        return page(
            visit,
            "store/browse",
            entries=[entry_shown(one, visit.language) for one in entries],
            wish=wish,
            categories=sorted(CATEGORIES),
            prices=sorted(PRICE_MODELS),
            number=number,
            more=more,
        )

    async def _app(self, visit: Visit) -> Response:
        app = visit.request.parts[2]
        entry = await self.store.catalogue.entry(app)
        reviews = [one for one in await self.store.reviews.of_app(app) if not one.hidden_by]
        customers = self.customers(visit) if visit.person else {}
        live = {one.customer: one for one in await self.store.installs.of_customers(list(customers)) if one.app == app}
        paid = {name: await self.store.installs.is_paid(entry.release, name) for name in customers}
        return page(
            visit,
            "store/app",
            app=app_shown(entry, visit.language, self.store.key),
            pictures=await self.store.catalogue.pictures(entry.release),
            reviews=[review_shown(one, visit.language) for one in reviews],
            installs=await self.store.installs.count(app),
            runs=await self.store.installs.live(app, self.store.city) is not None,
            customers=customers,
            live=live,
            paid=paid,
        )

    async def _picture(self, visit: Visit) -> Response:
        entry = await self.store.catalogue.entry(visit.request.parts[2])
        number = whole(visit.request.query.get("n", "0"), 0, 100, "n")
        return Response(200, await self.store.catalogue.screenshot(entry.release, number), list(_PICTURE))

    async def _order(self, visit: Visit) -> Response:
        release, customer, person = await self._wanted(visit)
        order = await self.recorded(visit, "store.order", release.app, place(self.store, release, customer, person))
        return go(visit, f"/store/orders/{order.id}" if order else f"/store/apps/{release.app}")

    async def _install(self, visit: Visit) -> Response:
        release, customer, person = await self._wanted(visit)
        act = self.store.installs.install(release, customer, person)
        await self.recorded(visit, "store.install", f"{release.app} {release.version} {customer}", act)
        return go(visit, f"/store/apps/{release.app}")

    async def _update(self, visit: Visit) -> Response:
        """Where the new version asks the city for more, somebody says yes or no to that on the page of the city's apps."""
        release, customer, _ = await self._wanted(visit)
        act = self.store.installs.update(release, customer)
        done = await self.recorded(visit, "store.update", f"{release.app} {release.version} {customer}", act)
        return go(visit, f"/store/apps/{release.app}" if done else "/administration/apps")

    async def _wanted(self, visit: Visit) -> tuple[Release, str, str]:
        """The latest release, the customer the form names, and who asks."""
        form = await self.browsers.form(visit)
        customer = self.customer(visit, form.get("customer", ""))
        release = await latest(self.store, visit.request.parts[2])
        return release, customer, f"person:{visit.who()[0].id}"

    async def _remove(self, visit: Visit) -> Response:
        form, app = await self.browsers.form(visit), visit.request.parts[2]
        customer = self.customer(visit, form.get("customer", ""))
        receipt = await self.recorded(
            visit, "store.remove", f"{app} {customer}", self.store.installs.remove(app, customer)
        )
        for one in await self.store.billing.of_customers([customer]):
            if one.app == app:
                await self.store.billing.end(one.id)
        return page(visit, "store/removed", app=app, receipt=receipt) if receipt else go(visit, "/store/mine")

    async def _review(self, visit: Visit) -> Response:
        form, app = await self.browsers.form(visit), visit.request.parts[2]
        customer = self.customer(visit, form.get("customer", ""))
        stars = whole(form.get("stars", ""), 1, 5, "stars")
        await self.store.reviews.write(app, customer, stars, form.get("text", ""))
        return go(visit, f"/store/apps/{app}#reviews")

    async def _report(self, visit: Visit) -> Response:
        form, person = await self.browsers.form(visit), visit.who()[0]
        await self.store.reviews.report(form.get("review", ""), f"person:{person.id}", form.get("reason", ""))
        return go(visit, f"/store/apps/{visit.request.parts[2]}#reviews")
