"""Between order and provider. Every step can be cut off and taken again: what a provider did is asked for, and booked once."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import structlog

from madang.base.errors import BadRequest, Conflict, MadangError, Unavailable
from madang.store.money.books import book_payment, book_refund
from madang.store.money.orders import Order, Orders
from madang.store.money.payments import Payment, Provider, Wanted

log = structlog.get_logger()
SETTLE_AFTER = timedelta(minutes=1)
GIVE_UP_AFTER = timedelta(days=1)
Paid = Callable[[Any, Order], Awaitable[None]]


class Checkout:
    """`provider` None: this city takes no payments. `address`: the gateway's own, where customers come back to; `paid`
    does what follows from a paid order, within the transaction that books it."""

    def __init__(self, orders: Orders, provider: Provider | None, address: str) -> None:
        self.orders, self.provider, self._address = orders, provider, address
        self.paid: Paid = _nothing

    async def begin(self, order: Order) -> str:
        """The address where the customer pays. Raises Unavailable, Conflict for an order that is paid."""
        provider = self._provider()
        if order.state == "paid":
            raise Conflict("this is paid already", reason="order_paid")
        begun = await provider.begin(self._wanted(order))
        await self.orders.paying(order.id, provider.name, begun.reference, begun.address)
        return begun.address

    async def settle(self, order: Order, returned: Mapping[str, str]) -> Order:
        """How far it is by now, the money taken where the customer approved. Raises Unavailable."""
        if order.state != "paying":
            return order
        payment = await self._provider().settle(order.reference, self._wanted(order), returned)
        await self._book(order, payment)
        return await self.orders.get(order.id)

    async def again(self, order: Order, mandate: str) -> Order:
        """Charges by a mandate. Raises Unavailable; a refusal leaves the order failed, to be paid by hand."""
        provider = self._provider()
        try:
            payment = await provider.again(mandate, self._wanted(order))
        except Conflict:
            await self.orders.paying(order.id, provider.name, f"refused:{order.id}", "")
            await self.orders.failed(order.id)
            return await self.orders.get(order.id)
        await self.orders.paying(order.id, provider.name, payment.reference, "")
        await self._book(await self.orders.get(order.id), payment)
        return await self.orders.get(order.id)

    async def _book(self, order: Order, payment: Payment) -> None:
        if payment.state == "failed":
            await self.orders.failed(order.id)
        if payment.state != "captured":
            return
        if (payment.amount_minor, payment.currency) != (order.gross_minor, order.currency):
            log.error(
                "a provider captured another amount than was ordered", order=order.id, amount=payment.amount_minor
            )
            raise Conflict("another amount was paid than was ordered", reason="order_amount")
        async with self.orders.pool.acquire() as connection, connection.transaction():
            if await book_payment(connection, self.orders, order, payment.mandate):
                await self.paid(connection, replace(order, state="paid", mandate=payment.mandate))

    async def hear(self, headers: Mapping[bytes, bytes], body: bytes) -> None:
        """A webhook. Raises Forbidden when it is not the provider's; then Unavailable, so that it is sent again."""
        provider = self._provider()
        notice = provider.notice(headers, body)
        order = await self.orders.by_reference(provider.name, notice.reference)
        if order is not None:
            await self.settle(order, {})

    async def refund(self, order: Order, amount_minor: int, reason: str, by: str) -> str:
        """Its id. Raises BadRequest for more than was paid and not given back, Unavailable; then it is done later (`recover`)."""
        refund = secrets.token_hex(12)
        async with self.orders.pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT id FROM store_order WHERE id = $1 FOR UPDATE", order.id)
            asked = await connection.fetchval(
                'SELECT coalesce(sum(amount_minor), 0)::bigint FROM store_refund WHERE "order" = $1', order.id
            )
            if order.state != "paid" or not 0 < amount_minor <= order.gross_minor - asked:
                raise BadRequest("there is not so much to give back", reason="refund_much")
            await connection.execute(
                'INSERT INTO store_refund (id, "order", amount_minor, reason, asked_by, asked_at) VALUES ($1, $2, $3, $4, $5, $6)',
                refund, order.id, amount_minor, reason, by, self.orders.clock.now(),
            )  # fmt: skip
        await self._refund(order, refund, amount_minor)
        return refund

    async def _refund(self, order: Order, refund: str, amount_minor: int) -> None:
        await self._provider().refund(order.reference, amount_minor, order.currency, refund)
        async with self.orders.pool.acquire() as connection, connection.transaction():
            await book_refund(connection, self.orders, order, refund, amount_minor)

    async def recover(self) -> None:
        """Takes up what was cut off: payments that may be captured, refunds that may be done."""
        if self.provider is None:
            return
        for order in await self.orders.unsettled(self.orders.clock.now() - SETTLE_AFTER):
            await _quietly(self._settle_or_give_up(order), order.id)
        rows = await self.orders.pool.fetch('SELECT id, "order", amount_minor FROM store_refund WHERE done_at IS NULL')
        for row in rows:
            await _quietly(self._refund(await self.orders.get(row["order"]), row["id"], row["amount_minor"]), row["id"])

    async def _settle_or_give_up(self, order: Order) -> None:
        """What is not captured after a day never is: an approval that comes later is left to lapse."""
        found = await self.settle(order, {})
        if found.state == "paying" and found.made_at < self.orders.clock.now() - GIVE_UP_AFTER:
            await self.orders.failed(order.id)

    def _wanted(self, order: Order) -> Wanted:
        again = order.kind in ("subscription", "usage")
        address = f"{self._address}/store/orders/{order.id}/paid"
        title = order.title.get("en", order.app)
        return Wanted(order.id, order.gross_minor, order.currency, title, address, again)

    def _provider(self) -> Provider:
        if self.provider is None:
            raise Unavailable("this city takes no payments yet", reason="payments_none")
        return self.provider


async def _nothing(connection: Any, order: Order) -> None:
    return None


async def _quietly(act: Awaitable[object], about: str) -> None:
    try:
        await act
    except (MadangError, asyncpg.PostgresError, OSError) as error:
        log.warning("a payment waits to be settled", about=about, error=repr(error))
