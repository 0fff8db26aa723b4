"""The store's pages without scripts: an app is published, reviewed, bought, installed, rated, paid out and withdrawn."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from tests.browsing import forms_of
from tests.store.making import PRICE, PUBLISHER, keys, package, seed_of
from tests.store.market import APP, Market, files, open_market, pay, published

from madang.context.writer import Writer
from madang.model.entity import Entity
from madang.model.operations import Replace
from madang.people.store.shown import score_shown
from madang.store.money.ledger import balances
from madang.store.money.orders import Asked
from madang.store.registry.keys import signer_of
from madang.store.registry.publishing import signed_role, target_path
from madang.store.review.scores import sign_score
from madang.trust.audit.recorder import Recorder

pytestmark = pytest.mark.engine


@pytest.fixture
async def market(pool: asyncpg.Pool, tmp_path: Path, recorder: Recorder) -> AsyncIterator[Market]:
    async with open_market(pool, tmp_path, recorder) as market:
        yield market


async def test_whoever_comes_may_look_and_signs_in_to_have(market: Market, tmp_path: Path) -> None:
    await published(market, tmp_path, screenshots___one__png="")
    stranger = market.city.browser()
    page = await stranger.get("/store?words=dust&category=air&price=free")
    assert "Dust alert" in page.text
    assert "No app fits." in (await stranger.get("/store?words=dust+snow")).text
    app = await stranger.get(f"/store/apps/{APP}?lang=ko")
    asks = "AirQualityObserved에서 pm25 값만 읽습니다: 먼지 농도를 봅니다"
    assert (asks in app.text, "안심 등급 6/6" in app.text, f"/sign-in?next=/store/apps/{APP}" in app.text) == (
        True,
        True,
        True,
    )
    assert (await stranger.get("/store/apps/org.example.none")).status_code == 404
    assert "/sign-in" in str((await stranger.get("/store/mine")).url)


async def test_an_app_is_bought_installed_rated_and_paid_out(market: Market, tmp_path: Path) -> None:
    price = PRICE.format(model="one_off", amount="110000", per="")
    mina, clerk = await published(market, tmp_path, more=price)
    kim = await market.visitor("kim", "citizen")
    await kim.get(f"/store/apps/{APP}")
    await kim.submit(f"/store/apps/{APP}/order")
    assert "includes 10,000 KRW of VAT at 10 %" in kim.page.text
    await kim.submit("/store/orders/")
    assert kim.left_for.startswith("http://127.0.0.1:")
    await pay(kim)
    assert "2026-000001" in kim.page.text
    await market.sandbox.told()
    await kim.get(f"/store/apps/{APP}")
    await kim.submit(f"/store/apps/{APP}/install")
    assert "1.0.0 installed" in kim.page.text
    await kim.submit(f"/store/apps/{APP}/review", stars="5", text="It warned my mother")
    assert "It warned my mother" in kim.page.text
    assert "110,000 KRW" in (await kim.get("/store/invoices/2026-000001")).text
    await mina.get(f"/store/publishers/{PUBLISHER}")
    assert "70,000 KRW" in mina.page.text
    await mina.submit("/store/reviews/", text="Thank you")
    assert "Thank you" in (await kim.get(f"/store/apps/{APP}")).text
    await clerk.get("/store/money")
    await clerk.submit("/store/settlements", currency="KRW")
    assert "Every transaction balances." in clerk.page.text
    (settlement,) = await market.store.settlements.every(9)
    file = await clerk.client.get(f"/store/settlements/{settlement.id}")
    assert (file.headers["content-type"], '<InstdAmt Ccy="KRW">70000</InstdAmt>' in file.text) == (
        "application/xml",
        True,
    )
    await clerk.submit(f"/store/settlements/{settlement.id}/book")
    month = settlement.month
    statement = await mina.get(f"/store/publishers/{PUBLISHER}/statement?month={month}")
    assert ("70,000 KRW" in statement.text, "-70,000 KRW" in statement.text) == (True, True)


async def test_the_city_installs_and_gets_a_receipt(market: Market, tmp_path: Path) -> None:
    _, clerk = await published(market, tmp_path)
    await clerk.get(f"/store/apps/{APP}")
    await clerk.submit(f"/store/apps/{APP}/install", customer="city:yard")
    assert market.runtime.running == {APP: True}
    await clerk.submit(f"/store/apps/{APP}/remove", customer="city:yard")
    assert ("Receipt" in clerk.page.text, market.runtime.running) == (True, {})


COMMANDS = '[[scopes]]\naction = "command"\nkind = "sign.text"\npurpose = { ko = "알립니다", en = "to warn" }\n'


@pytest.mark.parametrize(("more", "next_page"), [("", f"/store/apps/{APP}"), (COMMANDS, "/administration/apps")])
async def test_a_new_version_takes_the_place_of_the_old(
    market: Market, tmp_path: Path, more: str, next_page: str
) -> None:
    """Where it asks the city for more, that is decided on the page of the city's apps."""
    mina, clerk = await published(market, tmp_path)
    await clerk.get(f"/store/apps/{APP}")
    await clerk.submit(f"/store/apps/{APP}/install", customer="city:yard")
    before = (await mina.client.get(f"/store/publishers/{PUBLISHER}/role")).content
    body = package(tmp_path, "1.1.0", more=more)
    role = signed_role(
        before, target_path(PUBLISHER, APP, "1.1.0"), body, signer_of(seed_of("mina")), market.city.clock.now()
    )
    second = await market.store.desk.submit((await market.store.publishers.get(PUBLISHER)).owner, body, role)
    await market.store.desk.check(second)
    await market.store.desk.approve("somebody", second.id, "fine")
    await clerk.get(f"/store/apps/{APP}")
    assert "Update to 1.1.0" in clerk.page.text
    await clerk.submit(f"/store/apps/{APP}/update", customer="city:yard")
    (install,) = await market.store.installs.of_customers(["city:yard"])
    there = market.city.url.rstrip("/") + next_page
    assert (str(clerk.page.url), install.version, market.runtime.updated) == (there, "1.1.0", ["1.1.0"])


