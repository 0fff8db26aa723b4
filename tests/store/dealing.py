"""A provider in memory and a checkout over it, for tests of money."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from madang.base.clock import Clock, ManualClock
from madang.base.errors import Conflict, Forbidden, Unavailable
from madang.store.money.checkout import Checkout
from madang.store.money.orders import Asked, Order, Orders
from madang.store.money.payments import Begun, Notice, Payment, Wanted
from tests.store.making import PUBLISHER, START

TITLE = {"ko": "먼지 알림", "en": "Dust alert"}


@dataclass
class Till:
    """Does what a provider does. With `chance` of a hundred it breaks before or after it has done it."""

    chance: int = 0
    random: random.Random = field(default_factory=lambda: random.Random(7))
    payments: dict[str, Payment] = field(default_factory=dict)
    approved: set[str] = field(default_factory=set)
    refunded: dict[str, int] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    name: str = "till"

    def _breaks(self) -> None:
        if self.random.randrange(100) < self.chance:
            raise Unavailable("the line broke")

    async def begin(self, wanted: Wanted) -> Begun:
        self._breaks()
        reference = f"p-{wanted.key}"
        self.payments.setdefault(reference, Payment(reference, "waiting", 0, wanted.currency))
        self._breaks()
        return Begun(reference, f"https://till.example/{reference}")

    async def settle(self, reference: str, wanted: Wanted, returned: Mapping[str, str]) -> Payment:
        self._breaks()
        if reference in self.approved:
            mandate = f"m-{wanted.key}" if wanted.again else ""
            self.payments[reference] = Payment(reference, "captured", wanted.amount_minor, wanted.currency, mandate)
        self._breaks()
        return self.payments[reference]

    async def again(self, mandate: str, wanted: Wanted) -> Payment:
        self._breaks()
        if mandate == "m-broke":
            raise Conflict("the card is empty")
        payment = Payment(f"p-{wanted.key}", "captured", wanted.amount_minor, wanted.currency, mandate)
        self.payments[payment.reference] = payment
        return payment

    async def refund(self, reference: str, amount_minor: int, currency: str, key: str) -> None:
        self._breaks()
        if key not in self.keys:
            self.keys.add(key)
            self.refunded[reference] = self.refunded.get(reference, 0) + amount_minor
        self._breaks()

    def notice(self, headers: Mapping[bytes, bytes], body: bytes) -> Notice:
        if headers.get(b"till") != b"yes":
            raise Forbidden("not the till's")
        return Notice(body.decode())

    @property
    def held(self) -> int:
        """What it has of ours."""
        return sum(one.amount_minor for one in self.payments.values() if one.state == "captured") - sum(
            self.refunded.values()
        )


@dataclass
class Shop:
    pool: asyncpg.Pool
    clock: Clock
    till: Till
    checkout: Checkout
    paid: list[Order]

    async def order(self, gross: int = 9_900, customer: str = "person:kim", **more: Any) -> Order:
        asked = Asked("purchase", customer, "person:kim", f"{PUBLISHER}.dust", "1.0.0", PUBLISHER, TITLE, "KRW", gross)
        return await self.checkout.orders.add(replace(asked, **more))

    async def bought(self, gross: int = 9_900, **more: Any) -> Order:
        """Ordered, approved, paid."""
        order = await self.order(gross, **more)
        await self.checkout.begin(order)
        order = await self.checkout.orders.get(order.id)
        self.till.approved.add(order.reference)
        return await self.checkout.settle(order, {})


def shop(pool: asyncpg.Pool, clock: Clock | None = None, till: Till | None = None) -> Shop:
    clock, till, paid = clock or ManualClock(START), till or Till(), []

    async def hear(connection: Any, order: Order) -> None:
        paid.append(order)

    checkout = Checkout(Orders(pool, clock, "KR", "Asia/Seoul"), till, "https://city.example")
    checkout.paid = hear
    return Shop(pool, clock, till, checkout, paid)


async def selling(pool: asyncpg.Pool, *publishers: str) -> None:
    """Publishers with an account, by somebody known here."""
    await pool.execute(
        "INSERT INTO person (id, login, name, created_at) VALUES ('mina', 'mina', 'Mina', now()) ON CONFLICT DO NOTHING"
    )
    for name in publishers or (PUBLISHER,):
        account = {"name": "Example Ltd", "account": "123-456-789012", "bank": "SHBKKRSE"}
        await pool.execute(
            "INSERT INTO store_publisher (id, owner, name, country, account, created_at)"
            " VALUES ($1, 'mina', $1, 'KR', $2, now())",
            name,
            account,
        )
