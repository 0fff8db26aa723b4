"""What follows from a payment: shares, invoices, statements, subscriptions, and a file that the bank takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
import sepaxml
import xmlschema

from madang.base.clock import ManualClock
from madang.base.errors import BadRequest, Conflict, Forbidden, Unavailable
from madang.runtime.manifest import Price
from madang.runtime.soundness import DAYS
from madang.store import usage
from madang.store.accounts import checked_account
from madang.store.money import ledger
from madang.store.money.billing import Billing, Offer, next_due
from madang.store.money.checkout import Checkout
from madang.store.money.invoices import invoices_of
from madang.store.money.ledger import Line
from madang.store.money.pain import Transfer, payment_file
from madang.store.money.settlement import Settlements
from madang.store.money.statements import Statement, month_of, statement_of
from madang.store.money.terms import set_terms
from tests.store.dealing import TITLE, selling, shop
from tests.store.making import PUBLISHER, START

engine = pytest.mark.engine
PAYER = {"name": "Yard City", "account": "999-000-111222", "bank": "HNBNKRSE"}
OWN = f"publisher:{PUBLISHER}"
SCHEMA = Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd"


@engine
async def test_a_sale_is_shared_taxed_and_invoiced(pool: asyncpg.Pool) -> None:
    await selling(pool)
    dealing = shop(pool)
    order = await dealing.bought(9_900)
    assert (order.state, order.tax_minor, order.net_minor) == ("paid", 900, 9_000)
    assert await ledger.posted(pool, f"payment:{order.id}") == {
        "provider:till": 9_900, "tax:KR": -900, OWN: -6_300, "platform": -2_700
    }  # fmt: skip
    (invoice,) = await invoices_of(pool, [order.id])
    assert (invoice.name, invoice.gross_minor, invoice.tax_minor) == ("2026-000001", 9_900, 900)


@engine
async def test_what_somebody_earns_inside_an_app_is_theirs_but_for_a_fee(pool: asyncpg.Pool) -> None:
    await selling(pool, PUBLISHER, "net.taxi")
    order = await shop(pool).bought(11_000, kind="charge", payee="publisher:net.taxi")
    assert await ledger.posted(pool, f"payment:{order.id}") == {
        "provider:till": 11_000, "tax:KR": -1_000, "publisher:net.taxi": -9_000, OWN: -700, "platform": -300
    }  # fmt: skip


@engine
async def test_terms_hold_from_their_day_on(pool: asyncpg.Pool) -> None:
    await selling(pool, PUBLISHER, "net.artist")
    dealing, clock = shop(pool), ManualClock(START)
    await set_terms(pool, PUBLISHER, START + timedelta(days=1), ((0, 8_000),), {"publisher:net.artist": 5_000}, "clerk")
    before = await dealing.bought(1_100)
    dealing.clock.set(clock.now() + timedelta(days=2))  # type: ignore[attr-defined]
    after = await dealing.bought(1_100)
    entries = [await ledger.posted(pool, f"payment:{one.id}") for one in (before, after)]
    assert [one[OWN] for one in entries] == [-700, -400]
    assert entries[1]["publisher:net.artist"] == -400


@engine
async def test_a_refund_is_taken_from_everybody_and_has_its_credit_note(pool: asyncpg.Pool) -> None:
    await selling(pool)
    dealing = shop(pool)
    order = await dealing.bought(9_900)
    await dealing.checkout.refund(order, 4_950, "it does not work here", "person:kim")
    await dealing.checkout.refund(order, 4_950, "not at all", "person:kim")
    with pytest.raises(BadRequest):
        await dealing.checkout.refund(order, 1, "and more", "person:kim")
    assert [await ledger.balance(pool, name, "KRW") for name in (OWN, "platform", "tax:KR", "provider:till")] == [
        0,
        0,
        0,
        0,
    ]
    notes = await invoices_of(pool, [order.id])
    assert [(one.number, one.gross_minor, one.tax_minor) for one in notes] == [
        (3, -4_950, -450),
        (2, -4_950, -450),
        (1, 9_900, 900),
    ]


@engine
async def test_another_amount_than_was_ordered_is_not_taken_for_paid(pool: asyncpg.Pool) -> None:
    await selling(pool)
    dealing = shop(pool)
    order = await dealing.order()
    await dealing.checkout.begin(order)
    order = await dealing.checkout.orders.get(order.id)
    dealing.till.approved.add(order.reference)
    cheap = replace(order, gross_minor=1)
    with pytest.raises(Conflict, match="another amount"):
        await dealing.checkout._book(
            order, await dealing.till.settle(order.reference, dealing.checkout._wanted(cheap), {})
        )
    assert ((await dealing.checkout.orders.get(order.id)).state, dealing.paid) == ("paying", [])


@engine
async def test_a_webhook_settles_once_and_only_the_providers_counts(pool: asyncpg.Pool) -> None:
    await selling(pool)
    dealing = shop(pool)
    order = await dealing.order()
    await dealing.checkout.begin(order)
    reference = (await dealing.checkout.orders.get(order.id)).reference
    dealing.till.approved.add(reference)
    with pytest.raises(Forbidden):
        await dealing.checkout.hear({}, reference.encode())
    for _ in range(2):
        await dealing.checkout.hear({b"till": b"yes"}, reference.encode())
    assert [one.id for one in dealing.paid] == [order.id]
    assert await pool.fetchval("SELECT count(*) FROM ledger_transaction") == 1


@engine
async def test_a_city_without_a_provider_says_so(pool: asyncpg.Pool) -> None:
    await selling(pool)
    dealing = shop(pool)
    checkout = Checkout(dealing.checkout.orders, None, "https://city.example")
    with pytest.raises(Unavailable, match="no payments yet"):
        await checkout.begin(await dealing.order())


@engine
async def test_a_month_is_stated_and_paid_out(pool: asyncpg.Pool) -> None:
    await selling(pool)
    dealing = shop(pool)
    first = await dealing.bought(110_000)
    clock: ManualClock = dealing.clock  # type: ignore[assignment]
    clock.set(datetime(2026, 12, 5, tzinfo=UTC))
    settlements = Settlements(pool, clock, PAYER)
    paid = await settlements.make("person:clerk", "2026-11", "KRW")
    second = await dealing.bought(11_000)
    await settlements.book(paid.id)
    november, december = [(await statement_of(pool, OWN, month, "Asia/Seoul"))[0] for month in ("2026-11", "2026-12")]
    assert november == Statement(OWN, "2026-11", "KRW", 0, (Line(START, "payment", first.id, "KRW", 70_000),), 70_000)
    at = clock.now()
    assert december == Statement(
        OWN, "2026-12", "KRW", 70_000,
        (Line(at, "payout", paid.id, "KRW", -70_000), Line(at, "payment", second.id, "KRW", 7_000)), 7_000,
    )  # fmt: skip
    assert [await ledger.balance(pool, name, "KRW") for name in ("transit", "bank")] == [0, -70_000]
    assert [(one.id, amount) for one, amount in await settlements.payouts_of(OWN, 9)] == [(paid.id, 70_000)]
    with pytest.raises(BadRequest, match="owed enough"):
        await settlements.make("person:clerk", "2026-12", "KRW")
    with pytest.raises(Conflict):
        await settlements.book(paid.id)


@engine
async def test_who_owes_after_a_refund_is_paid_when_that_is_earned_again(pool: asyncpg.Pool) -> None:
    await selling(pool)
    dealing = shop(pool)
    order = await dealing.bought(110_000)
    settlements = Settlements(pool, dealing.clock, PAYER)
    await settlements.make("person:clerk", "2026-11", "KRW")
    await dealing.checkout.refund(order, 110_000, "broken", "person:kim")
    await dealing.bought(55_000)
    with pytest.raises(BadRequest, match="owed enough"):
        await settlements.make("person:clerk", "2026-11", "KRW")
    assert await ledger.balance(pool, OWN, "KRW") == 35_000


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "26-11", "2026/11", "2026-1", "20261-1", "２０２６-11"])
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(BadRequest):
        month_of(month, "Asia/Seoul")


def test_a_payment_file_is_valid_by_the_schema_of_iso_20022() -> None:
    """The schema is that of the standard, as the sepaxml package carries it."""
    made = datetime(2026, 12, 1, 9, 30, 5, 77, tzinfo=UTC)
    transfers = [
        Transfer(
            "s1-1",
            checked_account({"name": "홍길동 & <Söhne>", "account": "123-456-789012", "bank": "SHBKKRSE"}),
            70_000,
        ),
        Transfer("s1-2", checked_account({"name": "Esimerkki Oy", "iban": "FI21 1234 5600 0007 85"}), 1),
    ]
    for currency, total in (("KRW", "70001"), ("EUR", "700.01")):
        text = payment_file("s1", made, made.date(), PAYER, currency, transfers)
        found = xmlschema.XMLSchema(str(SCHEMA)).to_dict(text.encode())
        header = found["CstmrCdtTrfInitn"]["GrpHdr"]
        assert (header["NbOfTxs"], str(header["CtrlSum"]), header["CreDtTm"]) == (
            "2",
            total,
            "2026-12-01T09:30:05+00:00",
        )
    assert "<Nm>홍길동 &amp; &lt;Söhne&gt;</Nm>" in text


@pytest.mark.parametrize(
    "account",
    [{"name": "X", "iban": "FI2112345600000786"}, {"name": "", "iban": "FI2112345600000785"}, {"name": "X", "account": "12"}, {"iban": "x"},
     {"name": "X", "account": "123456", "bank": "NOBANK"}],
)  # fmt: skip
def test_what_is_no_account_is_refused(account: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        checked_account(account)


USED = {"commands": 1_234}


def billing(dealing: object) -> Billing:
    async def metered(app: str, customer: str, measure: str, since: datetime, until: datetime) -> int:
        if measure == DAYS:
            return await usage.metered(dealing.pool, "Asia/Seoul", app, customer, measure, since, until)
        return USED[measure]

    async def offer(app: str) -> Offer | None:
        return Offer("1.1.0", PUBLISHER, TITLE)

    return Billing(dealing.checkout, metered, offer)  # type: ignore[attr-defined]


@engine
async def test_a_subscription_is_charged_each_month_once_until_it_ends(pool: asyncpg.Pool) -> None:
    await selling(pool)
    dealing = shop(pool)
    clock: ManualClock = dealing.clock  # type: ignore[assignment]
    order = await dealing.bought(9_900, kind="subscription")
    bills = billing(dealing)
    price = Price("subscription", "9900", "KRW", "month")
    await bills.begin(pool, order.id, order.customer, order.app, price, order)
    for _ in range(3):
        clock.set(next_due(clock.now(), "month"))
        await bills.run()
        await bills.run()
    paid = await pool.fetch(
        "SELECT subscription, version, period FROM store_order WHERE state = 'paid' ORDER BY made_at, period"
    )
    assert [(row["subscription"], row["version"]) for row in paid] == [(None, "1.0.0"), *[(order.id, "1.1.0")] * 3]
    await bills.end(order.id)
    clock.set(next_due(clock.now(), "month"))
    await bills.run()
    assert (await pool.fetchval("SELECT count(*) FROM store_order"), await bills.of_customers(["person:kim"])) == (
        4,
        [],
    )


@engine
async def test_who_does_not_pay_has_two_weeks(pool: asyncpg.Pool) -> None:
    await selling(pool)
    dealing = shop(pool)
    clock: ManualClock = dealing.clock  # type: ignore[assignment]
    order = replace(await dealing.bought(9_900, kind="subscription"), mandate="m-broke")
    bills = billing(dealing)
    await bills.begin(pool, order.id, order.customer, order.app, Price("subscription", "9900", "KRW", "month"), order)
    clock.set(next_due(clock.now(), "month"))
    await bills.run()
    (due,) = await pool.fetch("SELECT state FROM store_order WHERE subscription = $1", order.id)
    assert (due["state"], len(await bills.of_customers(["person:kim"]))) == ("failed", 1)
    clock.set(clock.now() + timedelta(days=15))
    await bills.run()
    assert await bills.of_customers(["person:kim"]) == []


@engine
async def test_use_is_billed_as_the_meter_counts_it(pool: asyncpg.Pool) -> None:
    await selling(pool)
    dealing = shop(pool)
    bills, clock = billing(dealing), dealing.clock
    price = Price("usage", "0.5", "KRW", "commands")
    with pytest.raises(BadRequest, match="city alone"):
        await bills.begin(pool, "s0", "person:kim", f"{PUBLISHER}.dust", price, None)
    await bills.begin(pool, "s1", "city:yard", f"{PUBLISHER}.dust", price, None)
    clock.set(next_due(clock.now(), "month"))  # type: ignore[attr-defined]
    await bills.run()
    (order,) = await dealing.checkout.orders.of_customers(["city:yard"])
    assert (order.kind, order.gross_minor, order.state) == ("usage", 617, "open")


@engine
async def test_people_are_billed_by_the_days_on_which_they_used_it(pool: asyncpg.Pool) -> None:
    """09:00 UTC of 22 November is the evening of that day in Seoul: it counts, and the one a month later counts next time."""
    await selling(pool)
    dealing, app, used = shop(pool), f"{PUBLISHER}.dust", [22, 24, 30]
    bills, clock = billing(dealing), dealing.clock
    await bills.begin(pool, "s1", "person:kim", app, Price("usage", "100", "KRW", DAYS), None)
    for person in ("kim", "lee"):
        query = "INSERT INTO store_install VALUES ($1, $2, '1.1.0', $3, $3, $4)"
        await pool.execute(query, f"of-{person}", app, f"person:{person}", clock.now())
        await pool.executemany(
            "INSERT INTO store_use VALUES ($1, $2)", [(f"of-{person}", date(2026, 11, day)) for day in used]
        )
    await pool.executemany("INSERT INTO store_use VALUES ('of-kim', $1)", [(date(2026, 12, day),) for day in (21, 22)])
    clock.set(next_due(clock.now(), "month"))  # type: ignore[attr-defined]
    await bills.run()
    (order,) = await dealing.checkout.orders.of_customers(["person:kim"])
    assert (order.kind, order.gross_minor, order.state) == ("usage", 400, "open")


def test_a_month_later_is_the_same_day_or_the_last_before_it() -> None:
    days = [datetime(2026, 1, 31, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC), datetime(2026, 12, 5, tzinfo=UTC)]
    assert [next_due(day, "month").strftime("%F") for day in days] == ["2026-02-28", "2028-03-29", "2027-01-05"]
    assert next_due(days[1], "year").strftime("%F") == "2029-02-28"