async def test_a_dangerous_version_stops_in_the_city_at_once(market: Market, tmp_path: Path) -> None:
    _, clerk = await published(market, tmp_path)
    await clerk.get(f"/store/apps/{APP}")
    await clerk.submit(f"/store/apps/{APP}/install", customer="city:yard")
    (release,) = await market.store.releases.in_states("published")
    await clerk.get(f"/store/releases/{release.id}")
    await clerk.submit(f"/store/releases/{release.id}/withdraw", reason="It sends data away", dangerous="yes")
    assert market.runtime.running == {APP: False}
    assert "It sends data away" in (await clerk.get("/store/mine")).text
    assert (await clerk.get(f"/store/apps/{APP}")).status_code == 404


async def test_who_declines_has_not_paid_and_may_try_again(market: Market, tmp_path: Path) -> None:
    await published(market, tmp_path, more=PRICE.format(model="one_off", amount="9900", per=""))
    kim = await market.visitor("kim", "citizen")
    await kim.get(f"/store/apps/{APP}")
    await kim.submit(f"/store/apps/{APP}/order")
    await kim.submit("/store/orders/")
    await pay(kim, "no")
    assert "Not paid" in kim.page.text
    await kim.client.post(
        f"/store/apps/{APP}/install", data={"csrf": forms_of(kim.page.text)[-1].fields["csrf"], "customer": ""}
    )
    assert await market.store.installs.count(APP) == 0


async def test_a_refund_is_given_by_the_city_and_ends_what_was_bought(market: Market, tmp_path: Path) -> None:
    _, clerk = await published(market, tmp_path, more=PRICE.format(model="one_off", amount="9900", per=""))
    kim = await market.visitor("kim", "citizen")
    await kim.get(f"/store/apps/{APP}")
    await kim.submit(f"/store/apps/{APP}/order")
    await kim.submit("/store/orders/")
    await pay(kim)
    await clerk.get("/store/money")
    await clerk.submit("/store/orders/", amount="9900", reason="It does not work for kim")
    release = await market.store.releases.latest(APP)
    assert release is not None
    (order,) = await market.store.orders.of_app(APP)
    assert not await market.store.installs.is_paid(release, order.customer)
    assert "-9,900 KRW" in (await kim.get("/store/invoices/2026-000002")).text


async def test_nobody_sees_orders_or_invoices_of_somebody_else(market: Market, tmp_path: Path) -> None:
    await published(market, tmp_path, more=PRICE.format(model="one_off", amount="9900", per=""))
    kim, lee = [await market.visitor(name, "citizen") for name in ("kim", "lee")]
    await kim.get(f"/store/apps/{APP}")
    await kim.submit(f"/store/apps/{APP}/order")
    (order,) = await market.store.orders.of_app(APP)
    codes = [
        (await lee.get(path)).status_code for path in (f"/store/orders/{order.id}", "/store/money", "/store/review")
    ]
    assert codes == [403, 403, 403]
    await lee.get(f"/store/apps/{APP}")
    answer = await lee.submit(f"/store/apps/{APP}/order", customer=order.customer)
    assert answer.status_code == 403


