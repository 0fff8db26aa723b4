"""Amounts, taxes and shares: laws that hold for every amount, and the examples of an accountant."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import BadRequest
from madang.store.money.amounts import DIGITS, decimal, shown, times, to_minor
from madang.store.money.shares import WHOLE_BP, Terms, checked_terms, publishers_part, reversed_part, shared, split
from madang.store.money.tax import rate_bp, tax_in

AMOUNTS = st.integers(0, 10**12)
WEIGHTS = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 10**6), min_size=1, max_size=8).filter(
    lambda weights: sum(weights.values()) > 0
)


@given(st.integers(0, 10**12), st.sampled_from(sorted(DIGITS)))
def test_an_amount_is_read_as_it_is_written(minor: int, currency: str) -> None:
    assert to_minor(decimal(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("1.5", "KRW"), ("0.001", "EUR"), ("-1", "EUR"), ("1", "XYZ"), ("NaN", "EUR"), ("1e13", "KRW"), ("x", "KRW")],
)
def test_what_is_no_amount_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(BadRequest):
        to_minor(amount, currency)


def test_amounts_as_people_read_them() -> None:
    assert (shown(1_234_567, "KRW"), shown(1_234_567, "EUR")) == ("1,234,567 KRW", "12,345.67 EUR")


def test_use_is_counted_exactly_and_rounded_once() -> None:
    assert (times("0.003", 1_000, "KRW"), times("0.0005", 1_001, "KRW"), times("0.0125", 3, "EUR")) == (3, 1, 4)


@given(AMOUNTS, WEIGHTS)
def test_parts_sum_to_the_whole_and_each_is_within_a_unit_of_its_due(amount: int, weights: dict[str, int]) -> None:
    parts, total = split(amount, weights), sum(weights.values())
    assert sum(parts.values()) == amount
    assert all(abs(parts[name] - Fraction(amount * weights[name], total)) < 1 for name in weights)


@given(AMOUNTS, WEIGHTS)
def test_who_has_a_larger_share_never_gets_less(amount: int, weights: dict[str, int]) -> None:
    parts = split(amount, weights)
    ordered = sorted(weights, key=lambda name: (weights[name], parts[name]))
    assert [parts[name] for name in ordered] == sorted(parts.values())


@given(AMOUNTS, st.integers(0, 10**12))
def test_seventy_of_a_hundred_are_the_publishers(net: int, earned: int) -> None:
    parts = shared(net, earned, "org.example", Terms())
    assert sum(parts.values()) == net
    assert abs(parts.get("publisher:org.example", 0) - Fraction(net * 7, 10)) < 1


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_tiers_do_not_care_how_sales_are_cut(first: int, second: int, earned: int) -> None:
    """But for rounding: two sales give what one of both together gives, within a unit each."""
    tiers = ((0, 8_500), (10**6, 7_000), (10**8, 7_500))
    one = publishers_part(first + second, earned, tiers)
    two = publishers_part(first, earned, tiers) + publishers_part(second, earned + first, tiers)
    assert abs(one - two) <= 2


def test_a_sale_across_two_tiers_is_shared_by_both() -> None:
    assert publishers_part(1_000, 500, ((0, 8_500), (1_000, 7_000))) == 425 + 350


def test_several_stakeholders_share_the_publishers_part() -> None:
    terms = checked_terms([(0, 7_000)], {"publisher:net.artist": 2_000, "publisher:kr.city": 1_000})
    assert shared(9_091, 0, "org.example", terms) == {
        "publisher:org.example": 4_455, "publisher:net.artist": 1_273, "publisher:kr.city": 636, "platform": 2_727
    }  # fmt: skip


@pytest.mark.parametrize(
    ("tiers", "others"),
    [
        ([], {}),
        ([(1, 7_000)], {}),
        ([(0, 10_001)], {}),
        ([(0, 1), (0, 2)], {}),
        ([(0, 1)], {"publisher:a": 10_001}),
        ([(0, 1)], {"bank": 1}),
    ],
)
def test_terms_that_cannot_be_are_refused(tiers: list[tuple[int, int]], others: dict[str, int]) -> None:
    with pytest.raises(BadRequest):
        checked_terms(tiers, others)


@given(WEIGHTS, st.data())
def test_whatever_way_it_is_refunded_nothing_is_left(entries: dict[str, int], data: st.DataObject) -> None:
    left, before, back = sum(entries.values()), 0, dict.fromkeys(entries, 0)
    while left:
        now = data.draw(st.integers(max(1, left // 5), left))
        part = reversed_part(entries, before, now)
        assert sum(part.values()) == now
        back = {name: amount + part.get(name, 0) for name, amount in back.items()}
        before, left = before + now, left - now
    assert back == entries


@given(AMOUNTS, st.integers(0, WHOLE_BP))
def test_tax_and_net_are_the_price_and_the_tax_is_its_rate_of_the_net(gross: int, rate: int) -> None:
    tax = tax_in(gross, rate)
    assert 0 <= tax <= gross
    assert abs(tax - Fraction(gross * rate, WHOLE_BP + rate)) <= Fraction(1, 2)


def test_taxes_of_countries_by_their_day() -> None:
    assert [rate_bp("KR", date(2026, 11, 22)), rate_bp("FI", date(2024, 8, 31)), rate_bp("FI", date(2024, 9, 1))] == [
        1_000,
        2_400,
        2_550,
    ]
    assert (tax_in(9_900, 1_000), tax_in(10_000, 1_000), tax_in(1_255, 2_550)) == (900, 909, 255)


@pytest.mark.parametrize(("country", "day"), [("XX", date(2026, 1, 1)), ("KR", date(1970, 1, 1))])
def test_where_no_tax_is_known_nothing_is_sold(country: str, day: date) -> None:
    with pytest.raises(BadRequest):
        rate_bp(country, day)
