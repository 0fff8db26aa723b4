"""The page when things go wrong or change under it; all over the double."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect


def count(layer: str) -> str:
    return f"[data-layer={layer}] .note"


async def _wide(open_page: Any, double: Any, **options: Any) -> Any:
    return await open_page(double.url, viewport={"width": 1110, "height": 480}, **options)


async def test_a_silent_feed_is_stale_within_seconds_and_recovers(double: Any, open_page: Any) -> None:
    page = await _wide(open_page, double)
    double.silent = True
    await page.wait_for_selector("html[data-feed=stale]", timeout=7_000, state="attached")
    await expect(page.get_by_text("This is the last known state")).to_be_visible()
    await expect(page.locator(".verdict .word")).to_contain_text("Fault")
    double.silent = False
    await page.wait_for_selector("html[data-feed=live]", state="attached")
    await expect(page.get_by_text("This is the last known state")).to_be_hidden()


async def test_a_lost_connection_comes_back_with_the_present(double: Any, open_page: Any) -> None:
    page = await _wide(open_page, double)
    await expect(page.locator(count("tram"))).to_have_text("10")
    double.shut = True
    await double.drop_sockets()
    await page.wait_for_selector("html[data-feed=reconnecting]", state="attached")
    gone = [i for i in double.world.entities if ":tram" in i][:4]
    double.world._fleet = [v for v in double.world._fleet if v["kind"] != "tram" or v["n"] >= 4]
    for i in gone:
        del double.world.entities[i]
    double.shut = False
    await page.wait_for_selector("html[data-feed=live]", state="attached")
    await expect(page.locator(count("tram"))).to_have_text("6")


async def test_a_resync_replaces_the_picture(double: Any, open_page: Any) -> None:
    page = await _wide(open_page, double)
    await expect(page.locator(count("noise"))).to_have_text("4")
    del double.world.entities["urn:ngsi-ld:NoiseLevelObserved:helsinki:noise0"]
    await double.resync()
    await expect(page.locator(count("noise"))).to_have_text("3")


async def test_a_layer_without_data_never_looks_calm(double: Any, open_page: Any) -> None:
    double.world.entities = {
        i: e
        for i, e in double.world.entities.items()
        if e["type"] not in ("TrafficSignalController", "WeatherObserved")
    }
    page = await _wide(open_page, double)
    await expect(page.locator(count("signal"))).to_have_text("no data")
    await expect(page.locator(count("weather"))).to_have_text("no data")
    await expect(page.locator(".verdict")).to_contain_text("Signal controllers: no data")


async def test_an_old_value_is_marked(double: Any, open_page: Any) -> None:
    page = await _wide(open_page, double)
    await expect(page.locator(count("air"))).to_contain_text("1 old")
    await page.get_by_role("button", name="List", exact=True).click()
    await page.get_by_label("Only out of date").check()
    await page.get_by_role("button", name="Air 5").click()
    await expect(page.locator("[data-stale]")).to_contain_text("12.7 y ago")


async def test_a_broken_component_is_named(double: Any, open_page: Any) -> None:
    page = await _wide(open_page, double)
    double.app_state = "crashed"
    await expect(page.locator(".verdict .word")).to_contain_text("Fault")
    await expect(page.locator(".verdict")).to_contain_text("Signals app: crashed")


async def test_injections_show_their_receipt_and_refusals_their_reason(double: Any, open_page: Any) -> None:
    page = await _wide(open_page, double, language="ko")
    receipt = page.locator("[data-receipt]")
    await page.locator("[data-inject=accident]").click()
    await expect(receipt).to_contain_text("수락")
    await expect(page.locator(count("incident"))).to_have_text("1")
    await page.locator("[data-inject=event]").click()
    await expect(receipt).to_contain_text("cmd-2")
    await page.locator("[data-inject=event]").click()
    await expect(receipt).to_contain_text("app:signals이(가) 먼저 쓰는 중")
    refused = page.locator("[data-commands] [data-status=refused]")
    await expect(refused).to_contain_text("app:signals이(가) 먼저 쓰는 중")
    await expect(refused).to_contain_text("person:operator")
    await page.get_by_label("상태로 거르기").select_option("refused")
    await expect(page.locator("[data-commands] li")).to_have_count(1)
    await page.locator("[data-inject=clear]").click()
    await expect(page.locator(count("incident"))).to_have_text("없음")


async def test_an_apps_reason_is_read_in_the_readers_language(double: Any, open_page: Any) -> None:
    why = {"code": "most_served", "parameters": {"n": 7}}
    row = {"id": "cmd-0", "status": "done", "kind": "signal.stage", "target": "urn:x:tl1", "who": "app:signals"}
    double.commands.append(row | {"why": why})
    page = await _wide(open_page, double, language="ko")
    await expect(page.locator("[data-commands]")).to_contain_text("7대가 기다림")
    await page.get_by_role("button", name="English").click()
    await expect(page.locator("[data-commands]")).to_contain_text("7 are waiting")


async def test_the_switch_stops_an_app_and_goes_back_when_refused(double: Any, open_page: Any) -> None:
    page = await _wide(open_page, double)
    switch = page.get_by_role("switch", name="Run Adaptive signals")
    await expect(switch).to_be_checked()
    await switch.click()
    await expect(switch).not_to_be_checked()
    await expect(page.locator("[data-app=signals]")).to_have_attribute("data-state", "stopped")
    double.refuse_apps = True
    await switch.click()
    await expect(page.locator("[data-app=signals] [role=alert]")).to_contain_text("no sandbox on this machine")
    await expect(switch).not_to_be_checked()


async def test_the_benefit_is_shown_only_when_it_means_something(double: Any, open_page: Any) -> None:
    double.world.trips = 0
    page = await _wide(open_page, double)
    await expect(page.locator("[data-benefit=waiting]")).to_contain_text("Not enough completed trips yet")
    double.world.trips = 400
    await expect(page.locator("[data-saved]")).to_have_attribute("data-saved", "22.2")
    await expect(page.locator("[data-benefit=ready]")).to_contain_text("vehicle-hours saved")


async def test_unreadable_messages_are_listed_with_reasons(double: Any, open_page: Any) -> None:
    page = await _wide(open_page, double)
    await page.locator("[data-open=letters]").click()
    await expect(page.locator("dialog[open]")).to_contain_text("not JSON: line 1 column 2")
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)


async def test_search_finds_and_flies(double: Any, open_page: Any) -> None:
    page = await _wide(open_page, double)
    before = await page.evaluate("Number(document.querySelector('canvas.marks').dataset.rendered)")
    await page.get_by_role("combobox", name="Search").fill("MANNERHEIMV")
    await expect(page.locator("#found [role=option]")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_have_attribute("data-entity", "urn:ngsi-ld:RoadSegment:helsinki:r1")
    await page.wait_for_function(
        "(old) => Number(document.querySelector('canvas.marks').dataset.rendered) > old", arg=before
    )


@pytest.mark.parametrize("cars", [2000])
async def test_two_thousand_vehicles_stay_within_the_budget(double: Any, open_page: Any, cars: int) -> None:
    """Counted, not timed: pictures placed a frame, and the base map at rest while they move."""
    script = """for (const name of ['drawImage', 'clearRect']) {
            const real = CanvasRenderingContext2D.prototype[name];
            window[name] = 0;
            CanvasRenderingContext2D.prototype[name] = function (...a) {
                window[name] += 1;
                return real.apply(this, a);
            };
        }"""
    sample = "({ drawImage, clearRect, rendered: Number(document.querySelector('canvas.marks').dataset.rendered) })"
    page = await _wide(open_page, double, script=script)
    await expect(page.locator(count("car"))).to_have_text("2000")
    start = await page.evaluate(sample)
    await page.wait_for_function("(n) => clearRect > n + 10", arg=start["clearRect"])
    end = await page.evaluate(sample)
    frames = end["clearRect"] - start["clearRect"]
    assert (end["drawImage"] - start["drawImage"]) / frames <= 2_200
    assert end["rendered"] - start["rendered"] <= 2