async def test_a_form_from_elsewhere_uploads_nothing(market: Market, tmp_path: Path) -> None:
    mina = await market.publisher()
    body, role = files(tmp_path)
    sent = {name: (name, data) for name, data in (("package", body), ("role", role))}
    answer = await mina.client.post(f"/store/publishers/{PUBLISHER}/submit", data={"csrf": "x"}, files=sent)
    assert (answer.status_code, await market.store.releases.of_publisher(PUBLISHER)) == (403, [])


@pytest.mark.parametrize("body", [b"", b"--x\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--\r\n"])
async def test_a_broken_upload_is_a_page_that_says_so(market: Market, body: bytes) -> None:
    mina = await market.publisher()
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = await mina.client.post(f"/store/publishers/{PUBLISHER}/submit", content=body, headers=headers)
    assert answer.status_code in (400, 403)


async def test_a_webhook_that_nobody_signed_is_refused(market: Market) -> None:
    answer = await market.city.browser().client.post("/store/webhook", content=b"{}")
    assert answer.status_code == 403


async def test_a_charge_belongs_to_who_pays_it_not_to_who_looks(market: Market, tmp_path: Path) -> None:
    await published(market, tmp_path)
    asked = Asked(
        "charge",
        "",
        f"app:{APP}",
        APP,
        "1.0.0",
        PUBLISHER,
        {"ko": "택시", "en": "A ride"},
        "KRW",
        11_000,
        f"publisher:{PUBLISHER}",
    )
    charge = await market.store.orders.add(asked)
    kim, lee = [await market.visitor(name, "citizen") for name in ("kim", "lee")]
    assert "A ride" in (await lee.get(f"/store/orders/{charge.id}")).text
    await kim.get(f"/store/orders/{charge.id}")
    await kim.submit(f"/store/orders/{charge.id}/pay")
    await pay(kim)
    assert ("Paid" in kim.page.text, (await lee.get(f"/store/orders/{charge.id}")).status_code) == (True, 403)


async def test_services_are_chosen_and_shared_out_by_lot(market: Market, tmp_path: Path) -> None:
    clerk = await market.visitor("clerk", "administrator")
    await clerk.get("/store/choices")
    await clerk.submit("/store/choices", **{"apps[]": f"{APP} org.b.dust"}, seed="7")
    assert ("Drawn by the seed 7" in clerk.page.text, market.runtime.running) == (True, {APP: True, "org.b.dust": True})
    await clerk.submit("/store/choices", **{"apps[]": APP})
    assert market.runtime.running == {APP: True, "org.b.dust": False}
    assert (await clerk.get("/store/choices/dust-alert")).status_code == 404  # one serves everywhere


async def test_apps_side_by_side_are_compared_by_a_figure_of_the_city(market: Market, writer: Writer) -> None:
    clerk = await market.visitor("clerk", "administrator")
    writer.clock = market.city.clock
    west, east = ({"type": "Point", "coordinates": [lon, 37.5]} for lon in (126.9, 127.1))
    places = {"urn:x:1": west, "urn:x:2": west, "urn:x:3": east}

    async def told(*values: float) -> None:
        bodies = {
            name: {"wait": {"type": "Property", "value": value}, "location": {"type": "GeoProperty", "value": place}}
            for (name, place), value in zip(places.items(), values, strict=True)
        }
        await writer.submit_many([Replace(Entity(name, ["Stop"], body), create=True) for name, body in bodies.items()])

    await told(10, 20, 30)
    market.city.clock.pass_s(60)
    await clerk.get("/store/choices")
    await clerk.submit("/store/choices", **{"apps[]": f"{APP} org.b.dust"}, seed="7")
    market.city.clock.pass_s(90)
    empty = (await clerk.get("/store/choices/dust-alert?type=Stop&attribute=wait")).text
    await told(14, 26, 31)
    market.city.clock.pass_s(1)
    page = (await clerk.get("/store/choices/dust-alert?type=Stop&attribute=wait")).text
    assert "there is nothing to compare" in empty
    assert re.findall(r"<td>([^<]*)</td>", page) in (
        ["1", "2", "15", "20", "+5", "1", "1", "30", "31", "+1"],
        ["1", "1", "30", "31", "+1", "1", "2", "15", "20", "+5"],
    )
    assert "The changes are 4 apart" in page
    assert "no result could be rarer than 100 %" in page  # two areas can only be given out in ways that look the same


