"""The slider: the past is shown instead of the present, plays, and the present comes back whole."""

from __future__ import annotations

from typing import Any

from playwright.async_api import expect
from tests.waiting import until

TRAMS = "[data-layer=tram] .note"


async def _page(open_page: Any, double: Any, **options: Any) -> Any:
    return await open_page(double.url, viewport={"width": 1110, "height": 620}, **options)


async def test_the_past_plays_and_the_present_comes_back(double: Any, open_page: Any) -> None:
    page = await _page(open_page, double)
    await expect(page.locator(TRAMS)).to_have_text("10")
    await page.get_by_role("button", name="Look back").click()
    await page.wait_for_selector("[data-replay=playing]")
    await expect(page.locator(TRAMS)).to_have_text("1")
    await expect(page.get_by_text("The past", exact=True)).to_have_count(2)  # at the clock, and at the slider
    first = await page.locator("header time").inner_text()
    await expect(page.locator("header time")).not_to_have_text(first)
    await page.get_by_role("button", name="Back to now").click()
    await expect(page.locator(TRAMS)).to_have_text("10")
    await expect(page.locator("[data-replay=live]")).to_be_visible()
    asked = [kind for kind, _ in double.past.asked]
    assert asked[:2] == ["state", "changes"] and "Vehicle" in double.past.asked[0][1]["types"]


async def test_it_works_by_keyboard_and_asks_for_less_detail_when_fast(double: Any, open_page: Any) -> None:
    page = await _page(open_page, double)
    await page.get_by_role("slider", name="The last 24 hours").focus()
    for key in ("PageDown", "ArrowLeft"):
        await page.keyboard.press(key)
    await expect(page.locator(TRAMS)).to_have_text("1")
    await page.get_by_role("combobox", name="Speed").select_option("60")
    await until(lambda: any(given.get("every_s") == "15" for _, given in double.past.asked), "coarser steps")
    await page.get_by_role("button", name="Pause").click()
    still = await page.locator(".timeline [role=status]").inner_text()
    await page.wait_for_selector("[data-replay=paused]")
    assert await page.locator(".timeline [role=status]").inner_text() == still


async def test_what_cannot_be_shown_is_told_in_korean(double: Any, open_page: Any) -> None:
    double.past.is_down = True
    page = await _page(open_page, double, locale="ko-KR")
    await page.get_by_role("button", name="되돌려 보기").click()
    await expect(page.locator(".timeline [role=alert]")).to_contain_text("no log is kept here")
    await page.get_by_role("button", name="지금으로").click()
    await expect(page.locator(TRAMS)).to_have_text("10")
