"""The portal in a real browser, without scripts: every page is accessible in both languages, by keyboard, and fits a small screen."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from tests.browsing import PASSWORD
from tests.people.portal.publishing import BENCHES, TOLD, Publishing, open_publishing

from madang.lake.catalogue.notebooks import Cell
from madang.lake.datasets.dataset import Described
from madang.lake.files.report import Finding, Hints, Profile, Report
from madang.trust.audit.recorder import Recorder

LOCALES = {"en": "en-US", "ko": "ko-KR"}
CHART = "SELECT name, seats FROM benches ORDER BY name"
MAP = "SELECT name, 127.0 + seats / 100 AS lon, 37.5 + seats / 200 AS lat FROM benches"
PAGES = (
    "data", "data?words=벤치&theme=ENVI", "data/sets/benches", "data/sets/benches/lineage", "data/reuses", "data/requests", "data/desk",
    "data/indicators", "data/indicators/SC:SH:SI:4C", "data/lineage?words=bench", "data/notebooks", "data/notebooks/1?run=1",
)  # fmt: skip


@pytest_asyncio.fixture
async def city(
    pool: asyncpg.Pool, dsn: str, tmp_path: Path, keys_dir: Path, recorder: Recorder
) -> AsyncIterator[Publishing]:
    """With something on each of its pages."""
    async with open_publishing(pool, dsn, tmp_path, keys_dir, recorder) as city:
        await city.publish("benches", BENCHES, TOLD)
        house = city.house
        await house.lineage.tell("load", ["source:benches.csv"], ["dataset:benches"], house.clock.now())
        await house.lineage.tell("publish", ["dataset:benches"], ["published:benches"], house.clock.now())
        await house.voices.write("benches", "reuse", "쉬어 가는 지도", "https://maps.example/", "person:x")
        await house.voices.answer("reuse", 1, "shown", "고맙습니다")
        await house.voices.write("benches", "fault", "벤치가 없어졌어요", "", "person:x")
        for year, value in [(2021, 66.2), (2025, 71.5)]:
            await house.values.enter("SC:SH:SI:4C", year, value, "선거관리위원회", "official", "person:x")
        await house.book.make("wifi", Described({"ko": "공공 와이파이"}), "person:one")
        told = {
            "across": "경도",
            "across_range": [37.4, 37.7],
            "upward": "위도",
            "upward_range": [126.8, 127.2],
            "crs": "EPSG:4326",
        }
        report = Report(
            "csv", 2, [Profile("위도", "number")], [Finding("swapped_coordinates", "stop", "경도, 위도", 2, told)]
        )
        await house.book.arrive("wifi", "wifi-aps.csv", "", 733_576, "x", Hints(), "person:one", "a1")
        await house.book.was_read("a1", "quarantined", report)
        await house.publications.ask(await house.book.get("benches"), (), "person:one")
        await city.gate.once()
        cells = [
            Cell("text", "벤치가 어디에 있나요?"),
            Cell("sql", CHART, "chart"),
            Cell("sql", MAP, "map"),
            Cell("sql", "FROM none"),
        ]
        number = await house.notebooks.make("벤치 살펴보기", "person:x")
        await house.notebooks.save(
            await house.notebooks.get(number, "person:x", ()), "벤치 살펴보기", cells, "administrator"
        )
        yield city


@pytest_asyncio.fixture
async def administrator(chromium: Any, city: Publishing) -> AsyncIterator[Any]:
    """Makes a page in which an administrator is signed in, without scripts."""
    contexts: list[Any] = []

    async def make(language: str, **options: Any) -> Any:
        context = await chromium.new_context(locale=LOCALES[language], **({"java_script_enabled": False} | options))
        contexts.append(context)
        page = await context.new_page()
        await city.city.person(f"admin-{language}", "administrator", totp=True)
        await page.goto(f"{city.city.url}sign-in?next=/data")
        await page.fill("#login", f"admin-{language}")
        await page.fill("#password", PASSWORD)
        await page.click("form[action='/sign-in'] button")
        await page.fill("#code", city.city.code(f"admin-{language}"))
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{city.city.url}data")
        return page

    yield make
    for context in contexts:
        await context.close()


@pytest.mark.browser
@pytest.mark.parametrize("language", ["ko", "en"])
async def test_every_page_is_accessible_and_fits_a_small_screen(
    city: Publishing, administrator: Any, axe: str, language: str
) -> None:
    page = await administrator(
        language, java_script_enabled=True, viewport={"width": 360, "height": 740}, bypass_csp=True
    )
    found, wide = {}, {}
    for path in PAGES:
        await page.goto(f"{city.city.url}{path}")
        await page.evaluate(axe)
        told = await page.evaluate(
            "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        )
        found[path] = [(one["id"], one["nodes"][0]["html"][:200]) for one in told["violations"]]
        wide[path] = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        if folder := os.environ.get("PICTURES"):
            name = path.replace("/", "-").replace(":", "").partition("?")[0]
            await page.set_viewport_size({"width": 1100, "height": 900})
            await page.screenshot(path=f"{folder}/{name}-{language}.png", full_page=True)
            await page.set_viewport_size({"width": 360, "height": 740})
    assert (found, wide) == ({path: [] for path in PAGES}, dict.fromkeys(PAGES, False))


@pytest.mark.browser
async def test_a_file_is_released_by_keyboard(city: Publishing, administrator: Any) -> None:
    page = await administrator("ko")
    await page.goto(f"{city.city.url}data/desk")
    await page.focus("summary")
    await page.keyboard.press("Enter")
    for field, text in {"longitude": "위도", "latitude": "경도", "why": "원본의 머리글이 바뀌어 있음"}.items():
        await page.focus(f"#{field}-a1")
        await page.keyboard.type(text)
    await page.focus("button[value=release]")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    arrival = await city.house.book.arrival("a1")
    assert (arrival.state, arrival.hints) == ("waiting", Hints(longitude="위도", latitude="경도"))


@pytest.mark.browser
async def test_a_notebook_is_written_and_run_by_keyboard(city: Publishing, administrator: Any) -> None:
    page = await administrator("en")
    await page.goto(f"{city.city.url}data/notebooks")
    await page.focus("#title")
    await page.keyboard.type("Seats")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    await page.focus("#cell-0")
    await page.keyboard.type(CHART)
    await page.keyboard.press("Tab")
    await page.keyboard.type("Chart")
    await page.keyboard.press("Tab")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    if folder := os.environ.get("PICTURES"):
        await page.screenshot(path=f"{folder}/notebook-own.png", full_page=True)
    assert (await page.locator("svg.chart rect").count(), await page.locator("tbody tr").count()) == (3, 3)
