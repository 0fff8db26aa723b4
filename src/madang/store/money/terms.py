"""The terms of publishers, and what they have earned so far."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from madang.store.money.ledger import balance
from madang.store.money.shares import Terms, Tiers, checked_terms

_EARN = """INSERT INTO store_earned VALUES ($1, $2, $3) ON CONFLICT (publisher, currency)
  DO UPDATE SET earned_minor = store_earned.earned_minor + $3 RETURNING earned_minor - $3"""


async def terms_of(connection: Any, publisher: str, at: datetime) -> Terms:
    """Those that hold then; the store's own (70/30) for who has no others."""
    row = await connection.fetchrow(
        "SELECT tiers, stakeholders FROM store_terms WHERE publisher = $1 AND begins_at <= $2 ORDER BY begins_at DESC LIMIT 1",
        publisher, at,
    )  # fmt: skip
    return Terms() if row is None else Terms(tuple((at, share) for at, share in row["tiers"]), row["stakeholders"])


async def set_terms(
    connection: Any, publisher: str, begins_at: datetime, tiers: Tiers, stakeholders: Mapping[str, int], by: str
) -> None:
    """From then on. Raises BadRequest."""
    terms = checked_terms(tiers, stakeholders)
    await connection.execute(
        "INSERT INTO store_terms VALUES ($1, $2, $3, $4, $5) ON CONFLICT (publisher, begins_at) DO UPDATE"
        " SET tiers = $3, stakeholders = $4, set_by = $5",
        publisher, begins_at, [list(tier) for tier in terms.tiers], dict(terms.stakeholders), by,
    )  # fmt: skip


async def earn(connection: Any, publisher: str, currency: str, net_minor: int) -> int:
    """What was earned before this. One publisher's orders stand in line here until the caller's transaction ends: which tier an order
    falls into depends on those before it."""
    return int(await connection.fetchval(_EARN, publisher, currency, net_minor))


async def owed(connection: Any, account: str, currency: str) -> int:
    """What the store owes them; negative when refunds came after a payout."""
    return -await balance(connection, account, currency)
