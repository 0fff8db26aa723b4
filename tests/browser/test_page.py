"""The page as a person meets it; these tests also hold over a real gateway (MADANG_TEST_URL)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

WHERE = (
    "(({ dataset, id, classList, tagName }) => dataset.inject || id || classList[0] || tagName)(document.activeElement)"
)
PIXELS = "document.querySelector('canvas.marks').toDataURL()"


async def test_comes_alive(city_url: str, open_page: Any) -> None:
    page = await open_page(city_url)
    await expect(page.locator("html")).to_have_attribute("data-map", "ready")
    await expect(page.locator("html")).to_have_attribute("data-feed", "live")
    await expect(page.get_by_text("© OpenStreetMap contributors")).to_be_visible()
    await expect(page.get_by_text("SIMULATED").first).to_be_visible()
    await expect(page.locator("time")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    await page.wait_for_function("Number(document.querySelector('canvas.marks').dataset.placed) > 20")
    await page.wait_for_function("document.querySelectorAll('.components li').length > 3")


async def test_vehicles_move_without_drawing_the_base_map_again(city_url: str, open_page: Any) -> None:
    page = await open_page(city_url)
    before = await page.evaluate(f"[{PIXELS}, Number(document.querySelector('canvas.marks').dataset.rendered)]")
    await page.wait_for_function(f"(old) => {PIXELS} !== old", arg=before[0])
    after = await page.evaluate("Number(document.querySelector('canvas.marks').dataset.rendered)")
    assert after - before[1] <= 2


async def test_speaks_both_languages_and_remembers(city_url: str, open_page: Any) -> None:
    page = await open_page(city_url, language="ko")
    assert await page.evaluate("document.documentElement.lang") == "ko"
    await expect(page.get_by_role("heading", name="앱의 효과")).to_be_visible()
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading", name="What the app is worth")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="What the app is worth")).to_be_visible()
    assert await page.evaluate("document.documentElement.lang") == "en"


async def test_theme_follows_the_choice(city_url: str, open_page: Any) -> None:
    page = await open_page(city_url, color_scheme="light")
    ground = "getComputedStyle(document.body.parentElement).backgroundColor"
    light = await page.evaluate(ground)
    await page.get_by_label("Appearance").select_option("dark")
    await page.wait_for_function(f"(light) => {ground} !== light", arg=light)
    await page.reload()
    assert await page.get_by_label("Appearance").input_value() == "dark"


async def test_works_by_keyboard_alone(city_url: str, open_page: Any) -> None:
    page = await open_page(city_url)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip the map")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#panels")).to_be_focused()
    canvas = page.locator(".maplibregl-canvas")
    await canvas.focus()
    await page.keyboard.press("Enter")
    card = page.get_by_role("dialog")
    await expect(card).to_be_visible()
    first = await card.get_attribute("data-entity")
    await page.keyboard.press("Escape")
    await expect(card).to_be_hidden()
    await expect(canvas).to_be_focused()
    await page.keyboard.press("Enter")
    await canvas.focus()
    await page.keyboard.press("n")
    await expect(card).not_to_have_attribute("data-entity", first or "")


async def test_tab_reaches_every_control(city_url: str, open_page: Any) -> None:
    page = await open_page(city_url, viewport={"width": 1280, "height": 720})
    reached: set[str] = set()
    for _ in range(70):
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate(WHERE))
    assert {
        "search",
        "maplibregl-canvas",
        "maplibregl-ctrl-zoom-in",
        "rain",
        "accident",
        "event",
        "clear",
        "switch",
        "letters",
    } <= reached


async def test_list_says_the_same_as_the_map(city_url: str, open_page: Any) -> None:
    page = await open_page(city_url)
    await page.get_by_role("button", name="List", exact=True).click()
    await page.get_by_label("Kind").select_option("tram")
    rows = page.locator("tbody tr")
    await expect(rows.first).to_contain_text("Trams")
    await rows.first.get_by_role("button").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Speed")


async def test_without_webgl_the_list_stands_in(city_url: str, open_page: Any) -> None:
    script = """const get = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
            return /webgl/.test(kind) ? null : get.call(this, kind, ...rest);
        };"""
    page = await open_page(city_url, script=script)
    await expect(page.locator("html")).to_have_attribute("data-map", "none")
    await expect(page.get_by_text("cannot draw the map")).to_be_visible()
    await page.wait_for_function("document.querySelectorAll('tbody tr').length > 10")


async def test_fits_320_pixels(city_url: str, open_page: Any) -> None:
    page = await open_page(city_url, language="ko", viewport={"width": 320, "height": 640})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    await page.get_by_role("button", name="English").click()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    await expect(page.locator("[data-inject=rain]")).to_be_attached()


@pytest.mark.parametrize(
    ("language", "scheme", "width"), [("ko", "light", 1280), ("en", "dark", 1280), ("en", "light", 360)]
)
async def test_axe_finds_nothing_serious(
    city_url: str, open_page: Any, axe: str, language: str, scheme: str, width: int
) -> None:
    page = await open_page(city_url, language=language, color_scheme=scheme, viewport={"width": width, "height": 720})
    await page.evaluate(axe)
    await page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    faults = await _audit(page)
    await page.locator(".maplibregl-canvas").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").wait_for()
    faults += await _audit(page)
    await page.keyboard.press("Escape")
    await page.locator(".views button").last.click()
    faults += await _audit(page)
    await page.locator("[data-open=letters]").click()
    await page.locator("dialog[open]").wait_for()
    assert faults + await _audit(page) == []


async def test_axe_holds_in_forced_colours(city_url: str, open_page: Any, axe: str) -> None:
    page = await open_page(city_url, forced_colors="active", reduced_motion="reduce")
    await page.evaluate(axe)
    assert await _audit(page) == []


async def _audit(page: Any) -> list[str]:
    result = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{v['id']}: {n['html'][:120]}"
        for v in result["violations"]
        if v["impact"] in ("serious", "critical")
        for n in v["nodes"]
    ]


async def test_incidents_stand_beside_the_map_and_are_taken_there(double: Any, open_page: Any) -> None:
    where = {"type": "Point", "coordinates": [24.945, 60.172]}
    times = {
        "openedAt": "2026-03-02T03:00:00Z",
        "acknowledgeBy": "2026-03-02T03:03:00Z",
        "resolveBy": "2026-03-02T05:00:00Z",
    }
    told = {
        "id": 7,
        "kind": "fire",
        "severity": "critical",
        "title": "지하상가 연기",
        "state": "open",
        "location": where,
    }
    double.incidents = [told | times]
    page = await open_page(double.url, language="ko")
    row = page.locator("[data-incidents] li")
    await row.get_by_role("button", name="지하상가 연기", exact=True).focus()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"at=24\.945"))
    await row.get_by_role("button", name="내가 맡기: 지하상가 연기").click()
    await row.get_by_text("종료 기한").wait_for()
    assert double.incidents[0]["state"] == "acknowledged"


async def test_incidents_that_cannot_be_asked_for_are_told_as_old_within_five_seconds(
    double: Any, open_page: Any
) -> None:
    page = await open_page(double.url)
    double.incidents_wait_s = 3_600
    old = page.get_by_text("Incidents cannot be asked for.")
    await old.wait_for(timeout=5_000)
    double.incidents_wait_s = 0
    await old.wait_for(state="detached", timeout=5_000)
