"""The city in three dimensions: what is drawn, chosen, measured and shared. State is asserted, never a frame rate."""

from __future__ import annotations

from typing import Any

import pytest
from double_twin import MIDDLE, ROWS, TOWERS
from playwright.async_api import expect

NEAR = f"at={MIDDLE[0]},{MIDDLE[1]},17.5,0,50"
READY = "html[data-scene=ready]"
PIXELS = "document.querySelector('canvas.marks').toDataURL()"
COUNT = f"() => document.documentElement.dataset.buildings === '{TOWERS}'"


async def see(open_page: Any, url: str, look: str = f"#v=scene&{NEAR}&sun=2026-06-21T720", **options: Any) -> Any:
    page = await open_page(f"{url}{look}", **options)
    await page.wait_for_selector(READY, state="attached", timeout=30_000)
    await page.wait_for_function(COUNT)
    return page


async def test_one_view_in_two_and_three_dimensions(double: Any, open_page: Any) -> None:
    page = await open_page(double.url)
    loaded = "performance.getEntriesByType('resource').some((one) => one.name.endsWith('driver.js'))"
    assert not await page.evaluate(loaded)  # the page is not larger for what nobody asked for
    before = await page.evaluate("location.hash.match(/at=([^&]*)/)[1]")
    await page.get_by_role("button", name="3D").click()
    await page.wait_for_selector(READY, state="attached", timeout=30_000)
    assert await page.evaluate("location.hash.match(/at=([^&]*)/)[1]") == before
    await page.get_by_role("button", name="Map", exact=True).click()
    await expect(page.locator("html")).not_to_have_attribute("data-scene", "ready")


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
async def test_what_is_picked_has_the_id_of_the_entity(double: Any, open_page: Any, by: str) -> None:
    page = await see(open_page, double.url, viewport={"width": 800, "height": 640})
    canvas = page.locator(".maplibregl-canvas")
    size = await canvas.bounding_box()
    at = (size["x"] + size["width"] / 2, size["y"] + size["height"] / 2)
    acts = {"mouse": lambda: page.mouse.click(*at), "keyboard": lambda: canvas.press("b")}
    await acts[by]()
    card = page.get_by_role("dialog")
    await expect(card).to_have_attribute("data-entity", ROWS[0]["id"])
    await expect(card).to_contain_text("20 m")


async def test_the_city_rests_while_nothing_changes(double: Any, open_page: Any) -> None:
    """Vehicles go on above it; what is dear without a graphics card is not drawn again."""
    page = await see(open_page, double.url)
    rendered = "Number(document.querySelector('canvas.marks').dataset.rendered)"
    still = f"() => {{ const same = window.before === {rendered}; window.before = {rendered}; return same; }}"
    await page.wait_for_function(still, polling=1_500)
    before = await page.evaluate(f"[{PIXELS}, {rendered}]")
    await page.wait_for_function(f"(old) => {PIXELS} !== old", arg=before[0])
    assert await page.evaluate(rendered) - before[1] <= 2


async def test_the_table_says_what_is_seen(double: Any, open_page: Any) -> None:
    page = await see(open_page, double.url)
    await page.get_by_text("Table of buildings").click()
    rows = page.locator(".buildings tbody tr")
    await expect(rows).to_have_count(TOWERS)
    await rows.nth(2).get_by_role("button").click()
    await expect(page.get_by_role("dialog")).to_have_attribute("data-entity", ROWS[2]["id"])


async def test_points_are_marked_measured_and_seen_by_keyboard(double: Any, open_page: Any) -> None:
    page = await see(open_page, double.url)
    await page.get_by_text("Distance and view").click()
    await page.get_by_role("button", name="Mark points").click()
    canvas = page.locator(".maplibregl-canvas")
    await canvas.press("Enter")
    await expect(page.locator("[data-measured]")).to_contain_text("1 point")
    before = await page.evaluate("location.hash")
    await canvas.press("ArrowUp")
    await page.wait_for_function("(old) => location.hash !== old", arg=before)
    await canvas.press("Enter")
    await expect(page.locator("[data-measured]")).to_contain_text("along the ground")
    await page.get_by_role("button", name="Does one see the other?").click()
    await expect(page.locator("[data-answer]")).to_contain_text("building tower1 is in the way after 40 m")


async def test_a_link_shows_another_the_same(double: Any, open_page: Any) -> None:
    page = await see(open_page, double.url)
    await page.get_by_text("Transparency and section").click()
    await page.get_by_label("Cut at a height").first.check()
    await page.get_by_text("Bookmarks and sharing").click()
    await page.get_by_label("Name of this view").fill("towers")
    await page.get_by_role("button", name="Save").click()
    hash_ = await page.evaluate("location.hash")
    other = await see(open_page, double.url, hash_)
    assert await other.evaluate("location.hash") == hash_
    await expect(other.locator("[data-sun]")).to_contain_text("30.0° high, 225° from north")
    link = await page.get_by_role("link", name="towers").get_attribute("href")
    assert link == hash_


async def test_somebody_walks_at_the_height_of_eyes(double: Any, open_page: Any) -> None:
    page = await see(open_page, double.url)
    await page.get_by_role("button", name="Walk", exact=True).click()
    await page.wait_for_function("() => Number(location.hash.match(/at=[^&]*/)[0].split('%2C')[4]) > 85")
    before = await page.evaluate("location.hash")
    await page.locator(".maplibregl-canvas").press("ArrowRight")
    await page.wait_for_function("(old) => location.hash !== old", arg=before)
    await page.get_by_role("button", name="Walk", exact=True).click()
    await page.wait_for_function("() => Number(location.hash.match(/at=[^&]*/)[0].split('%2C')[4]) < 60")


@pytest.mark.parametrize(("language", "scheme"), [("ko", "light"), ("en", "dark")])
async def test_axe_finds_nothing_serious_in_three_dimensions(
    double: Any, open_page: Any, axe: str, language: str, scheme: str
) -> None:
    page = await see(
        open_page, double.url, language=language, color_scheme=scheme, viewport={"width": 1280, "height": 720}
    )
    await page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    await page.evaluate(axe)
    found = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in serious] == []
