"""Publishing as it goes on: versions follow one another, what is withdrawn says why, and people of the city decide at their desk."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pyarrow.parquet as pq
import pytest
from tests.people.portal.publishing import PLAIN, Publishing, open_publishing

from madang.lake.datasets.dataset import Described
from madang.trust.audit.recorder import Recorder


@pytest.fixture
async def city(
    pool: asyncpg.Pool, dsn: str, tmp_path: Path, keys_dir: Path, recorder: Recorder
) -> AsyncIterator[Publishing]:
    async with open_publishing(pool, dsn, tmp_path, keys_dir, recorder) as city:
        await city.publish("waste", PLAIN, Described({"ko": "쓰레기 배출량"}, licence="cc-by-4.0", themes=["ENVI"]))
        yield city


@pytest.fixture
async def http(city: Publishing) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=city.city.url, trust_env=False, timeout=20) as client:
        yield client


async def test_what_was_not_published_is_not_there_and_what_was_withdrawn_says_why(
    city: Publishing, http: httpx.AsyncClient
) -> None:
    await city.house.book.make("inner", Described({"en": "Inner"}), "person:one")
    await city.house.publications.withdraw("waste", "person:one", "wrong scales")
    paths = (
        "data/sets/{}",
        "open/datasets/{}/data.csv",
        "open/datasets/{}/about.ttl",
        "api/3/action/package_show?id={}",
    )
    inner = [(await http.get(path.format("inner"))).status_code for path in paths]
    waste = [await http.get(path.format("waste")) for path in paths]
    assert (inner, [one.status_code for one in waste]) == ([404] * 4, [410] * 4)
    assert "wrong scales" in waste[0].text


async def test_files_are_given_as_they_were_approved(city: Publishing, http: httpx.AsyncClient) -> None:
    await city.version("waste", {"dong": ["다동"], "kg": [1.0]})
    latest, first = [await http.get(f"open/datasets/waste/{path}") for path in ("data.csv", "versions/1/data.csv")]
    assert (latest.text, first.text.splitlines()[0], len(first.text.splitlines())) == (
        "dong,kg\n다동,1.0\n",
        "dong,kg",
        4,
    )
    assert latest.headers["content-disposition"] == 'attachment; filename="waste-2.csv"'
    table = pq.read_table(io.BytesIO((await http.get("open/datasets/waste/data.parquet")).content))
    assert table.column("dong").to_pylist() == ["다동"]
    part = await http.get("open/datasets/waste/data.csv", headers={"range": "bytes=0-3"})
    assert (part.status_code, part.text) == (206, "dong")


async def test_people_say_what_they_made_and_somebody_looks_first(city: Publishing, http: httpx.AsyncClient) -> None:
    await city.city.person("kim", "citizen")
    await city.city.person("admin", "administrator", totp=True)
    browser = city.city.browser()
    await browser.get("sign-in?next=/data/sets/waste")
    await browser.sign_in("kim")
    await browser.submit("/data/sets/waste/voice", kind="reuse", text="쉬어 가는 지도", address="https://maps.example/")
    before = (await http.get("data/reuses")).text
    desk = city.city.browser()
    await desk.get("sign-in?next=/data/desk")
    await desk.sign_in("admin")
    await desk.submit("/sign-in", code=city.city.code("admin"))
    await desk.submit("/data/voices/", answer="show", text="고맙습니다")
    after = (await http.get("data/reuses")).text
    assert ("쉬어 가는 지도" in before, "쉬어 가는 지도" in after) == (False, True)


async def test_a_version_is_approved_at_the_desk_by_somebody_else(city: Publishing) -> None:
    await city.city.person("admin", "administrator", totp=True)
    await city.house.publications.ask(await city.house.book.get("waste"), (), "person:one")
    await city.gate.once()
    desk = city.city.browser()
    await desk.get("sign-in?next=/data/desk")
    await desk.sign_in("admin")
    await desk.submit("/sign-in", code=city.city.code("admin"))
    await desk.submit("/data/publications/waste", answer="approve", why="fine")
    assert (await city.house.book.get("waste")).version == 2


async def test_who_manages_nothing_decides_nothing(city: Publishing) -> None:
    await city.city.person("kim", "citizen")
    browser = city.city.browser()
    await browser.get("sign-in?next=/data/desk")
    assert (await browser.sign_in("kim")).status_code == 403


async def test_who_manages_data_looks_up_lineage_and_strangers_see_that_of_indicators(
    city: Publishing, http: httpx.AsyncClient
) -> None:
    lineage, now = city.house.lineage, city.house.clock.now()
    await lineage.tell("roll", ["device:Loop"], ["observation:Loop"], now)
    await lineage.tell("indicator", ["observation:Loop"], ["indicator:EC:I:T:5A"], now)
    await city.city.person("admin", "administrator", totp=True)
    desk = city.city.browser()
    await desk.get("sign-in?next=/data/lineage")
    await desk.sign_in("admin")
    await desk.submit("/sign-in", code=city.city.code("admin"))
    found = (await desk.get("data/lineage?words=loop&lang=en")).text
    graph = (await desk.get("data/lineage?node=device:Loop&lang=en")).text
    known, unknown = [
        await http.get("data/lineage", params={"node": node, "lang": "en"})
        for node in ("indicator:EC:I:T:5A", "device:Loop")
    ]
    assert [found.count(name) for name in ("node=device%3ALoop", "node=observation%3ALoop")] == [1, 1]
    assert (graph.count('class="box"'), known.text.count('class="box"'), "Kept history" in known.text) == (3, 3, True)
    assert unknown.headers["location"].startswith("/sign-in")
