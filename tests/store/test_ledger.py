"""The ledger balances: the database sees to it, and a hundred thousand random operations with breaks in between do not bend it."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from madang.base.clock import ManualClock
from madang.base.errors import MadangError
from madang.engine.database import LOST
from madang.store.money import books, ledger
from madang.store.money.settlement import Settlements
from tests.store.dealing import Shop, Till, selling, shop
from tests.store.making import PUBLISHER, START

pytestmark = pytest.mark.engine
PAYER = {"name": "Yard City", "account": "999-000-111222", "bank": "HNBNKRSE"}
OTHER = "net.other"


async def test_what_does_not_balance_is_refused_by_the_database(pool: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await ledger.post(pool, "k", "payment", "o", START, "KRW", {"a": 5, "b": -4})
    assert await pool.fetchval("SELECT count(*) FROM ledger_transaction") == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET amount_minor = 7",
        "DELETE FROM ledger_entry",
        "UPDATE ledger_transaction SET about = 'x'",
        "DELETE FROM ledger_transaction",
        "INSERT INTO ledger_entry SELECT id, 9, 'c', 'KRW', 1 FROM ledger_transaction",
    ],
)
async def test_what_is_posted_stays(pool: asyncpg.Pool, statement: str) -> None:
    await ledger.post(pool, "k", "payment", "o", START, "KRW", {"a": 5, "b": -5})
    with pytest.raises(asyncpg.RestrictViolationError):
        await pool.execute(statement)
    assert await ledger.posted(pool, "k") == {"a": 5, "b": -5}


async def test_a_transaction_of_nothing_is_refused(pool: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute("INSERT INTO ledger_transaction (key, kind, about, at) VALUES ('k', 'x', 'x', now())")


async def test_an_entry_cannot_slip_in_after_the_check(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await ledger.post(connection, "k", "payment", "o", START, "KRW", {"a": 5, "b": -5})
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("INSERT INTO ledger_entry SELECT id, 3, 'c', 'KRW', 1 FROM ledger_transaction")
        await transaction.rollback()


async def test_the_same_key_is_posted_once_also_by_two_at_a_time(pool: asyncpg.Pool) -> None:
    done = await asyncio.gather(
        *(ledger.post(pool, "k", "payment", "o", START, "KRW", {"a": 5, "b": -5}) for _ in range(4))
    )
    assert (sorted(done), await ledger.balance(pool, "a", "KRW")) == ([False, False, False, True], 5)


class Random:
    """Somebody who does everything, at random, on a wire that breaks."""

    def __init__(self, shop: Shop, settlements: Settlements, seed: int) -> None:
        self.shop, self.settlements, self.random = shop, settlements, random.Random(seed)
        self.orders: list[str] = []
        self.received = 0
        self.done: dict[str, int] = {}

    async def one(self) -> None:
        """One operation. What breaks is left as it is."""
        name = self.random.choices(
            ["order", "begin", "approve", "settle", "refund", "recover", "payout", "receive"],
            [10, 15, 20, 30, 20, 0.05, 0.2, 1],
        )[0]
        try:
            await getattr(self, name)()
        except (MadangError, Break, asyncpg.PostgresError, *LOST) as error:
            name = f"{name} broke: {type(error).__name__}"
        self.done[name] = self.done.get(name, 0) + 1

    async def _any(self) -> Any:
        return await self.shop.checkout.orders.get(self.random.choice(self.orders[-12:]))

    async def order(self) -> None:
        payee = f"publisher:{OTHER}" if self.random.random() < 0.2 else ""
        order = await self.shop.order(self.random.randrange(1, 100_000), payee=payee)
        self.orders.append(order.id)

    async def begin(self) -> None:
        await self.shop.checkout.begin(await self._any())

    async def approve(self) -> None:
        self.shop.till.approved.add((await self._any()).reference)

    async def settle(self) -> None:
        await self.shop.checkout.settle(await self._any(), {})

    async def refund(self) -> None:
        order = await self._any()
        await self.shop.checkout.refund(order, self.random.randrange(1, order.gross_minor + 1), "why not", "person:kim")

    async def recover(self) -> None:
        await self.shop.checkout.recover()

    async def payout(self) -> None:
        made = await self.settlements.make("person:clerk", "2026-11", "KRW")
        await self.settlements.book(made.id)

    async def receive(self) -> None:
        reference, minor = str(self.random.randrange(10**9)), self.random.randrange(1, 1_000)
        self.received += minor * await self.settlements.received(self.shop.pool, "till", reference, "KRW", minor, 0)


class Break(Exception):
    """The process ends here."""


def breaking(monkeypatch: pytest.MonkeyPatch, chance: random.Random) -> None:
    """One in ten bookings is cut off between its steps: by an error, or by the end of its connection."""
    for name in ("issue", "post", "terms_of"):
        whole = getattr(books, name)

        async def cut(*args: Any, whole: Any = whole) -> Any:
            if chance.randrange(30) == 0:
                raise Break
            out = await whole(*args)
            if chance.randrange(30) == 0:
                raise Break
            if chance.randrange(100) == 0:
                await args[0].execute("SELECT pg_terminate_backend(pg_backend_pid())")
            return out

        monkeypatch.setattr(books, name, cut)


@pytest.mark.parametrize("count", [1_500, pytest.param(100_000, marks=pytest.mark.nightly)])
async def test_random_operations_with_breaks_between_their_steps_leave_balanced_books(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    await selling(pool, PUBLISHER, OTHER)
    clock = ManualClock(START)
    dealing = shop(pool, clock, Till(chance=5))
    somebody = Random(dealing, Settlements(pool, clock, PAYER), 11)
    await somebody.order()
    with monkeypatch.context() as patch:
        breaking(patch, random.Random(5))
        for number in range(count):
            await somebody.one()
            clock.set(START + timedelta(seconds=number))
    received = somebody.received
    await assert_whole(pool, dealing, clock, received, count)
    assert {
        "settle",
        "refund",
        "settle broke: Unavailable",
        "settle broke: Break",
        "refund broke: Break",
    } <= somebody.done.keys()


async def test_several_at_a_time_do_not_step_on_each_other(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    await selling(pool, PUBLISHER, OTHER)
    clock = ManualClock(START)
    dealing = shop(pool, clock, Till(chance=5))
    crowd = [Random(dealing, Settlements(pool, clock, PAYER), seed) for seed in range(5)]
    await crowd[0].order()
    for one in crowd:
        one.orders = crowd[0].orders  # the same orders: who pays, settles and refunds meet at them

    async def act(one: Random) -> None:
        for _ in range(200):
            await one.one()

    with monkeypatch.context() as patch:
        breaking(patch, random.Random(6))
        await asyncio.gather(*(act(one) for one in crowd))
    await assert_whole(pool, dealing, clock, sum(one.received for one in crowd), 1_000)


async def assert_whole(pool: asyncpg.Pool, dealing: Shop, clock: ManualClock, received: int, count: int) -> None:
    """After everything that was cut off was taken up again."""
    dealing.till.chance = 0
    clock.set(clock.now() + timedelta(days=2))
    for _ in range(count // 200 + 1):  # a page of what waits each time
        await dealing.checkout.recover()
    whole = await pool.fetchrow(
        "SELECT (SELECT sum(amount_minor) FROM ledger_entry)::bigint AS sum,"
        " (SELECT count(*) FROM store_order WHERE state = 'paying') AS paying,"
        " (SELECT count(*) FROM store_refund WHERE done_at IS NULL) AS refunding"
    )
    approved = {reference for reference in dealing.till.approved if reference}
    paid = await pool.fetch("SELECT reference, gross_minor FROM store_order WHERE state = 'paid'")
    assert (dict(whole), await ledger.unbalanced(pool)) == ({"sum": 0, "paying": 0, "refunding": 0}, [])
    assert await ledger.balance(pool, "provider:till", "KRW") == dealing.till.held - received
    assert {row["reference"] for row in paid} == {
        one for one in approved if dealing.till.payments[one].state == "captured"
    }
    assert len(dealing.paid) == len({order.id for order in dealing.paid}) == len(paid)
    assert await pool.fetchval("SELECT sum(gross_minor) FROM store_invoice") == dealing.till.held
    numbers = await pool.fetchrow("SELECT count(*) AS all, max(number) AS last FROM store_invoice")
    assert numbers["all"] == numbers["last"]
