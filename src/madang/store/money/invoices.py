"""Invoices and credit notes, numbered without a gap in each year."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from madang.base.errors import NotFound

_NEXT = "SELECT coalesce(max(number), 0) + 1 FROM store_invoice WHERE year = $1"
_LOCK = 0x4D41_494E
_NAME = re.compile(r"([0-9]{4})-([0-9]{6,9})", re.ASCII)


@dataclass(frozen=True)
class Invoice:
    """`refund`: of a credit note, whose amounts are negative."""

    year: int
    number: int
    order: str
    refund: str | None
    issued_at: datetime
    gross_minor: int
    tax_minor: int

    @property
    def name(self) -> str:
        """As it is quoted: `2026-000042`."""
        return f"{self.year}-{self.number:06}"


async def issue(
    connection: Any, order: str, refund: str | None, gross_minor: int, tax_minor: int, at: datetime
) -> None:
    """Once for each order and each refund; in the transaction that books it, so that a number is used or there is none."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    number = await connection.fetchval(_NEXT, at.year)
    await connection.execute(
        'INSERT INTO store_invoice (year, number, "order", refund, issued_at, gross_minor, tax_minor)'
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        at.year, number, order, refund, at, gross_minor, tax_minor,
    )  # fmt: skip


async def invoices_of(connection: Any, orders: list[str]) -> list[Invoice]:
    """The latest first."""
    rows = await connection.fetch(
        'SELECT * FROM store_invoice WHERE "order" = ANY($1) ORDER BY year DESC, number DESC', orders
    )
    return [Invoice(**dict(row)) for row in rows]


async def invoice_named(connection: Any, name: str) -> Invoice:
    """The one that is quoted so. Raises NotFound."""
    found = _NAME.fullmatch(name)
    values = (int(found[1]), int(found[2])) if found else (0, 0)
    row = await connection.fetchrow("SELECT * FROM store_invoice WHERE year = $1 AND number = $2", *values)
    if row is None:
        raise NotFound("no such invoice")
    return Invoice(**dict(row))
