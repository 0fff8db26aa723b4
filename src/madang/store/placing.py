"""Ordering an app: what is free is installed, what is used is agreed to, what costs something becomes an order to be paid."""

from __future__ import annotations

from madang.base.errors import NotFound
from madang.store.house import StoreHouse
from madang.store.money.amounts import to_minor
from madang.store.money.orders import Asked, Order
from madang.store.releases import Release


async def latest(store: StoreHouse, app: str) -> Release:
    """Raises NotFound for what is not published."""
    found = await store.releases.latest(app)
    if found is None:
        raise NotFound("no such app in the store")
    return found


async def place(store: StoreHouse, release: Release, customer: str, by: str) -> Order | None:
    """The order, where something is to be paid now. Raises what installing and agreeing raise."""
    price = release.manifest.price
    if price.model == "free":
        await store.installs.install(release, customer, by)
        return None
    if price.model == "usage":
        await store.billing.begin(store.pool, f"use-{release.id}-{customer}", customer, release.app, price, None)
        return None
    kind = "subscription" if price.model == "subscription" else "purchase"
    asked = Asked(
        kind, customer, by, release.app, release.version, release.publisher, release.manifest.name, price.currency,
        to_minor(price.amount, price.currency),
    )  # fmt: skip
    return await store.orders.add(asked)
