"""Rules and record as pages: who may read them, what they answer, and entries with the text that was hashed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import asyncpg
import pytest
from tests.browsing import Browser, City, ShiftedClock, open_city
from tests.callers import GATE

from madang.base.errors import BadRequest
from madang.context.store import Store
from madang.people.oversight.record import RecordDoor
from madang.people.oversight.rules import RulesDoor, question_of, what_of
from madang.people.policies import PolicyDoor
from madang.trust.audit.recorder import Recorder
from madang.trust.policy.simulation import What

pytestmark = pytest.mark.engine


@pytest.fixture
async def city(pool: asyncpg.Pool, tmp_path: Path, recorder: Recorder, store: Store) -> AsyncIterator[City]:
    policies = PolicyDoor(GATE, store, AsyncMock(return_value=()))
    rules: Any = partial(
        RulesDoor, policies=policies, app_names=AsyncMock(return_value=[("org.example.rides", "Rides")])
    )
    async with open_city(pool, tmp_path, recorder, ShiftedClock(), further=[rules, RecordDoor]) as city:
        yield city


async def opened(city: City, login: str, *roles: str) -> Browser:
    """Signed in with two factors."""
    await city.person(login, *roles, totp=True)
    browser = city.browser()
    await browser.get("/sign-in")
    await browser.sign_in(login)
    await browser.submit("/sign-in/code", code=city.code(login))
    return browser


async def ask(browser: Browser, who: str, action: str, what: str = "") -> str:
    await browser.get(f"/administration/policies?who={who}&action={action}&what={what}")
    return browser.page.text


@pytest.mark.parametrize("path", ["policies", "audit", "audit/0"])
async def test_only_who_may_read_it_sees_it(city: City, path: str) -> None:
    citizen, nobody = await opened(city, "jiho", "citizen"), city.browser()
    assert (await citizen.get(f"/administration/{path}")).status_code == 403
    assert "/sign-in" in str((await nobody.get(f"/administration/{path}")).url)


async def test_the_rules_are_told_in_words_and_judge_without_doing(city: City) -> None:
    auditor = await opened(city, "mina", "auditor")
    page = await ask(auditor, "role:citizen", "read", "Building")
    assert re.search(r'class="tag now">allowed</span>', page)
    assert 'href="#rule-public-read">public-read</a>' in page
    assert "denied" in await ask(auditor, "role:citizen", "command", "signal.stage")
    assert "denied" in await ask(auditor, "app:org.example.rides", "write", "Building")
    assert "allowed" in await ask(auditor, "role:auditor", "read", "service:audit")
    await auditor.get("/administration/policies?lang=ko")
    assert "시민, 키오스크, 이웃 도시: 공개된 유형의 현재를 읽기" in auditor.page.text


@pytest.mark.parametrize(
    ("asked", "words"),
    [("who=person:none&action=read", "nobody of that name"), ("who=role:citizen&action=dance", "no such action")],
)
async def test_a_question_that_makes_no_sense_is_told(city: City, asked: str, words: str) -> None:
    auditor = await opened(city, "mina", "auditor")
    page = await auditor.get(f"/administration/policies?{asked}")
    assert (page.status_code, words in page.text) == (200, True)


@pytest.mark.parametrize(
    ("action", "text", "what"),
    [
        ("read", "", What()),
        ("read", "Building", What(type="Building")),
        ("read", "urn:ngsi-ld:Building:x:1", What(entity="urn:ngsi-ld:Building:x:1")),
        ("read", "https://uri.example.org/T", What(type="https://uri.example.org/T")),
        ("command", "signal.stage", What(command="signal.stage")),
        ("manage", "service:apps", What(service="apps")),
    ],
)
def test_what_is_meant_is_seen_by_how_it_is_written(action: str, text: str, what: What) -> None:
    assert what_of(action, text) == what


def test_only_roles_of_people_can_be_asked_for() -> None:
    with pytest.raises(BadRequest):
        question_of({"who": "role:gardener", "action": "read", "what": ""}, [])


async def test_entries_are_found_paged_and_shown_as_they_were_hashed(city: City, recorder: Recorder) -> None:
    for number in range(60):
        recorder.after("madang", "test.act", f"<thing {number}>", detail="세부")
    await recorder.settle()
    auditor = await opened(city, "mina", "auditor")
    await auditor.get("/administration/audit?what=test.act")
    rows = re.findall(r'href="/administration/audit/(\d+)"', auditor.page.text)
    assert (len(rows), "&lt;thing 59&gt;" in auditor.page.text) == (50, True)
    onward = re.search(r'href="(\?what=test\.act&amp;before=\d+)"', auditor.page.text)
    assert onward is not None
    await auditor.get(f"/administration/audit{onward[1].replace('&amp;', '&')}")
    assert len(re.findall(r'href="/administration/audit/(\d+)"', auditor.page.text)) == 10
    page = await auditor.get(f"/administration/audit/{rows[0]}")
    assert ("<dd>세부</dd>" in page.text, "&#34;what&#34;:&#34;test.act&#34;" in page.text) == (True, True)
    assert [(await auditor.get(f"/administration/audit/{at}")).status_code for at in (10**9, "x")] == [404, 400]
