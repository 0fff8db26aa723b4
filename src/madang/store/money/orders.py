"""Orders: what somebody is to pay for, and how far that is."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import BadRequest, NotFound
from madang.base.limits import STORE_LISTED_MAX
from madang.store.money.tax import rate_bp, tax_in

_COLUMNS = (
    "id, kind, customer, placed_by, app, version, publisher, payee, title, currency, gross_minor, tax_minor, tax_rate_bp, country,"
    " state, provider, reference, address, mandate, subscription, period, made_at, paid_at"
)


@dataclass(frozen=True)
class Order:
    """`kind`: purchase, subscription, usage or charge (by an app for what somebody does for a customer in it; `payee` is their
    account). `gross_minor` includes `tax_minor`. `state`: open, paying, paid, failed."""

    id: str
    kind: str
    customer: str
    placed_by: str
    app: str
    version: str
    publisher: str
    payee: str
    title: dict[str, str]
    currency: str
    gross_minor: int
    tax_minor: int
    tax_rate_bp: int
    country: str
    state: str
    provider: str
    reference: str
    address: str
    mandate: str
    subscription: str | None
    period: str
    made_at: datetime
    paid_at: datetime | None

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.tax_minor


@dataclass(frozen=True)
class Asked:
    """What an order is made of; tax is taken out of `gross_minor` by the country's rate of the day."""

    kind: str
    customer: str
    placed_by: str
    app: str
    version: str
    publisher: str
    title: dict[str, str]
    currency: str
    gross_minor: int
    payee: str = ""
    subscription: str | None = None
    period: str = ""


class Orders:
    """Rows of `store_order`. `country` and `timezone` are the city's: where its customers are taxed, and when a day begins."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, country: str, timezone: str) -> None:
        self.pool, self.clock, self.country, self._zone = pool, clock, country, ZoneInfo(timezone)

    async def add(self, asked: Asked) -> Order:
        """Raises BadRequest for a country without a known tax. The same period of a subscription is ordered once."""
        if asked.gross_minor <= 0:
            raise BadRequest("an order costs something", reason="amount_form")
        now = self.clock.now()
        rate = rate_bp(self.country, now.astimezone(self._zone).date())
        identifier = secrets.token_hex(12)
        added = await self.pool.execute(
            "INSERT INTO store_order (id, kind, customer, placed_by, app, version, publisher, payee, title, currency, gross_minor,"
            " tax_minor, tax_rate_bp, country, state, subscription, period, made_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'open', $15, $16, $17) ON CONFLICT DO NOTHING",
            identifier, asked.kind, asked.customer, asked.placed_by, asked.app, asked.version, asked.publisher, asked.payee,
            asked.title, asked.currency, asked.gross_minor, tax_in(asked.gross_minor, rate), rate, self.country,
            asked.subscription, asked.period, now,
        )  # fmt: skip
        if added == "INSERT 0 0":
            return (await self._list("subscription = $1 AND period = $2", asked.subscription, asked.period))[0]
        return await self.get(identifier)

    async def get(self, identifier: str) -> Order:
        """Raises NotFound."""
        found = await self._list("id = $1", identifier)
        if not found:
            raise NotFound("no such order")
        return found[0]

    async def by_reference(self, provider: str, reference: str) -> Order | None:
        """The one that a provider speaks of."""
        found = await self._list("provider = $1 AND reference = $2", provider, reference)
        return found[0] if found else None

    async def of_customers(self, customers: Sequence[str]) -> list[Order]:
        """The latest first."""
        return await self._list("customer = ANY($1)", list(customers))

    async def of_app(self, app: str) -> list[Order]:
        """The latest first."""
        return await self._list("app = $1", app)

    async def latest(self) -> list[Order]:
        """Of everybody."""
        return await self._list("true")

    async def unsettled(self, before: datetime) -> list[Order]:
        """Those of which a provider knows more than we do, perhaps; the latest first, but those that wait for long are given up."""
        return await self._list("state = 'paying' AND made_at < $1", before)

    async def take_up(self, identifier: str, customer: str, placed_by: str) -> Order:
        """An app's charge becomes somebody's: who opens it and pays."""
        await self.pool.execute(
            "UPDATE store_order SET customer = $2, placed_by = $3 WHERE id = $1 AND kind = 'charge' AND customer = '' AND state = 'open'",
            identifier, customer, placed_by,
        )  # fmt: skip
        return await self.get(identifier)

    async def paying(self, identifier: str, provider: str, reference: str, address: str) -> None:
        """The customer is on the way to the provider."""
        await self.pool.execute(
            "UPDATE store_order SET state = 'paying', provider = $2, reference = $3, address = $4"
            " WHERE id = $1 AND state IN ('open', 'paying', 'failed')",
            identifier, provider, reference, address,
        )  # fmt: skip

    async def failed(self, identifier: str) -> None:
        """Nothing was paid; it can be tried again."""
        await self.pool.execute(
            "UPDATE store_order SET state = 'failed' WHERE id = $1 AND state = 'paying'", identifier
        )

    async def paid(self, connection: Any, identifier: str, mandate: str) -> bool:
        """Whether this call made it so: once."""
        done = await connection.execute(
            "UPDATE store_order SET state = 'paid', paid_at = $2, mandate = $3 WHERE id = $1 AND state IN ('paying', 'failed')",
            identifier, self.clock.now(), mandate,
        )  # fmt: skip
        return bool(done == "UPDATE 1")

    async def _list(self, which: str, *values: Any) -> list[Order]:
        rows = await self.pool.fetch(
            f"SELECT {_COLUMNS} FROM store_order WHERE {which} ORDER BY made_at DESC, id LIMIT {STORE_LISTED_MAX}",
            *values,
        )
        return [Order(**dict(row)) for row in rows]
