"""Monthly statements: what an account had, what came and went, and what is left."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import asyncpg

from madang.base.errors import BadRequest
from madang.base.limits import STORE_STATEMENT_MAX_LINES
from madang.store.money.ledger import Line, lines

_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True)
class Statement:
    """Of one currency. Amounts are what is owed to the account: what it earned is positive. `closing` is `opening` and the lines."""

    account: str
    month: str
    currency: str
    opening_minor: int
    lines: tuple[Line, ...]
    closing_minor: int


def month_of(text: str, timezone: str) -> tuple[datetime, datetime]:
    """The first moments of a month such as `2026-11` and of the next, in the city's time. Raises BadRequest."""
    if not _MONTH.fullmatch(text):
        raise BadRequest("a month is written 2026-11", reason="month_form")
    year, _, month = text.partition("-")
    zone = ZoneInfo(timezone)
    following = (int(year) + int(month) // 12, int(month) % 12 + 1)
    return datetime(int(year), int(month), 1, tzinfo=zone), datetime(*following, 1, tzinfo=zone)


async def statement_of(pool: asyncpg.Pool, account: str, month: str, timezone: str) -> list[Statement]:
    """One for each currency that the account has had. Raises BadRequest."""
    since, until = month_of(month, timezone)
    before = await pool.fetch(
        "SELECT e.currency, sum(e.amount_minor) FILTER (WHERE t.at < $2)::bigint AS held FROM ledger_entry e"
        " JOIN ledger_transaction t ON t.id = e.transaction WHERE e.account = $1 AND t.at < $3 GROUP BY 1 ORDER BY 1",
        account, since, until,
    )  # fmt: skip
    found = await lines(pool, account, since, until, STORE_STATEMENT_MAX_LINES)
    out = []
    for row in before:
        own = tuple(_owed(one) for one in found if one.currency == row["currency"])
        opening = -(row["held"] or 0)
        closing = opening + sum(one.amount_minor for one in own)
        out.append(Statement(account, month, row["currency"], opening, own, closing))
    return out


def _owed(line: Line) -> Line:
    return Line(line.at, line.kind, line.about, line.currency, -line.amount_minor)
