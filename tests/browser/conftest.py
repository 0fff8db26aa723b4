"""Browser fixtures: a real Chromium over the double, or over the gateway that MADANG_TEST_URL names."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn

sys.path.insert(0, str(Path(__file__).parent))

from city_double import CityDouble
from double_tiles import make_tiles

async_playwright = pytest.importorskip("playwright.async_api").async_playwright

REAL_URL = os.environ.get("MADANG_TEST_URL", "")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
READY_MS = 30_000
Open = Callable[..., Awaitable[Any]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiles(tmp_path_factory.mktemp("tiles") / "city.pmtiles")


@pytest_asyncio.fixture(scope="session")
async def chromium() -> AsyncIterator[Any]:
    program = os.environ.get("MADANG_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def serve(double: CityDouble) -> AsyncIterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(double.app(), log_level="error", lifespan="off"))
        tasks = [asyncio.create_task(double.run()), asyncio.create_task(server.serve(sockets=[listener]))]
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            server.should_exit = server.force_exit = True
            await tasks[1]
            tasks[0].cancel()


@pytest.fixture
def cars() -> int:
    return 60


@pytest_asyncio.fixture
async def double(tiles: Path, cars: int) -> AsyncIterator[CityDouble]:
    """For tests that make things go wrong; a real gateway cannot be asked to."""
    if REAL_URL:
        pytest.skip("needs the double: MADANG_TEST_URL points at a real gateway")
    city = CityDouble(tiles, cars=cars)
    async with serve(city) as city.url:
        yield city


@pytest_asyncio.fixture
async def city_url(request: pytest.FixtureRequest, tiles: Path) -> AsyncIterator[str]:
    """For tests that only look: the real gateway when there is one, the double otherwise."""
    if REAL_URL:
        yield REAL_URL if REAL_URL.endswith("/") else f"{REAL_URL}/"
        return
    async with serve(CityDouble(tiles, cars=60)) as url:
        yield url


@pytest_asyncio.fixture
async def open_page(chromium: Any) -> AsyncIterator[Open]:
    """Open the page and wait until it says it is ready; at the end nothing may have gone outside or failed."""
    contexts: list[Any] = []
    faults: list[str] = []

    async def open_(url: str, *, language: str = "en", script: str = "", **options: Any) -> Any:
        locale = {"en": "en-US", "ko": "ko-KR"}[language]
        context = await chromium.new_context(**{"viewport": {"width": 960, "height": 540}, "locale": locale, **options})
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(15_000)
        origin = url.split("/")[2]
        page.on(
            "request",
            lambda r: (
                None
                if r.url.startswith(("blob:", "data:")) or r.url.split("/")[2] == origin
                else faults.append(f"outside: {r.url}")
            ),
        )
        page.on("pageerror", lambda e: faults.append(f"error: {e}"))
        page.on(
            "console", lambda m: faults.append(f"console: {m.text}") if "Content Security Policy" in m.text else None
        )
        if script:
            await page.add_init_script(script)
        await page.goto(url)
        await page.wait_for_selector("html[data-ready][data-data=ready]", timeout=READY_MS, state="attached")
        return page

    yield open_
    for context in contexts:
        await context.close()
    assert faults == []


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core from the page's own dev dependencies; kept nowhere else."""
    source = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
    if not source.exists():
        pytest.skip("no axe-core: run `npm ci` in web/")
    return source.read_text()
