"""The double-entry ledger. Debits are positive, credits negative; the database refuses what does not balance
(migrations/0020_money.sql), and posts the same key once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

_POST = """WITH posted AS (
    INSERT INTO ledger_transaction (key, kind, about, at) VALUES ($1, $2, $3, $4) ON CONFLICT (key) DO NOTHING RETURNING id)
  INSERT INTO ledger_entry (transaction, line, account, currency, amount_minor)
    SELECT posted.id, line, account, $5, amount FROM posted, unnest($6::text[], $7::bigint[]) WITH ORDINALITY AS e(account, amount, line)"""
_UNBALANCED = (
    "SELECT transaction FROM ledger_entry GROUP BY transaction, currency HAVING sum(amount_minor) <> 0 LIMIT 10"
)


@dataclass(frozen=True)
class Line:
    """One entry, as a statement shows it. `about`: the order or settlement."""

    at: datetime
    kind: str
    about: str
    currency: str
    amount_minor: int


async def post(
    connection: Any, key: str, kind: str, about: str, at: datetime, currency: str, entries: Mapping[str, int]
) -> bool:
    """Whether it was posted; not when the key was before. `entries`: amount by account, summing to 0. In the caller's transaction,
    or one of its own; what does not balance is refused by the database at its end."""
    listed = {account: amount for account, amount in entries.items() if amount}
    if not listed:
        return False
    done = await connection.execute(_POST, key, kind, about, at, currency, list(listed), list(listed.values()))
    return bool(done != "INSERT 0 0")


async def balance(connection: Any, account: str, currency: str) -> int:
    """Debits less credits."""
    query = "SELECT coalesce(sum(amount_minor), 0) FROM ledger_entry WHERE account = $1 AND currency = $2"
    return int(await connection.fetchval(query, account, currency))


async def balances(connection: Any, prefix: str, currency: str) -> dict[str, int]:
    """Of all accounts whose names begin so, but those with nothing."""
    rows = await connection.fetch(
        "SELECT account, sum(amount_minor)::bigint AS held FROM ledger_entry WHERE starts_with(account, $1) AND currency = $2"
        " GROUP BY account HAVING sum(amount_minor) <> 0 ORDER BY account",
        prefix, currency,
    )  # fmt: skip
    return {row["account"]: row["held"] for row in rows}


async def lines(pool: asyncpg.Pool, account: str, since: datetime, until: datetime, most: int) -> list[Line]:
    """Of one account, the oldest first."""
    rows = await pool.fetch(
        "SELECT t.at, t.kind, t.about, e.currency, e.amount_minor FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction"
        " WHERE e.account = $1 AND t.at >= $2 AND t.at < $3 ORDER BY t.at, t.id, e.line LIMIT $4",
        account, since, until, most,
    )  # fmt: skip
    return [Line(**dict(row)) for row in rows]


async def posted(connection: Any, key: str) -> dict[str, int]:
    """The entries of one transaction by account; empty when there is none."""
    rows = await connection.fetch(
        "SELECT account, amount_minor FROM ledger_entry JOIN ledger_transaction t ON t.id = transaction WHERE key = $1",
        key,
    )
    return {row["account"]: row["amount_minor"] for row in rows}


async def unbalanced(pool: asyncpg.Pool) -> list[int]:
    """Transactions that do not sum to nothing: none, unless somebody went around the triggers."""
    return [row["transaction"] for row in await pool.fetch(_UNBALANCED)]
