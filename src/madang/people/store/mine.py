"""`/store/mine`, `/store/orders`: what one has, what one is to pay, and what one has paid."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from madang.base.errors import Forbidden, MadangError, NotFound, Unavailable
from madang.people.http import Request, Response
from madang.people.identity.doors import Table
from madang.people.identity.pages import go, origin_of, page
from madang.people.identity.visit import Visit
from madang.people.store.doors import StoreDoor
from madang.store.money.amounts import shown, to_minor
from madang.store.money.invoices import invoice_named, invoices_of
from madang.store.money.orders import Order

WEBHOOK_MAX_BYTES = 256 * 1024


class MineDoor(StoreDoor):
    """Each sees what is theirs, and what they act for."""

    @property
    def table(self) -> Table:
        return {
            "store/mine": {"GET": self.page(self._mine)},
            "store/orders/*": {"GET": self.page(self._show)},
            "store/orders/*/pay": {"POST": self.page(self._pay)},
            "store/orders/*/paid": {"GET": self.page(self._back)},
            "store/orders/*/refund": {"POST": self.page(self._refund)},
            "store/invoices/*": {"GET": self.page(self._invoice)},
            "store/subscriptions/*": {"POST": self.page(self._end)},
            "store/webhook": {"POST": self._webhook},
        }

    async def _mine(self, visit: Visit) -> Response:
        customers = self.customers(visit)
        names = list(customers)
        installs = await self.store.installs.of_customers(names)
        orders = await self.store.orders.of_customers(names)
        invoices = await invoices_of(self.store.pool, [one.id for one in orders])
        titles = {one.app: one.manifest.name for one in await self.store.releases.in_states("published", "yanked")}
        withdrawn = {(one.app, one.version): one.reason for one in await self.store.releases.in_states("yanked")}
        by_order = {one.id: one for one in orders}
        return page(
            visit,
            "store/mine",
            customers=customers,
            installs=installs,
            withdrawn=withdrawn,
            titles=titles,
            orders=orders,
            invoices=[(one, shown(one.gross_minor, by_order[one.order].currency)) for one in invoices],
            amounts={one.id: shown(one.gross_minor, one.currency) for one in orders},
            subscriptions=await self.store.billing.of_customers(names),
        )

    async def _show(self, visit: Visit) -> Response:
        order = await self._payable(visit)
        invoices = await invoices_of(self.store.pool, [order.id])
        return page(
            visit,
            "store/order",
            form_action=self._where(),
            order=order,
            gross=shown(order.gross_minor, order.currency),
            tax=shown(order.tax_minor, order.currency),
            rate=f"{order.tax_rate_bp / 100:g}",
            invoices=invoices,
            left=shown(order.gross_minor + sum(one.gross_minor for one in invoices if one.refund), order.currency),
            can_pay=self.store.checkout.provider is not None,
        )

    def _where(self) -> str:
        """The provider's origin: where the form of this page may lead on to (CSP)."""
        payments = self.store.settings.payments
        if payments is None:
            return ""
        pages = {"stripe": "https://checkout.stripe.com", "toss": "https://api.tosspayments.com"}
        return pages.get(payments.provider, origin_of(payments.url))

    async def _payable(self, visit: Visit) -> Order:
        """One of the visitor's, or a charge that nobody has taken up: whoever has its address may. Raises as `order` does."""
        visit.who()
        order = await self.store.orders.get(visit.request.parts[2])
        return order if order.kind == "charge" and not order.customer else await self.order(visit, order.id)

    async def _pay(self, visit: Visit) -> Response:
        await self.browsers.form(visit)
        order, person = await self._payable(visit), visit.who()[0]
        if not order.customer:
            await self.store.orders.take_up(order.id, f"person:{person.id}", f"person:{person.id}")
            order = await self.order(visit, order.id)
        return go(visit, await self.recorded(visit, "store.pay", order.id, self.store.checkout.begin(order)))

    async def _back(self, visit: Visit) -> Response:
        """From the provider. What it says of itself is asked for, not believed."""
        order = await self.order(visit, visit.request.parts[2])
        await self.store.checkout.settle(order, visit.request.query)
        return go(visit, f"/store/orders/{order.id}")

    async def _refund(self, visit: Visit) -> Response:
        """By the city's administrators, on demand of the customer."""
        form = await self.browsers.form(visit)
        person = self.manager(visit, "store")
        order = await self.store.orders.get(visit.request.parts[2])
        amount = to_minor(form.get("amount", ""), order.currency)
        act = self.store.checkout.refund(order, amount, form.get("reason", ""), f"person:{person.id}")
        await self.recorded(visit, "store.refund", order.id, act)
        return go(visit, "/store/money")

    async def _invoice(self, visit: Visit) -> Response:
        found = await invoice_named(self.store.pool, visit.request.parts[2])
        order = await self.order(visit, found.order)
        amounts = (found.gross_minor - found.tax_minor, found.tax_minor, found.gross_minor)
        net, tax, gross = (shown(one, order.currency) for one in amounts)
        return page(
            visit,
            "store/invoice",
            invoice=found,
            order=order,
            seller=self.store.settings.seller,
            publisher=await self.store.publishers.get(order.publisher),
            net=net,
            tax=tax,
            gross=gross,
            rate=f"{order.tax_rate_bp / 100:g}",
            day=found.issued_at.astimezone(ZoneInfo(self.store.timezone)).date(),
        )

    async def _end(self, visit: Visit) -> Response:
        await self.browsers.form(visit)
        own = await self.store.billing.of_customers(list(self.customers(visit)))
        found = next((one for one in own if one.id == visit.request.parts[2]), None)
        if found is None:
            raise NotFound("no such subscription")
        await self.recorded(visit, "store.cancel", found.id, self.store.billing.end(found.id))
        return go(visit, "/store/mine")

    async def _webhook(self, request: Request) -> Response:
        """Of the payment provider, which signs it. What is not taken is sent again."""
        body = await request.body(WEBHOOK_MAX_BYTES)
        try:
            await self.store.checkout.hear(request.headers, body)
        except Forbidden:
            raise
        except MadangError as error:
            raise Unavailable(error.detail) from None
        return Response(204)
