"""Amounts: whole numbers of a currency's smallest unit (ISO 4217). Pure."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from madang.base.errors import BadRequest

DIGITS = {"KRW": 0, "JPY": 0, "EUR": 2, "USD": 2, "GBP": 2}
"""Currencies the store deals in, with the digits after their point."""
AMOUNT_MAX_MINOR = 10**12


def to_minor(amount: str, currency: str) -> int:
    """Of a decimal number as text. Raises BadRequest for an unknown currency, a fraction of its smallest unit, or too much."""
    digits = DIGITS.get(currency)
    if digits is None:
        raise BadRequest(f"the store does not deal in {currency[:10]}", reason="currency_unknown")
    try:
        minor = Decimal(amount).scaleb(digits)
    except InvalidOperation:
        raise BadRequest(f"{amount[:40]!r} is no amount", reason="amount_form") from None
    if not minor.is_finite() or minor != minor.to_integral_value() or not 0 <= minor <= AMOUNT_MAX_MINOR:
        raise BadRequest(f"{amount[:40]!r} is no amount in {currency}", reason="amount_form")
    return int(minor)


def decimal(minor: int, currency: str) -> str:
    """The number as ISO 20022 and invoices write it: `12.50`."""
    return str(Decimal(minor).scaleb(-DIGITS[currency]))


def shown(minor: int, currency: str) -> str:
    """As people read it: `9,900 KRW`."""
    return f"{Decimal(minor).scaleb(-DIGITS[currency]):,} {currency}"


def times(price: str, quantity: int, currency: str) -> int:
    """So many units at a unit price that may be a fraction of the smallest unit; half a unit and more is one. Raises BadRequest."""
    if currency not in DIGITS:
        raise BadRequest(f"the store does not deal in {currency[:10]}", reason="currency_unknown")
    exact = Decimal(price).scaleb(DIGITS[currency]) * quantity
    minor = int(exact + Decimal("0.5"))
    if minor > AMOUNT_MAX_MINOR:
        raise BadRequest("that is more than the store deals in", reason="amount_form")
    return minor
