"""The three apps of `examples/` in a real city, seen in a real browser: their pages work, and reach nothing of the city's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.flow.conftest import House, start_house
from tests.waiting import until

from madang.engine.temporary import scratch

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAMES = ("dust_alert", "parking_finder", "road_desk")
RULES = "axe.run(document, {iframes: false, runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
TRIES = """async () => {
  const tried = async work => { try { await work(); return 'done' } catch (error) { return error.name } };
  return [self.origin, await tried(() => document.cookie), await tried(() => localStorage.x = 1), await tried(() => parent.document.title),
          await tried(() => fetch('/ngsi-ld/v1/entities?type=RoadNote')), await tried(() => fetch('/madang/v1/apps')),
          await tried(() => fetch(location.href.replace(/\\/[^/]*$/, '/widget')))];
}"""


def lot(name: str, free: int, longitude: float) -> dict[str, Any]:
    location = {"type": "Point", "coordinates": [longitude, 37.56]}
    identifier = f"urn:ngsi-ld:OffStreetParking:yard:{free}"
    return {
        "id": identifier,
        "type": "OffStreetParking",
        "name": name,
        "availableSpotNumber": free,
        "location": location,
    }


@pytest_asyncio.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    folder = scratch("madang-frames-")
    house = await start_house(folder.path)
    async with httpx.AsyncClient(base_url=house.url, trust_env=False, timeout=20) as client:
        lots = [lot("시청 주차장", 12, 126.978), lot("서울역 주차장", 48, 126.972)]
        (await client.post("ngsi-ld/v1/entityOperations/upsert", json=lots)).raise_for_status()
        for name in NAMES:
            (await client.post("madang/v1/apps", json={"path": str(EXAMPLES / name)})).raise_for_status()
            (await client.post(f"madang/v1/apps/org.example.{name.replace('_', '-')}/start")).raise_for_status()
        sockets = [house.run_dir / "apps" / f"org.example.{name.replace('_', '-')}" / "pages.sock" for name in NAMES]
        await until(lambda: all(path.exists() for path in sockets), "their pages are there", 60)
    yield house
    await house.instance.stop()
    folder.remove()


@pytest_asyncio.fixture
async def open_page(chromium: Any, house: House) -> AsyncIterator[Any]:
    contexts = []

    async def open_it(path: str, locale: str, **more: Any) -> Any:
        context = await chromium.new_context(**{"locale": locale, "viewport": {"width": 900, "height": 900}} | more)
        contexts.append(context)
        page = await context.new_page()
        await page.goto(house.url + path)
        await page.wait_for_load_state("networkidle")
        return page

    yield open_it
    for context in contexts:
        await context.close()


async def test_the_list_shows_apps_and_widgets_in_both_languages(open_page: Any) -> None:
    korean, english = await open_page("apps", "ko-KR"), await open_page("apps", "en-GB")
    assert [await one.title() for one in (korean, english)] == ["앱 · 마당", "Apps · Madang"]
    assert await korean.locator("h2").all_inner_texts() == ["한눈에 보기", "먼지 알리미", "주차 찾기", "도로과 상황판"]
    widget = english.frame_locator("iframe >> nth=0")
    assert (await widget.locator("h1").inner_text(), await widget.locator(".figure").inner_text()) == (
        "Free spots",
        "60",
    )


@pytest.mark.parametrize("locale", ["ko-KR", "en-GB"])
@pytest.mark.parametrize("path", ["apps", *(f"apps/org.example.{name.replace('_', '-')}" for name in NAMES)])
async def test_pages_and_frames_fit_a_small_screen_and_have_no_fault(
    open_page: Any, axe: str, path: str, locale: str
) -> None:
    page = await open_page(path, locale, viewport={"width": 320, "height": 800}, bypass_csp=True)
    faults = []
    for frame in page.frames:
        await frame.evaluate(axe)
        found = await frame.evaluate(RULES)
        faults += [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]
        assert await frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert (len(page.frames) > 1, faults) == (True, [])


async def test_a_form_in_a_frame_works_and_a_note_is_kept(open_page: Any) -> None:
    parking = (await open_page("apps/org.example.parking-finder", "ko-KR")).frame_locator("iframe")
    await parking.locator("#at").fill("37.56, 126.9721")
    await parking.locator("button").click()
    await parking.locator("tbody tr >> nth=1").wait_for()
    await until(lambda: first_row(parking, "9 m"), "the nearest comes first")
    assert await parking.locator("tbody th").all_inner_texts() == ["서울역 주차장", "시청 주차장"]
    desk = (await open_page("apps/org.example.road-desk", "en-GB")).frame_locator("iframe")
    await desk.locator("#note").fill("A <tow> truck")
    await desk.locator("button").click()
    await desk.get_by_text("A <tow> truck").wait_for()


async def first_row(frame: Any, text: str) -> bool:
    return text in await frame.locator("tbody tr >> nth=0").inner_text()


async def test_a_frame_reaches_nothing_of_the_city(open_page: Any) -> None:
    page = await open_page("apps/org.example.parking-finder", "en-GB")
    own = [frame for frame in page.frames if "/frames/" in frame.url]
    found = await own[0].evaluate(TRIES)
    assert found == ["null", "SecurityError", "SecurityError", "SecurityError", "TypeError", "TypeError", "done"]


async def test_what_is_simulated_is_told(open_page: Any) -> None:
    korean, english = [await open_page("apps/org.example.dust-alert", locale) for locale in ("ko-KR", "en-GB")]
    notes = [await page.frame_locator("iframe").locator(".note").inner_text() for page in (korean, english)]
    assert notes == [
        "모의 발송입니다. 실제로는 아무에게도 문자를 보내지 않습니다.",
        "This is simulated: no message is sent to anybody.",
    ]
