"""Paying out: what publishers are owed becomes a file for the bank and entries of the ledger, both in one transaction."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import BadRequest, Conflict, NotFound
from madang.store.accounts import checked_account
from madang.store.money.amounts import DIGITS
from madang.store.money.ledger import balances, post
from madang.store.money.pain import Transfer, payment_file

LEAST_MINOR = {"KRW": 10_000, "JPY": 1_000, "EUR": 1_000, "USD": 1_000, "GBP": 1_000}
"""What is not worth a transfer waits for the next."""
IN_TRANSIT, BANK = "transit", "bank"
_LOCK = 0x4D41_5345


@dataclass(frozen=True)
class Settlement:
    """`file`: pain.001.001.09. `booked_at`: when the bank had carried it out."""

    id: str
    month: str
    currency: str
    made_by: str
    made_at: datetime
    file: str
    booked_at: datetime | None


class Settlements:
    """`payer`: the store's own account, as `accounts.py` has it; `{}` in a city that has told none."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, payer: dict[str, str]) -> None:
        self._pool, self._clock, self._payer = pool, clock, checked_account(payer)

    async def make(self, by: str, month: str, currency: str) -> Settlement:
        """Everything that is owed by now to publishers with an account, but what is too little. Raises BadRequest when that is nothing
        or the store has no account."""
        if not self._payer:
            raise BadRequest("the city has told no account to pay from", reason="settlement_payer")
        if currency not in DIGITS:
            raise BadRequest(f"the store does not deal in {currency[:10]}", reason="currency_unknown")
        identifier, now = secrets.token_hex(8), self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            transfers = await self._transfers(connection, identifier, currency)
            if not transfers:
                raise BadRequest("nobody is owed enough", reason="settlement_nothing")
            listed = list(transfers.values())
            file = payment_file(identifier, now, (now + timedelta(days=1)).date(), self._payer, currency, listed)
            await connection.execute(
                "INSERT INTO store_settlement (id, month, currency, made_by, made_at, file) VALUES ($1, $2, $3, $4, $5, $6)",
                identifier, month, currency, by, now, file,
            )  # fmt: skip
            await connection.executemany(
                "INSERT INTO store_payout VALUES ($1, $2, $3)",
                [(identifier, account, one.amount_minor) for account, one in transfers.items()],
            )
            entries = {account: one.amount_minor for account, one in transfers.items()}
            total = {IN_TRANSIT: -sum(entries.values())}
            await post(connection, f"payout:{identifier}", "payout", identifier, now, currency, entries | total)
        return await self.get(identifier)

    async def _transfers(self, connection: Any, identifier: str, currency: str) -> dict[str, Transfer]:
        held = await balances(connection, "publisher:", currency)
        rows = await connection.fetch("SELECT id, account FROM store_publisher")
        accounts = {f"publisher:{row['id']}": row["account"] for row in rows if row["account"]}
        due = {
            account: -amount
            for account, amount in held.items()
            if account in accounts and -amount >= LEAST_MINOR[currency]
        }
        return {
            account: Transfer(f"{identifier}-{index}", accounts[account], amount)
            for index, (account, amount) in enumerate(sorted(due.items()), 1)
        }

    async def book(self, identifier: str) -> None:
        """The bank has carried it out. Raises NotFound, Conflict when that was said before."""
        found, now = await self.get(identifier), self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            done = await connection.execute(
                "UPDATE store_settlement SET booked_at = $2 WHERE id = $1 AND booked_at IS NULL", identifier, now
            )
            if done == "UPDATE 0":
                raise Conflict("this was booked before", reason="settlement_booked")
            paid = await connection.fetchval(
                "SELECT sum(amount_minor)::bigint FROM store_payout WHERE settlement = $1", identifier
            )
            entries = {IN_TRANSIT: paid, BANK: -paid}
            await post(connection, f"booked:{identifier}", "booked", identifier, now, found.currency, entries)

    async def received(
        self, connection: Any, provider: str, reference: str, currency: str, minor: int, fee: int
    ) -> bool:
        """A provider paid what it had captured into our account, less its fee. Whether this was told the first time."""
        entries = {BANK: minor, f"fee:{provider}": fee, f"provider:{provider}": -(minor + fee)}
        key = f"received:{provider}:{reference}"
        return await post(connection, key, "received", reference, self._clock.now(), currency, entries)

    async def get(self, identifier: str) -> Settlement:
        """Raises NotFound."""
        row = await self._pool.fetchrow("SELECT * FROM store_settlement WHERE id = $1", identifier)
        if row is None:
            raise NotFound("no such settlement")
        return Settlement(**dict(row))

    async def every(self, most: int) -> list[Settlement]:
        """The latest first."""
        rows = await self._pool.fetch("SELECT * FROM store_settlement ORDER BY made_at DESC LIMIT $1", most)
        return [Settlement(**dict(row)) for row in rows]

    async def payouts_of(self, account: str, most: int) -> list[tuple[Settlement, int]]:
        """Of one account, the latest first."""
        rows = await self._pool.fetch(
            "SELECT s.*, p.amount_minor AS paid FROM store_payout p JOIN store_settlement s ON s.id = p.settlement"
            " WHERE p.account = $1 ORDER BY s.made_at DESC LIMIT $2",
            account, most,
        )  # fmt: skip
        return [(Settlement(**{name: row[name] for name in row.keys() if name != "paid"}), row["paid"]) for row in rows]  # noqa: SIM118
