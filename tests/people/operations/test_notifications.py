"""What people want to be told of, on its pages: their own, and those of the city with what was sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import time
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from tests.operations.incidents import CRASH
from tests.people.operations.centre import SEOUL, Centre, open_centre

from madang.base.errors import BadRequest, NotFound
from madang.operations.incidents.procedures import read_procedures
from madang.operations.notifying.nouns import Hours, Reach, Wish
from madang.operations.notifying.telling import Teller
from madang.people.identity.pages import texts
from madang.people.ngsi.broker import Broker
from madang.people.operations.notify_form import reach_of, sentence, wish_of
from madang.people.operations.shown import Reader
from madang.trust.audit.recorder import Recorder

HERE, PROCEDURES = "/operations/notifications", read_procedures()
FORM = {
    "steps[]": "opened overdue", "severity": "high", "kinds[]": "fire", "since": "22:00", "until": "07:00", "channels[]": "sms",
}  # fmt: skip
WISH = Wish("role:operator", ("sms",), ("opened", "overdue"), "high", ("fire",), Hours(time(22), time(7)))
REACH = {"language": "en", "email": " bo@example.org", "sms": "+82 10-1234-5678", "since": "23:00", "until": "06:30"}
REACH |= {"breaks": "critical"}


@pytest_asyncio.fixture
async def centre(pool: asyncpg.Pool, tmp_path: Path, recorder: Recorder, broker: Broker) -> AsyncIterator[Centre]:
    async with open_centre(pool, tmp_path, recorder, broker) as centre:
        yield centre


def test_forms_are_wishes_and_addresses() -> None:
    reach = Reach("en", {"email": "bo@example.org", "sms": "+821012345678"}, Hours(time(23), time(6, 30)), "critical")
    assert (wish_of(FORM, "role:operator", PROCEDURES, ["sms"]), reach_of(REACH, "ko")) == (WISH, reach)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("ko", "화재, 심각도 ‘높음’ 이상: 새 상황, 제한 시간 초과. 22:00부터 07:00까지, 방법: 문자 메시지(SMS)."),
        ("en", "Fire, severity high or higher: a new incident, a limit that passed; from 22:00 until 07:00, by Text message (SMS)."),
    ],
)  # fmt: skip
def test_a_wish_is_a_sentence(language: str, told: str) -> None:
    assert sentence(WISH, PROCEDURES, Reader(language, SEOUL, {}, texts(language))) == told


@pytest.mark.parametrize(
    "wrong", [{"channels[]": "email"}, {"steps[]": ""}, {"until": ""}, {"until": "22:00"}, {"since": "25:00"}, {"severity": "x"}]
)  # fmt: skip
def test_a_wish_that_says_too_little_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        wish_of(FORM | wrong, "role:operator", PROCEDURES, ["sms"])


@pytest.mark.parametrize("wrong", [{"sms": "010-1234-5678"}, {"email": "bo"}, {"language": "fr"}, {"until": ""}])
def test_an_address_that_is_none_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        reach_of(REACH | wrong, "ko")


@pytest.mark.engine
async def test_a_duty_officer_says_what_and_how_and_sees_what_was_sent(centre: Centre) -> None:
    bo = await centre.signed_in("bo", "duty-officer")
    await bo.get(HERE)
    await bo.submit(f"{HERE}/reach", **{**REACH, "since": "", "until": ""})
    await bo.submit(
        f"{HERE}/wishes",
        **{"steps[]": "opened", "severity": "low", "kinds[]": "", "channels[]": "sms", "since": "", "until": ""},
    )
    made = await centre.house.book.report(CRASH)
    await Teller(centre.house.notify, SEOUL).once()
    shown = await bo.get(HERE)
    assert ("+821012345678" in shown.text, f"/operations/incidents/{made.id}" in shown.text) == (True, True)
    city = await bo.get(f"{HERE}/city")
    (kept,) = await centre.house.notify.wishes()
    await bo.get(HERE)
    await bo.submit(f"{HERE}/{kept.id}/remove")
    assert (city.status_code, await centre.house.notify.wishes()) == (403, [])


@pytest.mark.engine
async def test_an_administrator_says_for_a_role_and_nobody_removes_that_of_another(centre: Centre) -> None:
    anna, bo = await centre.signed_in("anna", "administrator"), await centre.signed_in("bo", "duty-officer")
    await anna.get(f"{HERE}/city")
    await anna.submit(f"{HERE}/city", who="role:duty-officer", **FORM)
    (kept,) = await centre.house.notify.wishes()
    page = await bo.get(HERE)
    await bo.submit(f"{HERE}/wishes", **FORM)
    own = (await centre.house.notify.wishes())[1]
    await bo.get(HERE)
    await bo.submit(f"{HERE}/{own.id}/remove")
    with pytest.raises(NotFound):
        await centre.house.notify.remove(kept.id, own.wish.who)
    left = [one.wish.who for one in await centre.house.notify.wishes()]
    await anna.get(f"{HERE}/city")
    await anna.submit(f"{HERE}/{kept.id}/withdraw")
    assert (kept.wish.who, "역할 모두에게" in page.text or "with the role" in page.text, left) == (
        "role:duty-officer", True, ["role:duty-officer"],
    )  # fmt: skip
    assert await centre.house.notify.wishes() == []


@pytest.mark.engine
async def test_who_reads_no_incidents_has_no_notifications_of_them(centre: Centre) -> None:
    citizen = await centre.signed_in("cho", "citizen")
    assert [(await citizen.get(f"{HERE}{path}")).status_code for path in ("", "/city")] == [403, 403]
