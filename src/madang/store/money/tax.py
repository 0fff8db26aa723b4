"""Value added tax: the rate of a country on a day, and what of a price that includes it is tax. Pure."""

from __future__ import annotations

from datetime import date

from madang.base.errors import BadRequest

RATES_BP: dict[str, tuple[tuple[date, int], ...]] = {
    "KR": ((date(1977, 7, 1), 1_000),),
    "JP": ((date(2014, 4, 1), 800), (date(2019, 10, 1), 1_000)),
    "FI": ((date(2013, 1, 1), 2_400), (date(2024, 9, 1), 2_550)),
    "DE": ((date(2007, 1, 1), 1_900), (date(2020, 7, 1), 1_600), (date(2021, 1, 1), 1_900)),
    "FR": ((date(2014, 1, 1), 2_000),),
    "GB": ((date(2011, 1, 4), 2_000),),
}
"""Standard rates in basis points, by the first day they hold. A country that is not here is not sold to."""


def rate_bp(country: str, day: date) -> int:
    """Raises BadRequest when the store knows none."""
    held = [rate for begins, rate in RATES_BP.get(country, ()) if begins <= day]
    if not held:
        raise BadRequest(f"the store knows no tax of {country[:10]} on {day}", reason="country_unknown")
    return held[-1]


def tax_in(gross_minor: int, rate: int) -> int:
    """The tax in a price that includes it; half a unit and more is one."""
    whole = 10_000 + rate
    return (2 * gross_minor * rate + whole) // (2 * whole)
