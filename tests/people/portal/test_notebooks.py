"""Notebooks as people use them: questions with pictures of their answers, kept, shared, exported, each by whoever looks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.browsing import Browser
from tests.people.portal.publishing import BENCHES, PLAIN, TOLD, Publishing, open_publishing

from madang.context.writer import Writer
from madang.lake.catalogue.notebooks import Cell
from madang.lake.datasets.dataset import Described
from madang.model.context import CORE
from madang.model.entity import parse_entity
from madang.model.operations import Append
from madang.people.portal.charts import Bar
from madang.people.portal.notebooks import changed
from madang.people.portal.plotting import Lines, around, plot, points_of
from madang.trust.audit.recorder import Recorder

SQL = "SELECT dong, sum(kg) AS kg FROM waste GROUP BY dong ORDER BY dong"


@pytest.fixture
async def city(
    pool: asyncpg.Pool, dsn: str, tmp_path: Path, keys_dir: Path, recorder: Recorder
) -> AsyncIterator[Publishing]:
    async with open_publishing(pool, dsn, tmp_path, keys_dir, recorder) as city:
        for login, role in (("kim", "analyst"), ("lee", "analyst"), ("citizen", "citizen")):
            await city.city.person(login, role)
        await city.publish("waste", PLAIN, Described({"ko": "쓰레기 배출량"}, licence="cc-by-4.0"))
        yield city


async def signed_in(city: Publishing, login: str) -> Browser:
    browser = city.city.browser()
    await browser.get("sign-in?next=/data/notebooks")
    await browser.sign_in(login)
    return browser


def cell(place: int, text: str, show: str = "table", kind: str = "sql") -> dict[str, str]:
    return {f"cell-{place}-kind": kind, f"cell-{place}-text": text, f"cell-{place}-show": show}


async def made(browser: Browser, *cells: dict[str, str], **more: str) -> str:
    """Its address, with those cells; what the page then shows stands in `browser`."""
    await browser.get("data/notebooks?lang=en")
    page = await browser.submit("/data/notebooks", title="Waste")
    path = page.url.path
    fields = {name: value for one in cells for name, value in one.items()}
    await browser.submit(path, title="Waste", act="run", **({"shared_with": ""} | more), **fields)
    return path


async def test_a_question_is_answered_with_a_chart_kept_and_exported(city: Publishing) -> None:
    kim = await signed_in(city, "kim")
    path = await made(kim, cell(0, "How much waste?", kind="text"), cell(1, SQL, "chart"), cell(2, "FROM nothing"))
    text = (await kim.get(f"{path[1:]}?run=1")).text
    exported = await kim.get(f"{path[1:]}/answer?cell=1")
    rows = re.findall(r"<td>(.*?)</td>", text)
    assert (rows, text.count("<rect "), "there is no table nothing" in text) == (
        ["가동", "10.5", "나동", "2.5"],
        2,
        True,
    )
    assert (exported.text, exported.headers["content-type"]) == ("dong,kg\r\n가동,10.5\r\n나동,2.5\r\n", "text/csv")
    edges = await city.house.lineage.around("dataset:waste")
    assert ("dataset:waste", "ask", f"notebook:{path.rpartition('/')[2]}") in [
        (one.input, one.job, one.output) for one in edges
    ]


async def test_a_map_has_the_streets_of_the_city_under_it(city: Publishing, writer: Writer) -> None:
    street = {"type": "LineString", "coordinates": [[126.9, 37.54], [127.05, 37.55]]}
    road = {"id": "urn:ngsi-ld:RoadSegment:1", "type": "RoadSegment", "roadClass": "primary", "location": street}
    await writer.submit(Append(parse_entity(road, CORE), create=True))
    await city.publish("benches", BENCHES, TOLD)
    kim = await signed_in(city, "kim")
    await made(kim, cell(0, "SELECT 127.0 AS lon, 37.545 AS lat UNION ALL SELECT 127.01, 37.55", "map"))
    text = (await kim.get("data/notebooks")).text
    path = re.findall(r'href="/(data/notebooks/\d+)"', text)[0]
    pages = [(await kim.get(one)).text for one in (f"{path}?run=1", "data/sets/benches")]
    assert [(page.count("<circle "), page.count('class="street"')) for page in pages] == [(2, 1), (3, 1)]


async def test_what_is_shared_is_run_by_whoever_opens_it_and_changed_by_its_owner(city: Publishing) -> None:
    kim, lee, citizen = [await signed_in(city, login) for login in ("kim", "lee", "citizen")]
    path = await made(kim, cell(0, SQL))
    hidden = await lee.get(path[1:])
    await kim.get(path[1:])
    await kim.submit(path, title="Waste", act="save", shared_with="analyst", **cell(0, SQL))
    shown, stranger = await lee.get(f"{path[1:]}?run=1"), await citizen.get(path[1:])
    assert (hidden.status_code, shown.status_code, stranger.status_code) == (404, 200, 403)
    assert ("10.5" in shown.text, "<textarea" in shown.text) == (True, False)
    await kim.get(path[1:])
    gone = await kim.submit(path, title="Waste", act="drop", shared_with="", **cell(0, SQL))
    assert ("Waste" in gone.text, (await lee.get(path[1:])).status_code) == (False, 404)


A, B, C = Cell("sql", "a"), Cell("text", "b"), Cell("sql", "c")


@pytest.mark.parametrize(
    ("act", "cells"),
    [
        ("run", [A, B, C]),
        ("up-2", [A, C, B]),
        ("up-0", [A, B, C]),
        ("remove-1", [A, C]),
        ("remove-9", [A, B, C]),
        ("add-sql", [A, B, C, Cell("sql")]),
        ("add-text", [A, B, C, Cell("text")]),
        ("add-9", [A, B, C]),
    ],
)
def test_buttons_change_cells(act: str, cells: list[Cell]) -> None:
    assert changed([A, B, C], act) == cells


@pytest.mark.parametrize(
    ("rows", "picture"),
    [
        ([["2026-11-22T01:00:00", 1], ["2026-11-22T03:00:00", 3], ["2026-11-22T02:00:00", None]],
         Lines([("n", "0.0,120.0 320.0,0.0")], "2026-11-22T01:00:00", "2026-11-22T03:00:00", "1", "3")),
        ([["가", 2], ["나", -1]], [Bar(0, 1.0, 320.0, 58.0, "가: 2"), Bar(0, 61.0, 0.0, 58.0, "나: -1")]),
        ([["가", "나"]], None),
        ([["가", True]], None),
        ([], None),
    ],
)  # fmt: skip
def test_numbers_make_a_picture(rows: Sequence[Sequence[Any]], picture: object) -> None:
    assert plot(["at", "n"], rows) == picture


@pytest.mark.parametrize(
    ("names", "row", "points"),
    [
        (["경도", "위도"], [127.0, 37.5], [(127.0, 37.5)]),
        (["lon", "lat"], ["127.0", "37.5"], [(127.0, 37.5)]),
        (["text"], ['{"type":"LineString","coordinates":[[127,37.5],[128,38]]}'], [(127.0, 37.5)]),
        (["text"], ['{"coordinates": []}'], []),
        (["text"], ["nowhere"], []),
    ],
)
def test_places_are_known(names: list[str], row: list[Any], points: list[tuple[float, float]]) -> None:
    assert points_of(names, [row]) == points


def test_some_ground_lies_around_places() -> None:
    assert (around([(127.0, 37.5)]), around([])) == (pytest.approx((126.999, 37.499, 127.001, 37.501)), None)
