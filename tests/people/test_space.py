"""A person's own space as a page, without scripts and in both languages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.browsing import Browser, City, ShiftedClock, open_city

from madang.people.personal.pages import SpaceDoor
from madang.trust.audit.recorder import Recorder
from madang.trust.consent.agreement import Ask
from madang.trust.consent.house import PersonalHouse
from madang.trust.consent.pseudonyms import Pseudonyms

pytestmark = pytest.mark.engine
APP, PURPOSE = "org.example.rides", "match-rides"


class Rides:
    """The one installed app."""

    async def of(self, app_id: str) -> list[Ask]:
        return [Ask("place", PURPOSE, frozenset({"name", "location"}), 7)]

    async def installed(self) -> set[str]:
        return {APP}

    async def page(self) -> list[dict[str, Any]]:
        text = {"ko": "가까운 이웃을 찾습니다", "en": "find neighbours nearby"}
        ask = {"kind": "place", "members": ["name", "location"], "purpose": PURPOSE, "text": text, "retentionDays": 7}
        return [{"app": APP, "name": {"ko": "함께 타기", "en": "Rides"}, "summary": text, "asks": [ask]}]


@pytest.fixture
def house(pool: asyncpg.Pool, recorder: Recorder) -> PersonalHouse:
    return PersonalHouse(pool, Pseudonyms(b"k"), ShiftedClock(), recorder, Rides())


@pytest.fixture
async def city(pool: asyncpg.Pool, tmp_path: Path, recorder: Recorder, house: PersonalHouse) -> AsyncIterator[City]:
    door: Any = partial(SpaceDoor, house=house, asking=Rides())
    async with open_city(pool, tmp_path, recorder, ShiftedClock(), further=[door]) as city:
        yield city


@pytest.fixture
async def mina(city: City) -> Browser:
    """At her space, with a place."""
    await city.person("mina", "citizen")
    browser = city.browser()
    await browser.get("/sign-in?next=/my-space")
    await browser.sign_in("mina")
    await browser.submit("/my-space/place", **{"place-name": "Home", "latitude": "37.566", "longitude": "126.978"})
    return browser


async def test_who_is_not_signed_in_signs_in_first(city: City) -> None:
    page = await city.browser().get("/my-space")
    assert (page.status_code, str(page.url)) == (200, f"{city.url}sign-in?next=/my-space")


async def test_what_is_written_down_is_shown_and_goes(mina: Browser) -> None:
    assert "Home (37.566, 126.978)" in mina.page.text
    await mina.submit("/my-space/place", **{"place-name": "Work", "latitude": "37.5", "longitude": "127"})
    await mina.submit("/my-space/journey", **{"journey-name": "To work", "days[]": "1", "time": "09:00"}, when="arriveBy",
                      origin=places(mina)["Home"], destination=places(mina)["Work"])  # fmt: skip
    assert "To work: Home → Work · Mon · be there by 09:00" in mina.page.text
    await mina.submit("/my-space/mobility", **{"needs[]": "wheelchair"}, walk="300")
    assert "wheelchair, how far I walk (m) 300" in mina.page.text
    await mina.submit("/my-space/device", **{"device-name": "Bracelet"})
    await mina.submit("/my-space/remove")
    assert "Bracelet" not in mina.page.text  # items stand by kind: a device is the first
    await mina.submit("/my-space/health", **{"ailments[]": "asthma"})
    assert '<span class="tag">Health</span> asthma' in mina.page.text
    await mina.submit("/my-space/contact", phone="010-1234-5678")
    assert 'value="010-1234-5678"' in mina.page.text


def places(browser: Browser) -> dict[str, str]:
    """The ids of the places that may be chosen, by name."""
    choices = browser.page.text.split('name="origin">')[1].split("</select>")[0]
    return {name: key for key, name in re.findall(r'value="(\w+)"[^>]*>(\w+)<', choices)}


async def test_an_app_is_shown_a_part_and_then_nothing(mina: Browser, house: PersonalHouse) -> None:
    await mina.submit("/my-space/agree", **{"members[]": "location", "days-0-1": "3"})
    assert "Shows location · kept 3 days" in mina.page.text
    (seen,) = await house.look(APP, PURPOSE, "place")
    assert list(seen.items.values()) == [{"location": {"type": "Point", "coordinates": [126.978, 37.566]}}]
    await mina.get("/my-space?lang=ko")
    assert "<td>함께 타기</td><td>장소: Home<br>" in mina.page.text
    await mina.submit("/my-space/withdraw")
    assert ("동의 철회" in mina.page.text, "기다리는 중" in mina.page.text) == (True, True)
    (due,) = await house.erasures.due(APP)
    await house.receipt(APP, due.id, {"erased": 2})
    assert "2건 지움" in (await mina.get("/my-space")).text


async def test_no_more_can_be_agreed_to_than_was_asked(mina: Browser) -> None:
    page = await mina.submit("/my-space/agree", **{"members[]": "location", "days-0-1": "8"})
    assert (page.status_code, "the app asked for 7 days" in page.text) == (400, True)


async def test_all_of_it_is_taken_away_and_deleted(mina: Browser, house: PersonalHouse) -> None:
    tables = await mina.client.get("/my-space/export?form=csv")
    assert (tables.headers["content-type"], tables.content[:2]) == ("application/zip", b"PK")
    refused = await mina.submit("/my-space/forget", sure="")
    assert refused.status_code == 400
    await mina.get("/my-space")
    await mina.submit("/my-space/forget", sure="yes")
    assert ("Nothing yet." in mina.page.text, "Nobody looked." in mina.page.text) == (True, True)


async def test_a_form_that_is_not_ours_does_nothing(mina: Browser) -> None:
    answer = await mina.client.post(
        "/my-space/forget", data={"sure": "yes"}, headers={"origin": "https://elsewhere.example"}
    )
    assert (answer.status_code, "Home" in (await mina.get("/my-space")).text) == (403, True)
