"""The pages of apps in a real browser: without scripts, by keyboard, in both languages, at 320 px, as axe sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import asyncpg
import pytest
import pytest_asyncio
from tests.browsing import City, ShiftedClock, open_city
from tests.runtime.packages import MANIFEST, WHOLE, app_folder

from madang.base.clock import SystemClock
from madang.people.apps.doors import AppsDoor
from madang.runtime.apps import Apps
from madang.runtime.book import Book
from madang.runtime.doorman import Doorman
from madang.runtime.keeping import Keeping
from madang.runtime.meter import Meter
from madang.runtime.package import pack
from madang.runtime.records import Event, Records
from madang.trust.audit.recorder import Recorder

ID, LOCALES = "org.example.quiet", {"en": "en-US", "ko": "ko-KR"}
FIRST, _, REST = MANIFEST.partition("[[scopes]]")
TEXT = f"{FIRST}{WHOLE}\n[[scopes]]" + REST.replace('"Tree"', '"Tree"\nattributes = ["height", "age"]')


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "quiet.madang"
    path.write_bytes(pack(app_folder(tmp_path / "quiet", TEXT)))
    return path


@pytest_asyncio.fixture
async def city(pool: asyncpg.Pool, tmp_path: Path, recorder: Recorder, package: Path) -> AsyncIterator[City]:
    used = {
        ID: {
            "memory_bytes": 5_000_000,
            "storage_bytes": 2_000_000,
            "processes": 2,
            "cpu_s": 1.5,
            "cpu_source": "1",
            "storage_byte_s": 9e6,
        }
    }

    async def ask(request: dict[str, Any]) -> Any:
        return {"level": 3, "used": used, "events": [], "epoch": "1"}

    apps, records = Apps(pool, ask, tmp_path / "door", tmp_path / "apps"), Records(pool)
    meter = Meter(pool, tmp_path / "meter", SystemClock())
    keeping = Keeping(apps, records, meter, Doorman(records.every))
    book = Book(tmp_path, records, meter, keeping, SystemClock())
    door: Any = partial(
        AppsDoor,
        apps=apps,
        book=book,
        components=lambda: {f"app:{ID}": {"state": "running"}},
        folders=AsyncMock(return_value=[]),
    )
    async with open_city(pool, tmp_path, recorder, ShiftedClock(), further=[door]) as city:
        await keeping.once()
        city.there = apps, records, meter  # type: ignore[attr-defined]
        yield city


@pytest_asyncio.fixture
async def operator(chromium: Any, city: City) -> AsyncIterator[Any]:
    """Makes a page of somebody who is signed in."""
    contexts: list[Any] = []
    person = await city.person("mina", "operator")

    async def make(language: str, **options: Any) -> Any:
        context = await chromium.new_context(locale=LOCALES[language], **options)
        contexts.append(context)
        token = await city.identity.sessions.begin(person.id, ("hwk", "user", "mfa"), "", "")
        name = f"madang-session-{city.url.rsplit(':', 1)[1].strip('/')}"
        await context.add_cookies([{"name": name, "value": token, "url": city.url}])
        page = await context.new_page()
        page.set_default_timeout(15_000)
        return page

    yield make
    for context in contexts:
        await context.close()


async def installed(city: City, package: Path) -> None:
    """Running, with something to show."""
    apps, records, meter = city.there  # type: ignore[attr-defined]
    await apps.install(package.read_bytes())
    await apps.enable(ID)
    at = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)
    kinds = (
        "refused",
        "forged",
        "flooded",
        "no_consent",
        "out_of_memory",
        "crashed",
        "held",
        "storage_full",
        "too_many_processes",
    )
    await records.happened(
        [Event(ID, at, kind, "fs.read_file /run/apps/of-somebody-else/a-long-name-of-a-file.txt") for kind in kinds]
    )
    meter.count(ID, "", {"reads": 12_345, "writes": 6, "messages": 99})
    await meter.sweep()


async def test_an_app_comes_and_goes_by_keyboard_without_scripts(operator: Any, city: City, package: Path) -> None:
    page = await operator("en", java_script_enabled=False)
    await page.goto(f"{city.url}administration/apps")
    await page.set_input_files("#package", str(package))
    await page.focus("form[enctype] button")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{city.url}administration/apps/{ID}")
    for act in ("enable", "revoke", "grant", "disable", "uninstall"):
        await page.focus(f"form[action$='/{act}'] button")
        await page.keyboard.press("Enter")
        await page.wait_for_load_state("load")
    assert await page.inner_text(".good") == "Quiet is gone"


@pytest.mark.parametrize("path", ["administration/apps", f"administration/apps/{ID}"])
@pytest.mark.parametrize("language", ["ko", "en"])
async def test_the_pages_fit_a_small_screen_and_have_no_fault(
    operator: Any, city: City, package: Path, axe: str, language: str, path: str
) -> None:
    await installed(city, package)
    page = await operator(language, viewport={"width": 320, "height": 800}, bypass_csp=True)
    await page.goto(f"{city.url}{path}?lang={language}")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    await page.evaluate(axe)
    found = await page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
