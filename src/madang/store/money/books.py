"""What a payment and a refund mean in the books: one database transaction each, which the same key makes once."""

from __future__ import annotations

from typing import Any

from madang.store.money.invoices import issue
from madang.store.money.ledger import post, posted
from madang.store.money.orders import Order, Orders
from madang.store.money.shares import WHOLE_BP, Terms, reversed_part, shared, split
from madang.store.money.terms import earn, terms_of

CHARGE_FEE_BP = 1_000
"""Of what somebody earns inside an app, shared between its publisher and the store as its sales are."""


def parts_of(order: Order, earned: int, terms: Terms) -> dict[str, int]:
    """What each account gets of a paid order, tax included; the parts sum to the gross. Pure."""
    net = order.net_minor
    if order.payee:
        cut = split(net, {"fee": CHARGE_FEE_BP, "payee": WHOLE_BP - CHARGE_FEE_BP})["fee"]
        parts = shared(cut, earned, order.publisher, terms)
        parts[order.payee] = parts.get(order.payee, 0) + net - cut
    else:
        parts = shared(net, earned, order.publisher, terms)
    return parts | ({f"tax:{order.country}": order.tax_minor} if order.tax_minor else {})


async def book_payment(connection: Any, orders: Orders, order: Order, mandate: str) -> bool:
    """Whether this call did it. The order is paid, invoiced and shared out, or none of that. In the caller's transaction."""
    if not await orders.paid(connection, order.id, mandate):
        return False
    now = orders.clock.now()
    earned = await earn(connection, order.publisher, order.currency, order.net_minor)
    parts = parts_of(order, earned, await terms_of(connection, order.publisher, now))
    entries = {f"provider:{order.provider}": order.gross_minor} | {name: -part for name, part in parts.items()}
    await post(connection, f"payment:{order.id}", "payment", order.id, now, order.currency, entries)
    await issue(connection, order.id, None, order.gross_minor, order.tax_minor, now)
    return True


async def book_refund(connection: Any, orders: Orders, order: Order, refund: str, amount_minor: int) -> bool:
    """Whether this call did it: everybody gives back their part of it. In the caller's transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"refund:{order.id}")
    now = orders.clock.now()
    done = await connection.execute(
        "UPDATE store_refund SET done_at = $2 WHERE id = $1 AND done_at IS NULL", refund, now
    )
    if done == "UPDATE 0":
        return False
    before = await connection.fetchval(
        'SELECT coalesce(sum(amount_minor), 0)::bigint FROM store_refund WHERE "order" = $1 AND done_at IS NOT NULL AND id <> $2',
        order.id, refund,
    )  # fmt: skip
    given = {name: -part for name, part in (await posted(connection, f"payment:{order.id}")).items() if part < 0}
    back = reversed_part(given, int(before), amount_minor)
    entries = {f"provider:{order.provider}": -amount_minor} | back
    await post(connection, f"refund:{refund}", "refund", order.id, now, order.currency, entries)
    await issue(connection, order.id, refund, -amount_minor, -back.get(f"tax:{order.country}", 0), now)
    return True