async def test_a_moderator_hides_what_was_reported(market: Market, tmp_path: Path) -> None:
    _, clerk = await published(market, tmp_path)
    kim, lee = [await market.visitor(name, "citizen") for name in ("kim", "lee")]
    await kim.get(f"/store/apps/{APP}")
    await kim.submit(f"/store/apps/{APP}/install")
    await kim.submit(f"/store/apps/{APP}/review", stars="1", text="My neighbour is a thief")
    await lee.get(f"/store/apps/{APP}")
    await lee.submit(f"/store/apps/{APP}/report", reason="It names somebody")
    await clerk.get("/store/review")
    assert "It names somebody" in clerk.page.text
    await clerk.submit("/store/reviews/", answer="hide", why="It speaks of somebody else")
    assert "thief" not in (await lee.get(f"/store/apps/{APP}")).text


async def test_what_the_provider_paid_is_booked_once(market: Market, tmp_path: Path) -> None:
    _, clerk = await published(market, tmp_path, more=PRICE.format(model="one_off", amount="11000", per=""))
    kim = await market.visitor("kim", "citizen")
    await kim.get(f"/store/apps/{APP}")
    await kim.submit(f"/store/apps/{APP}/order")
    await kim.submit("/store/orders/")
    await pay(kim)
    answers = []
    for reference in ("2026-11-22", "2026-11-22", ""):
        await clerk.get("/store/money")
        answers.append(
            (
                await clerk.submit("/store/received", reference=reference, amount="10700", fee="300", currency="KRW")
            ).status_code
        )
    held = await balances(market.store.pool, "", "KRW")
    assert (answers, held) == (
        [200, 409, 400],
        {"bank": 10_700, "fee:sandbox": 300, "platform": -3_000, f"publisher:{PUBLISHER}": -7_000, "tax:KR": -1_000},
    )


async def test_terms_of_a_publisher_are_set_and_on_record(market: Market, tmp_path: Path, recorder: Recorder) -> None:
    _, clerk = await published(market, tmp_path, more=PRICE.format(model="one_off", amount="11000", per=""))
    await clerk.get("/store/money")
    await clerk.submit("/store/terms", publisher=PUBLISHER, tiers="0 8500\n1000000 7000", stakeholders="")
    assert clerk.page.status_code == 200
    await recorder.settle()
    found = [one["leaf"] for one in await recorder.log.page(5, None, None, "store.terms", None)]
    assert len(found) == 2


@pytest.mark.parametrize(
    ("better", "low", "high", "verdict"),
    [("less", -9.0, -1.0, "better"), ("less", 1.0, 2.0, "worse"), ("more", 1.0, 2.0, "better"), ("less", -9.0, 1.0, "unsure"),
     ("less", None, None, "unsure"), ("none", -9.0, -1.0, "told")],
)  # fmt: skip
def test_a_score_is_called_better_only_where_the_seeds_agree(
    better: str, low: float | None, high: float | None, verdict: str
) -> None:
    row = {
        "measure": "delay",
        "unit": "s",
        "better": better,
        "with": 1,
        "without": 2,
        "difference": {"mean": -1, "low": low, "high": high},
    }
    signed = sign_score({"for_people": [row]}, keys()["targets"])
    found = score_shown(signed, bytes.fromhex(keys()["targets"].public_key.keyval["public"]))
    assert found is not None
    assert [one["verdict"] for one in found["for_people"]] == [verdict]


def test_both_languages_have_every_word_of_the_store() -> None:
    folder = Path(__file__).resolve().parents[2] / "src" / "madang" / "people" / "store" / "strings"
    english, korean = (json.loads((folder / f"{name}.json").read_text("utf-8")) for name in ("en", "ko"))
    fields = re.compile(r"\{\w+\}")
    assert english.keys() == korean.keys()
    assert {key for key in english if set(fields.findall(english[key])) != set(fields.findall(korean[key]))} == set()


def test_every_finding_and_state_has_words() -> None:
    root = Path(__file__).resolve().parents[2] / "src" / "madang"
    words = json.loads((root / "people" / "store" / "strings" / "en.json").read_text("utf-8"))
    sources = "\n".join(path.read_text("utf-8") for path in (root / "store").rglob("*.py"))
    codes = set(re.findall(r'Finding\(\s*"\w+",\s*"\w+",\s*"(\w+)"', sources))
    reasons = set(re.findall(r'reason="(\w+)"', sources))
    assert {code for code in codes if f"store.finding.{code}" not in words} == set()
    assert {reason for reason in reasons if f"error.{reason}" not in words} == set()
