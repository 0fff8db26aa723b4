"""The life of an app on its pages, without scripts: who may, what is shown, what is on record."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import asyncpg
import httpx
import pytest
from tests.browsing import Browser, City, ShiftedClock, forms_of, open_city
from tests.runtime.packages import MANIFEST, WHOLE, app_folder

from madang.base.clock import SystemClock
from madang.people.apps.doors import AppsDoor
from madang.runtime.apps import Apps
from madang.runtime.book import Book
from madang.runtime.doorman import Doorman
from madang.runtime.keeping import Keeping
from madang.runtime.logs import log_path
from madang.runtime.meter import Meter
from madang.runtime.package import pack
from madang.runtime.records import Event, Records
from madang.trust.audit.log import decode_leaf
from madang.trust.audit.recorder import Recorder

pytestmark = pytest.mark.engine
ID, HERE = "org.example.quiet", "/administration/apps"
PERSONAL = """
[[people]]
kind = "mobility"
members = ["wheelchair"]
purpose = "paths"
text = { ko = "길을 찾습니다", en = "find ways" }
retention_days = 7
"""


def manifest(version: str = "1.0", type_: str = "Tree", more: str = "") -> str:
    first, _, rest = MANIFEST.replace('version = "1.0"', f'version = "{version}"').partition("[[scopes]]")
    scope = rest.replace('type = "Tree"', f'type = "{type_}"\nattributes = ["height", "age"]')
    return f"{first}{WHOLE}\n[[scopes]]{scope}{more}"


class House:
    """The pages, and what is behind them."""

    def __init__(self, city: City, apps: Apps, records: Records, run_dir: Path) -> None:
        self.city, self.apps, self.records, self.run_dir = city, apps, records, run_dir
        self.state: dict[str, Any] = {}

    async def browser(self, *roles: str) -> Browser:
        login = f"who{len(roles)}{roles[0]}"
        await self.city.person(login, *roles, totp=True)
        browser = self.city.browser()
        await browser.get("/sign-in")
        await browser.sign_in(login)
        await browser.submit("/sign-in/code", code=self.city.code(login))
        return browser

    def package(self, text: str) -> bytes:
        folder = self.run_dir / f"folder{len(list(self.run_dir.iterdir()))}"
        return pack(app_folder(folder, text))


async def send(browser: Browser, action: str, package: bytes, **fields: str) -> httpx.Response:
    """The form with a file whose action that is."""
    form = next(one for one in forms_of(browser.page.text) if one.action == action)
    files = {"package": ("a.madang", package)}
    origin = {"origin": browser.base.rstrip("/")}
    data = {"csrf": form.fields["csrf"], **fields}
    return await browser._follow(await browser.client.post(action, data=data, files=files, headers=origin))


@pytest.fixture
async def house(pool: asyncpg.Pool, tmp_path: Path, recorder: Recorder) -> AsyncIterator[House]:
    state: dict[str, Any] = {}

    async def ask(request: dict[str, Any]) -> Any:
        return {"level": 3, "used": state, "events": [], "epoch": "1"}

    apps, records = Apps(pool, ask, tmp_path / "door", tmp_path / "apps"), Records(pool)
    apps.running.level = 3
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
        house = House(city, apps, records, tmp_path)
        house.state = state
        yield house


def said(browser: Browser) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", browser.page.text))


async def test_who_may_not_manage_apps_sees_none_of_it(house: House) -> None:
    citizen, nobody = await house.browser("citizen"), house.city.browser()
    assert [(await citizen.get(path)).status_code for path in (HERE, f"{HERE}/{ID}")] == [403, 403]
    assert "/sign-in" in str((await nobody.get(HERE)).url)


async def test_an_auditor_sees_and_changes_nothing(house: House) -> None:
    await house.apps.install(house.package(manifest()))
    officer = await house.browser("duty-officer")
    await officer.get(f"{HERE}/{ID}")
    assert officer.page.status_code == 200
    assert (await officer.submit(f"{HERE}/{ID}/enable")).status_code == 403
    assert not (await house.apps.find(ID)).wanted


async def test_a_package_is_installed_and_says_what_it_asks_for(house: House) -> None:
    operator = await house.browser("operator")
    await operator.get(HERE)
    page = await send(operator, HERE, house.package(manifest(more=PERSONAL)))
    assert str(page.url).endswith(f"{HERE}/{ID}")
    text = said(operator)
    for words in (
        "reads height, age of each Tree, nothing else of it: look at trees",
        "reads wheelchair of the mobility of people who agree, and keeps it for 7 days: find ways",
        "can send data out of the city, to api.example.org:443",
        "2 of 6",
        "Its publisher is not verified (−1)",
        "3: The kernel closes files and network",
    ):
        assert words in text
    await operator.get(f"{HERE}/{ID}?lang=ko")
    assert "Tree에서 height, age 값만 읽습니다: 나무를 봅니다" in said(operator)


async def test_what_is_no_package_is_told(house: House) -> None:
    operator = await house.browser("operator")
    await operator.get(HERE)
    page = await send(operator, HERE, b"MZ and so on")
    assert (page.status_code, "this is no package" in said(operator)) == (400, True)
    assert await house.apps.installed() == []


async def test_nobody_names_a_folder_of_the_machine(house: House) -> None:
    operator = await house.browser("operator")
    await operator.get(HERE)
    page = await send(operator, HERE, b"", path="/etc")
    assert (page.status_code, await house.apps.installed()) == (400, [])


async def test_rights_are_taken_and_given_back(house: House) -> None:
    await house.apps.install(house.package(manifest()))
    operator = await house.browser("operator")
    await operator.get(f"{HERE}/{ID}")
    form = next(one for one in forms_of(operator.page.text) if one.action.endswith("/narrow"))
    data = {**form.fields, "attributes[]": "height"}
    await operator._follow(
        await operator.client.post(form.action, data=data, headers={"origin": operator.base.rstrip("/")})
    )
    assert [scope.attributes for scope in (await house.apps.find(ID)).grants] == [["height"]]
    await operator.submit(f"{HERE}/{ID}/revoke")
    assert (await house.apps.grants_of(ID), "Nothing is granted" in said(operator)) == ((), True)
    await operator.submit(f"{HERE}/{ID}/grant")
    assert [scope.attributes for scope in (await house.apps.find(ID)).grants] == [["height", "age"]]
    assert "/grant" not in operator.page.text


async def test_an_update_waits_and_the_way_back_is_open(house: House) -> None:
    await house.apps.install(house.package(manifest()))
    operator = await house.browser("operator")
    await operator.get(f"{HERE}/{ID}")
    await send(operator, f"{HERE}/{ID}/update", house.package(manifest("2.0", "Bench")))
    assert "Version 2.0 waits" in said(operator)
    assert "reads height, age of each Bench, nothing else of it" in said(operator)
    await operator.submit(f"{HERE}/{ID}/accept")
    assert (await house.apps.find(ID)).version == "2.0"
    await operator.submit(f"{HERE}/{ID}/rollback")
    assert (await house.apps.find(ID)).version == "1.0"


async def test_another_apps_package_is_no_update(house: House) -> None:
    await house.apps.install(house.package(manifest()))
    operator = await house.browser("operator")
    await operator.get(f"{HERE}/{ID}")
    other = house.package(manifest("2.0").replace(f'id = "{ID}"', 'id = "org.example.other"'))
    page = await send(operator, f"{HERE}/{ID}/update", other)
    assert (page.status_code, "this is a package of org.example.other" in said(operator)) == (400, True)


async def test_what_happened_and_was_printed_and_used_is_shown(house: House) -> None:
    await house.apps.install(house.package(manifest()))
    await house.records.happened([Event(ID, datetime(2026, 11, 22, 9, 5, tzinfo=UTC), "refused", "fs.read_file <b>")])
    path = log_path(house.run_dir, ID)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("hello <script>alert(1)</script>\n")
    operator = await house.browser("operator")
    await operator.get(f"{HERE}/{ID}")
    assert "2026-11-22 09:05 UTC" in operator.page.text
    assert "fs.read_file &lt;b&gt;" in operator.page.text
    assert "hello &lt;script&gt;alert(1)&lt;/script&gt;" in operator.page.text


async def test_an_app_comes_and_goes_on_record(house: House, recorder: Recorder) -> None:
    operator = await house.browser("operator")
    await operator.get(HERE)
    await send(operator, HERE, house.package(manifest()))
    await operator.submit(f"{HERE}/{ID}/enable")
    assert (await house.apps.find(ID)).wanted
    await operator.submit(f"{HERE}/{ID}/disable")
    page = await operator.submit(f"{HERE}/{ID}/uninstall")
    assert (page.status_code, "Quiet is gone" in said(operator)) == (200, True)
    await recorder.settle()
    found = await recorder.log.page(100, None, None, None, None)
    entries: list[Any] = [decode_leaf(one["leaf"]) for one in found]
    assert sorted(one["what"] for one in entries if one["what"].startswith("app.")) == sorted(
        ["app.install", "app.start", "app.stop", "app.remove"] * 2 + ["app.grants"] * 2 + ["app.receipt"]
    )


async def test_an_old_form_does_nothing(house: House) -> None:
    await house.apps.install(house.package(manifest()))
    operator = await house.browser("operator")
    await operator.get(f"{HERE}/{ID}")
    answer = await operator.client.post(f"{HERE}/{ID}/uninstall", data={"csrf": "no"})
    assert (answer.status_code, len(await house.apps.installed())) == (403, 1)
