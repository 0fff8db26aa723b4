"""Subscriptions and metered use: when something falls due an order is made of it, once for each period, and charged where the customer
agreed to that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from madang.base.errors import BadRequest, Conflict, MadangError
from madang.runtime.manifest import Price
from madang.runtime.soundness import DAYS
from madang.store.money.amounts import times, to_minor
from madang.store.money.checkout import Checkout
from madang.store.money.orders import Asked, Order

log = structlog.get_logger()
GRACE = timedelta(days=14)
Metered = Callable[[str, str, str, datetime, datetime], Awaitable[int]]
"""How much of a measure an app took for a customer: (app, customer, measure, since, until)."""


@dataclass(frozen=True)
class Subscription:
    """`kind` subscription, of which `amount` is the price of each month or year (`per`), or usage, of which it is that of each unit of
    the measure `per`."""

    id: str
    customer: str
    app: str
    per: str
    kind: str
    amount: str
    currency: str
    provider: str
    mandate: str
    begun_at: datetime
    due_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Offer:
    """What an order is made of that falls due: the latest published version of the app."""

    version: str
    publisher: str
    title: dict[str, str]


OfferOf = Callable[[str], Awaitable[Offer | None]]


class Billing:
    """Rows of `store_subscription`."""

    def __init__(self, checkout: Checkout, metered: Metered, offer_of: OfferOf) -> None:
        self._checkout, self._metered, self._offer_of = checkout, metered, offer_of
        self._pool, self._clock = checkout.orders.pool, checkout.orders.clock

    async def begin(
        self, connection: Any, identifier: str, customer: str, app: str, price: Price, order: Order | None
    ) -> None:
        """From now on; `order`: the paid one of the first period. Raises Conflict when there is one already, BadRequest for use
        that nobody counts: the meter counts what an app does in the city, not for whom; of others the days are known."""
        if price.model == "usage" and price.per != DAYS and not customer.startswith("city:"):
            raise BadRequest("use is counted for the city alone", reason="usage_city")
        now = self._clock.now()
        due = next_due(now, price.per if price.model == "subscription" else "month")
        done = await connection.execute(
            "INSERT INTO store_subscription (id, customer, app, per, kind, amount, currency, provider, mandate, begun_at, due_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
            identifier, customer, app, price.per, price.model, price.amount, price.currency,
            order.provider if order else "", order.mandate if order else "", now, due,
        )  # fmt: skip
        if done == "INSERT 0 0" and order is None:
            raise Conflict("this is subscribed to already", reason="subscribed")

    async def end(self, identifier: str) -> None:
        """Nothing falls due any more."""
        query = "UPDATE store_subscription SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL"
        await self._pool.execute(query, identifier, self._clock.now())

    async def of_customers(self, customers: list[str]) -> list[Subscription]:
        """Those that run, the latest first."""
        rows = await self._pool.fetch(
            "SELECT * FROM store_subscription WHERE customer = ANY($1) AND ended_at IS NULL ORDER BY begun_at DESC",
            customers,
        )
        return [Subscription(**dict(row)) for row in rows]

    async def run(self) -> None:
        """Once: everything that has fallen due; and whoever did not pay in time has ended."""
        now = self._clock.now()
        rows = await self._pool.fetch(
            "SELECT * FROM store_subscription WHERE ended_at IS NULL AND due_at <= $1 ORDER BY due_at", now
        )
        for row in rows:
            try:
                await self._fall_due(Subscription(**dict(row)))
            except MadangError as error:
                log.warning("a subscription waits", subscription=row["id"], error=error.detail)
        await self._pool.execute(
            "UPDATE store_subscription s SET ended_at = $1 WHERE ended_at IS NULL AND EXISTS (SELECT FROM store_order o"
            " WHERE o.subscription = s.id AND o.state <> 'paid' AND o.made_at < $2)",
            now, now - GRACE,
        )  # fmt: skip

    async def _fall_due(self, one: Subscription) -> None:
        """The period that ended at `due_at`, of use; the one that begins then, of a subscription. Making its order, charging it and going
        on to the next are each done once, in this order, whatever breaks in between."""
        offer = await self._offer_of(one.app)
        if offer is None:
            await self.end(one.id)
            return
        gross = await self._gross(one)
        if gross:
            asked = Asked(
                one.kind, one.customer, "madang", one.app, offer.version, offer.publisher, offer.title, one.currency, gross,
                subscription=one.id, period=one.due_at.isoformat(),
            )  # fmt: skip
            order = await self._checkout.orders.add(asked)
            if order.state == "open" and one.mandate:
                await self._checkout.again(order, one.mandate)
        due = next_due(one.due_at, one.per if one.kind == "subscription" else "month")
        await self._pool.execute(
            "UPDATE store_subscription SET due_at = $2 WHERE id = $1 AND due_at = $3", one.id, due, one.due_at
        )

    async def _gross(self, one: Subscription) -> int:
        if one.kind == "subscription":
            return to_minor(one.amount, one.currency)
        since = max(one.begun_at, previous_due(one.due_at))
        return times(one.amount, await self._metered(one.app, one.customer, one.per, since, one.due_at), one.currency)


def next_due(at: datetime, per: str) -> datetime:
    """A month or a year later, on the same day or the last before it."""
    months = at.year * 12 + at.month - 1 + (12 if per == "year" else 1)
    return _on(at, *divmod(months, 12))


def previous_due(at: datetime) -> datetime:
    """A month before."""
    return _on(at, *divmod(at.year * 12 + at.month - 2, 12))


def _on(at: datetime, year: int, month: int) -> datetime:
    for day in (at.day, 30, 29, 28):
        try:
            return at.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")
