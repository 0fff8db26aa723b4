"""Each payment provider over real HTTP: the customer approves, the money is taken once, given back once, and nobody forges its word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from madang.base.clock import ManualClock
from madang.base.errors import Conflict, Forbidden, Unavailable
from madang.store.money.by_sandbox import SandboxProvider
from madang.store.money.by_stripe import StripeProvider
from madang.store.money.by_toss import TossProvider
from madang.store.money.payments import Notice, Payment, Provider, Wanted
from madang.store.money.sandbox import Sandbox
from madang.store.money.signatures import check_header, signed_header
from tests.store.making import START
from tests.store.shaped import Stripe, Toss, serving

BACK = "https://city.example/store/orders/o1/paid"
WANTED = Wanted("o1", 9_900, "KRW", "Dust alert", BACK)
NOW_S = int(START.timestamp())


@dataclass
class Till:
    """A provider, and what its customer does."""

    provider: Provider
    approve: Any
    refunded: Any


async def approved_at_sandbox(address: str, answer: str = "yes") -> str:
    async with (
        aiohttp.ClientSession() as browser,
        browser.post(address, data={"answer": answer}, allow_redirects=False) as page,
    ):
        return page.headers["location"]


@pytest.fixture
async def sandbox() -> AsyncIterator[tuple[Sandbox, str]]:
    house = Sandbox("key", "http://127.0.0.1:9/none", "whsec", ManualClock(START), retries_s=())
    async with serving(house.app) as address:
        yield house, address


@pytest.fixture(params=["sandbox", "stripe", "toss"])
async def till(request: pytest.FixtureRequest, sandbox: tuple[Sandbox, str]) -> AsyncIterator[Till]:
    clock = ManualClock(START)
    house, address = sandbox

    async def yes(begun: Any) -> None:
        await approved_at_sandbox(begun.address)

    stripe, toss = Stripe(), Toss()

    async def stripes(begun: Any) -> None:
        stripe.approve(begun.reference)

    async def tosses(begun: Any) -> None:
        toss.approve(begun.reference)

    async with serving(stripe.app) as at_stripe, serving(toss.app) as at_toss:
        yield {
            "sandbox": Till(
                SandboxProvider(address, "key", "whsec", clock),
                yes,
                lambda: [one["refunded"] for one in house.payments.values()],
            ),
            "stripe": Till(
                StripeProvider(at_stripe, "sk_test_1", "whsec", clock),
                stripes,
                lambda: [int(one["amount"]) for one in stripe.refunds],
            ),
            "toss": Till(
                TossProvider(at_toss, "test_sk_1"),
                tosses,
                lambda: [one["totalAmount"] - one["balanceAmount"] for one in toss.payments.values()],
            ),
        }[request.param]


async def test_money_is_taken_when_the_customer_has_approved_and_not_before(till: Till) -> None:
    begun = await till.provider.begin(WANTED)
    before = await till.provider.settle(begun.reference, WANTED, {})
    await till.approve(begun)
    after = [await till.provider.settle(begun.reference, WANTED, {}) for _ in range(2)]
    assert (before.state, before.amount_minor) == ("waiting", 0)
    assert after == [Payment(begun.reference, "captured", 9_900, "KRW")] * 2


async def test_the_same_key_begins_the_same_payment(till: Till) -> None:
    assert await till.provider.begin(WANTED) == await till.provider.begin(WANTED)


async def test_a_refund_is_given_once_for_its_key(till: Till) -> None:
    begun = await till.provider.begin(WANTED)
    await till.approve(begun)
    await till.provider.settle(begun.reference, WANTED, {})
    for _ in range(2):
        await till.provider.refund(begun.reference, 900, "KRW", "r1")
    assert till.refunded() == [900]


async def test_who_does_not_answer_is_unavailable(unused: str) -> None:
    clock = ManualClock(START)
    providers: list[Any] = [
        SandboxProvider(unused, "k", "s", clock), StripeProvider(unused, "k", "s", clock), TossProvider(unused, "k")
    ]  # fmt: skip
    for provider in providers:
        with pytest.raises(Unavailable):
            await provider.begin(WANTED)


@pytest.fixture
async def unused() -> str:
    """An address where nobody listens any more."""
    async with serving(web.Application()) as address:
        return address


async def test_a_wrong_key_is_refused_in_words(sandbox: tuple[Sandbox, str]) -> None:
    with pytest.raises(Conflict, match="who are you"):
        await SandboxProvider(sandbox[1], "wrong", "s", ManualClock(START)).begin(WANTED)


async def test_what_was_declined_has_failed(sandbox: tuple[Sandbox, str]) -> None:
    provider = SandboxProvider(sandbox[1], "key", "whsec", ManualClock(START))
    begun = await provider.begin(WANTED)
    assert await approved_at_sandbox(begun.address, "no") == BACK
    assert (await provider.settle(begun.reference, WANTED, {})).state == "failed"


async def test_a_mandate_is_charged_again_without_the_customer(sandbox: tuple[Sandbox, str]) -> None:
    provider = SandboxProvider(sandbox[1], "key", "whsec", ManualClock(START))
    begun = await provider.begin(Wanted("o1", 9_900, "KRW", "Dust alert", BACK, again=True))
    await approved_at_sandbox(begun.address)
    mandate = (await provider.settle(begun.reference, WANTED, {})).mandate
    twice = [await provider.again(mandate, Wanted("o2", 9_900, "KRW", "Dust alert", BACK)) for _ in range(2)]
    assert (twice[0].state, twice[0].amount_minor, twice[0].reference) == ("captured", 9_900, twice[1].reference)
    with pytest.raises(Conflict, match="no such mandate"):
        await provider.again("man_none", Wanted("o3", 1, "KRW", "Dust alert", BACK))


async def test_stripe_and_toss_are_charged_again_by_what_they_call_it() -> None:
    stripe, toss = Stripe(), Toss()
    async with serving(stripe.app) as at_stripe, serving(toss.app) as at_toss:
        one = StripeProvider(at_stripe, "sk_test_1", "whsec", ManualClock(START))
        begun = await one.begin(Wanted("o1", 9_900, "KRW", "Dust alert", BACK, again=True))
        stripe.approve(begun.reference)
        mandate = (await one.settle(begun.reference, WANTED, {})).mandate
        by_stripe = await one.again(mandate, Wanted("o2", 1_250, "EUR", "Dust alert", BACK))
        with pytest.raises(Conflict, match="declined"):
            await one.again("cus_1 pm_empty", Wanted("o3", 1_250, "EUR", "Dust alert", BACK))
        by_toss = await TossProvider(at_toss, "test_sk_1").again(
            "c1 b1", Wanted("o2", 9_900, "KRW", "Dust alert", BACK)
        )
    assert (mandate, by_stripe.state, by_stripe.amount_minor, by_stripe.currency) == (
        "cus_1 pm_1",
        "captured",
        1_250,
        "EUR",
    )
    assert (by_toss.state, by_toss.amount_minor) == ("captured", 9_900)


async def test_toss_is_asked_for_our_amount_whatever_the_customer_comes_back_with() -> None:
    toss = Toss()
    async with serving(toss.app) as address:
        provider = TossProvider(address, "test_sk_1")
        begun = await provider.begin(WANTED)
        toss.approve(begun.reference)
        toss.payments[begun.reference]["totalAmount"] = 10
        with pytest.raises(Conflict, match="허용되지 않은"):
            await provider.settle(begun.reference, WANTED, {"amount": "10"})


async def test_the_sandbox_refuses_more_back_than_was_paid_and_a_key_for_something_else(
    sandbox: tuple[Sandbox, str],
) -> None:
    provider = SandboxProvider(sandbox[1], "key", "whsec", ManualClock(START))
    begun = await provider.begin(WANTED)
    await approved_at_sandbox(begun.address)
    await provider.settle(begun.reference, WANTED, {})
    await provider.refund(begun.reference, 9_000, "KRW", "r1")
    with pytest.raises(Conflict, match="not so much"):
        await provider.refund(begun.reference, 901, "KRW", "r2")
    with pytest.raises(Conflict, match="something else"):
        await provider.refund(begun.reference, 900, "KRW", "r1")


async def test_a_webhook_is_sent_until_it_is_taken() -> None:
    """The shop is away twice, then takes it; every try is signed."""
    heard: list[tuple[str, bytes]] = []

    async def hook(request: web.Request) -> web.Response:
        heard.append((request.headers["Sandbox-Signature"], await request.read()))
        return web.Response(status=204 if len(heard) > 2 else 503)

    app = web.Application()
    app.add_routes([web.post("/hook", hook)])
    clock = ManualClock(START)
    async with serving(app) as at_shop:
        house = Sandbox("key", f"{at_shop}/hook", "whsec", clock, retries_s=(0.01, 0.01, 0.01))
        async with serving(house.app) as address:
            provider = SandboxProvider(address, "key", "whsec", clock)
            begun = await provider.begin(WANTED)
            await approved_at_sandbox(begun.address)
            await asyncio.wait_for(house.told(), 10)
    notices = [provider.notice({b"sandbox-signature": name.encode()}, body) for name, body in heard]
    assert notices == [Notice(begun.reference)] * 3


@pytest.mark.parametrize(
    ("value", "body"),
    [
        (signed_header("other", b"{}", NOW_S), b"{}"),
        (signed_header("whsec", b"{}", NOW_S), b'{"id":1}'),
        (signed_header("whsec", b"{}", NOW_S - 301), b"{}"),
        ("v1=00", b"{}"),
        ("t=1,t=2,v1=00", b"{}"),
        ("", b"{}"),
    ],
)
def test_a_webhook_of_somebody_else_is_refused(value: str, body: bytes) -> None:
    with pytest.raises(Forbidden):
        check_header(value, "whsec", body, NOW_S)


def test_stripes_own_event_is_understood() -> None:
    body = msgspec.json.encode(
        {"id": "evt_1", "type": "checkout.session.completed", "data": {"object": {"id": "cs_1"}}}
    )
    provider = StripeProvider("http://127.0.0.1:9", "k", "whsec", ManualClock(START))
    assert provider.notice({b"stripe-signature": signed_header("whsec", body, NOW_S).encode()}, body) == Notice("cs_1")


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"{}", b'{"data":[]}'])
def test_what_is_no_event_of_toss_is_refused(body: bytes) -> None:
    with pytest.raises(Forbidden):
        TossProvider("http://127.0.0.1:9", "k").notice({}, body)
