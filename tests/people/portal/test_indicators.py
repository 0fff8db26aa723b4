"""Indicators as people see them: missing is shown as missing, who manages data enters values, and two cities are compared."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import pytest
from aiohttp import web
from pyjstat import pyjstat
from tests.people.portal.publishing import Publishing, open_publishing

from madang.lake.indicators.definition import every
from madang.lake.indicators.jsonstat import told
from madang.lake.indicators.values import Value, Values
from madang.people.portal.indicators import last_values
from madang.trust.audit.recorder import Recorder

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
async def city(
    pool: asyncpg.Pool, dsn: str, tmp_path: Path, keys_dir: Path, recorder: Recorder
) -> AsyncIterator[Publishing]:
    async with open_publishing(pool, dsn, tmp_path, keys_dir, recorder) as city:
        await city.city.person("admin", "administrator", totp=True)
        yield city


async def test_who_manages_data_enters_what_is_missing(city: Publishing) -> None:
    async with httpx.AsyncClient(base_url=city.city.url, trust_env=False, timeout=20) as http:
        before = (await http.get("data/indicators", params={"lang": "en"})).text
        desk = city.city.browser()
        await desk.get("sign-in?next=/data/indicators/SC:SH:SI:4C")
        await desk.sign_in("admin")
        await desk.submit("/sign-in", code=city.city.code("admin"))
        given = {"year": "2025", "value": "71.5", "source": "Election Commission", "confidence": "official"}
        await desk.submit("/data/indicators/SC:SH:SI:4C", **given)
        wrong = await desk.submit("/data/indicators/SC:SH:SI:4C", **(given | {"value": "many"}))
        after = (await http.get("data/indicators", params={"lang": "en"})).text
        stat = (await http.get("open/indicators/u4ssc.json", params={"lang": "en"})).text
    assert ("0 of 91" in before, "1 of 91" in after, "Election Commission" in after) == (True, True, True)
    assert (before.count("missing"), after.count("missing"), wrong.status_code) == (91, 90, 400)
    read = pyjstat.Dataset.read(stat).write("dataframe")
    assert read.dropna()[["indicator", "year", "value"]].values.tolist() == [["Voter participation", "2025", 71.5]]


@pytest.fixture
async def peer() -> AsyncIterator[str]:
    """The address of a city that tells one value."""
    value = Value("SC:SH:SI:3C", 2024, 20.0, 0, "x", "official", "person:two", NOW)

    async def tell(request: web.Request) -> web.Response:
        return web.json_response(told(every()["u4ssc"], [value], "Peer", "en", NOW))

    app = web.Application()
    app.add_routes([web.get("/open/indicators/u4ssc.json", tell)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_two_cities_are_compared(city: Publishing, pool: asyncpg.Pool, peer: str) -> None:
    await Values(pool, city.house.clock).enter("SC:SH:SI:3C", 2025, 12.5, "x", "official", "person:one")
    desk = city.city.browser()
    await desk.get("sign-in?next=/data/indicators")
    await desk.sign_in("admin")
    await desk.submit("/sign-in", code=city.city.code("admin"))
    text = (await desk.get(f"data/indicators?lang=en&with={peer}")).text
    nobody = await desk.get("data/indicators?lang=en&with=http://127.0.0.1:9")
    (row,) = re.findall(r"<tr><td>SC:SH:SI:3C</td>.*?</tr>", text, re.DOTALL)
    cells = [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)]
    assert cells == ["SC:SH:SI:3C", "12.5 (2025)", "20 ahead", "%", "official x"]
    assert nobody.status_code == 503


async def test_strangers_do_not_make_the_city_ask_others(city: Publishing) -> None:
    async with httpx.AsyncClient(base_url=city.city.url, trust_env=False, timeout=20) as http:
        answer = await http.get("data/indicators", params={"with": "http://peer.example"})
    assert answer.headers["location"].startswith("/sign-in")


def test_the_last_value_of_each_counts() -> None:
    stat = {
        "dimension": {
            "indicator": {"category": {"index": ["a", "b"]}},
            "year": {"category": {"index": ["2024", "2025"]}},
        },
        "value": [1.0, None, None, None],
    }
    assert last_values(stat) == {"a": 1.0}
