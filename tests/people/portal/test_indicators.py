"""Indicators as people see them: missing is shown as missing, who manages data enters values, and two cities are compared."""

from __future__ import annotations

import io
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
import sdmx
from pyjstat import pyjstat
from pypdf import PdfReader
from tests.conftest import drop_database
from tests.people.portal.publishing import Publishing, open_publishing

from madang.engine import database
from madang.lake.indicators.values import Values
from madang.people.portal.indicators import last_values
from madang.trust.audit.recorder import Recorder, open_recorder


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


async def test_a_set_is_printed_and_given_to_statisticians(city: Publishing, pool: asyncpg.Pool) -> None:
    values = Values(pool, city.house.clock)
    await values.enter("SC:SH:SI:4C", 2024, 70.0, "선거관리위원회", "official", "person:one")
    await values.enter("SC:SH:SI:4C", 2025, 71.5, "survey", "estimated", "person:one")
    async with httpx.AsyncClient(base_url=city.city.url, trust_env=False, timeout=20) as http:
        pdf, xml = [await http.get(f"open/indicators/u4ssc.{form}", params={"lang": "ko"}) for form in ("pdf", "xml")]
        none = await http.get("open/indicators/none.pdf")
    read = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.content)).pages)
    text = read.replace("\x00", "")  # as pypdf reads two-byte codes
    assert [
        word for word in ("마당시: U4SSC 지표", "71.5", "추정 · survey", "값이 없는 지표", "실업률") if word not in text
    ] == []
    told = sdmx.to_pandas(sdmx.read_sdmx(io.BytesIO(xml.content)), attributes="o").reset_index()
    columns = ["REF_AREA", "INDICATOR", "TIME_PERIOD", "value", "OBS_STATUS", "SOURCE"]
    assert told[columns].values.tolist() == [
        ["yard", "SC_SH_SI_4C", "2024", 70.0, "A", "선거관리위원회"],
        ["yard", "SC_SH_SI_4C", "2025", 71.5, "E", "survey"],
    ]
    assert none.status_code == 404


@pytest.fixture
async def other(server_dsn: str, tmp_path: Path, keys_dir: Path) -> AsyncIterator[Publishing]:
    """A second city: a database, a portal and an address of its own."""
    name = f"madang_other_{os.getpid()}"
    await database.ensure_database(server_dsn, name)
    dsn = urlsplit(server_dsn)._replace(path=f"/{name}").geturl()
    await database.migrate(dsn)
    async with await database.connect_pool(dsn, 1, 4) as pool:
        recorder = open_recorder(pool, tmp_path, "other")
        async with open_publishing(pool, dsn, tmp_path / "other", keys_dir, recorder) as there:
            await Values(pool, there.house.clock).enter("SC:SH:SI:3C", 2024, 20.0, "x", "official", "person:two")
            yield there
    await drop_database(server_dsn, name)


async def test_two_cities_are_compared(city: Publishing, pool: asyncpg.Pool, other: Publishing) -> None:
    await Values(pool, city.house.clock).enter("SC:SH:SI:3C", 2025, 12.5, "x", "official", "person:one")
    desk = city.city.browser()
    await desk.get("sign-in?next=/data/indicators")
    await desk.sign_in("admin")
    await desk.submit("/sign-in", code=city.city.code("admin"))
    text = (await desk.get(f"data/indicators?lang=en&with={other.city.url}")).text
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
