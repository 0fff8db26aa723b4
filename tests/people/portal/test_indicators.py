"""Indicators as people see them: missing is shown as missing, who manages data enters values, and two cities are compared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from pyjstat import pyjstat
from tests.people.portal.publishing import Publishing, open_publishing

from madang.lake.indicators.values import Values
from madang.people.portal.indicators import last_values
from madang.trust.audit.recorder import Recorder


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


async def test_two_cities_are_compared(city: Publishing, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer is a listener of its own that tells what this city told before."""
    await Values(pool, city.house.clock).enter("SC:SH:SI:3C", 2025, 10.0, "x", "official", "person:one")
    desk = city.city.browser()
    await desk.get("sign-in?next=/data/indicators")
    await desk.sign_in("admin")
    await desk.submit("/sign-in", code=city.city.code("admin"))
    peer = city.city.url.rstrip("/")
    same = (await desk.get(f"data/indicators?lang=en&with={peer}")).text
    nobody = await desk.get("data/indicators?lang=en&with=http://127.0.0.1:9")
    assert (same.count("(2025)"), "ahead" in same, nobody.status_code) == (1, False, 503)


async def test_strangers_do_not_make_the_city_ask_others(city: Publishing) -> None:
    async with httpx.AsyncClient(base_url=city.city.url, trust_env=False, timeout=20) as http:
        answer = await http.get("data/indicators", params={"with": "http://peer.example"})
    assert answer.headers["location"].startswith("/sign-in")


def test_the_last_value_of_each_counts() -> None:
    told = {
        "dimension": {
            "indicator": {"category": {"index": ["a", "b"]}},
            "year": {"category": {"index": ["2024", "2025"]}},
        },
        "value": [1.0, None, None, None],
    }
    assert last_values(told) == {"a": 1.0}
