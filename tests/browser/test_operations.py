"""The operations centre in a real browser: accessible in both languages, by keyboard, on a phone, and honest when the line is cut."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
import pytest_asyncio
from tests.browsing import PASSWORD
from tests.operations.incidents import AGAIN, CRASH, NOON
from tests.people.operations.centre import Centre, open_centre
from tests.people.operations.forms import DUST, LIMIT

from madang.operations.incidents.incident import Report
from madang.operations.notifying.nouns import STEPS, Reach, Wish
from madang.operations.notifying.telling import Teller
from madang.operations.rules.testing import played
from madang.people.ngsi.broker import Broker
from madang.people.operations.rule_form import CONDITIONS, rule_of
from madang.trust.audit.recorder import Recorder

LOCALES = {"en": "en-US", "ko": "ko-KR"}
PAGES = (
    "operations", "operations/past", "operations/shift", "operations/incidents/1", "operations/incidents/2", "operations/rules",
    "operations/rules/1", *(f"operations/rules/new?condition={name}" for name in CONDITIONS), "report",
    "operations/notifications", "operations/notifications/city",
)  # fmt: skip


@pytest_asyncio.fixture
async def centre(pool: asyncpg.Pool, tmp_path: Path, recorder: Recorder, broker: Broker) -> AsyncIterator[Centre]:
    """With something on each of its pages."""
    async with open_centre(pool, tmp_path, recorder, broker) as centre:
        book = centre.house.book
        await book.report(CRASH)
        await book.report(AGAIN)
        await book.report(Report("flood", "critical", "지하차도 수위 상승", "app:org.example.water", (126.99, 37.57)))
        ended = await book.report(Report("fire", "high", "쓰레기통 화재", "person:cho"))
        await book.resolve(ended.id, "person:cho", "껐음")
        await book.step(1, "person:cho", "confirm", True)
        await centre.city.person("bo", "operator")
        await centre.house.hand_overs.write("person:cho", await centre.who("bo"), "침수 지켜보기")
        rows = [
            {"entity_id": "urn:a", "op": "u", "at": NOON + timedelta(minutes=m), "change": {"pm25": {"value": value}}}
            for m, value in ((0, 50), (10, 100), (25, 110), (30, 20), (60, 70))
        ]
        await centre.house.notify.add(Wish("role:operator", ("email", "sms"), STEPS, "high"), "person:cho")
        teller = Teller(centre.house.notify, ZoneInfo("Asia/Seoul"))
        await centre.house.notify.reach_by(await centre.who("bo"), Reach("ko", {"email": "bo@example.org"}))
        await teller.once()
        rule = rule_of(DUST | LIMIT, book.procedures)
        await centre.house.rules.make(rule, "person:cho")
        await centre.house.rules.tested(1, 1, played(rule, rows, 1, False, NOON + timedelta(hours=1)).as_json())
        yield centre


@pytest_asyncio.fixture
async def officer(chromium: Any, centre: Centre) -> AsyncIterator[Any]:
    """Makes a page in which an officer is signed in."""
    contexts: list[Any] = []

    async def make(language: str, role: str = "duty-officer", **options: Any) -> Any:
        context = await chromium.new_context(locale=LOCALES[language], **options)
        contexts.append(context)
        page = await context.new_page()
        await centre.city.person("duty", role, totp=True)
        await page.goto(f"{centre.city.url}sign-in?next=/operations")
        await page.fill("#login", "duty")
        await page.fill("#password", PASSWORD)
        await page.click("form[action='/sign-in'] button")
        await page.fill("#code", centre.city.code("duty"))
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{centre.city.url}operations")
        return page

    yield make
    for context in contexts:
        await context.close()


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_every_page_is_accessible_and_fits_a_small_screen(
    centre: Centre, officer: Any, axe: str, language: str
) -> None:
    page = await officer(language, "operator", viewport={"width": 360, "height": 740}, bypass_csp=True)
    found, wide, status = {}, {}, {}
    for path in PAGES:
        status[path] = (await page.goto(f"{centre.city.url}{path}")).status
        await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        await page.evaluate(axe)
        told = await page.evaluate(
            "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        )
        found[path] = [(one["id"], one["nodes"][0]["html"][:200]) for one in told["violations"]]
        wide[path] = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        if folder := os.environ.get("PICTURES"):
            await page.screenshot(
                path=f"{folder}/{path.replace('/', '-').replace('?', '-')}-{language}.png", full_page=True
            )
    fine = ({path: [] for path in PAGES}, dict.fromkeys(PAGES, False), dict.fromkeys(PAGES, 200))
    assert (found, wide, status) == fine


async def test_an_incident_is_taken_by_keyboard_without_scripts(centre: Centre, officer: Any) -> None:
    page = await officer("ko", java_script_enabled=False)
    await page.focus("a[href='/operations/incidents/3']")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    await page.focus("form[action$='/acknowledge'] button")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    await page.focus("#say-text")
    await page.keyboard.type("펌프 가동")
    await page.keyboard.press("Tab")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    one, log = await centre.house.book.get(3), await centre.house.book.log(3)
    assert (one.owner, log[-1].text) == (await centre.who("duty"), "펌프 가동")


async def test_what_others_write_appears_by_itself(centre: Centre, officer: Any) -> None:
    page = await officer("en")
    await page.goto(f"{centre.city.url}operations/incidents/1")
    await centre.house.book.say(1, await centre.who("bo"), "<img src=x> 견인차 도착")
    await page.get_by_text("<img src=x> 견인차 도착").wait_for(timeout=5_000)


async def test_a_list_that_cannot_be_asked_for_says_so_within_five_seconds_and_recovers(
    centre: Centre, officer: Any
) -> None:
    page = await officer("en")
    await page.route("**/operations/list", lambda route: route.abort())
    stale = page.get_by_text("The connection is lost.")
    await stale.wait_for(timeout=5_000)
    await centre.house.book.report(Report("crowd", "critical", "인파", "app:x"))
    await page.unroute("**/operations/list")
    await page.get_by_role("link", name="인파").wait_for(timeout=5_000)
    assert await stale.is_visible() is False
