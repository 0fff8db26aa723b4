"""The pages of people on duty, without scripts: who may, what is shown, what is on record."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pypdfium2 import PdfDocument
from tests.browsing import Browser
from tests.operations.incidents import AGAIN, CRASH, HERE
from tests.people.operations.centre import Centre, open_centre

from madang.base.limits import INCIDENT_REPORTS_OPEN_MAX
from madang.context.writer import Writer
from madang.model.entity import Entity
from madang.model.operations import Create
from madang.people.ngsi.broker import Broker
from madang.trust.audit.log import decode_leaf
from madang.trust.audit.recorder import Recorder

pytestmark = pytest.mark.engine
LIST = "/operations"


@pytest.fixture
async def centre(pool: asyncpg.Pool, tmp_path: Path, recorder: Recorder, broker: Broker) -> AsyncIterator[Centre]:
    async with open_centre(pool, tmp_path, recorder, broker) as centre:
        yield centre


def said(browser: Browser) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", browser.page.text))


def camera(name: str, east: float) -> Create:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [HERE[0] + east, HERE[1]]}}
    body: dict[str, Any] = {"name": {"type": "Property", "value": name}, "location": place}
    return Create(Entity(f"urn:ngsi-ld:Camera:yard:{name}", ["Camera"], body))


async def test_who_is_not_on_duty_sees_nothing_of_it(centre: Centre) -> None:
    one = (await centre.house.book.report(CRASH)).id
    paths = [LIST, f"{LIST}/list", f"{LIST}/past", f"{LIST}/shift", f"{LIST}/incidents/{one}"]
    paths += [f"{LIST}/incidents/{one}/log", f"{LIST}/incidents/{one}/report.pdf"]
    citizen, analyst = await centre.signed_in("cho", "citizen"), await centre.signed_in("ana", "analyst")
    told = [[(await browser.get(path)).status_code for path in paths] for browser in (citizen, analyst)]
    nobody = centre.city.browser()
    assert told == [[403] * len(paths)] * 2
    assert ["/sign-in" in str((await nobody.get(path)).url) for path in paths] == [True] * len(paths)


async def test_an_auditor_reads_and_changes_nothing(centre: Centre) -> None:
    one = (await centre.house.book.report(CRASH)).id
    auditor, officer = await centre.signed_in("aud", "auditor"), await centre.signed_in("duty", "duty-officer")
    await auditor.get(f"{LIST}/incidents/{one}")
    assert (auditor.page.status_code, "/acknowledge" in auditor.page.text) == (200, False)
    await officer.get(f"{LIST}/incidents/{one}")
    stolen = {"csrf": re.findall(r'name="csrf" value="([^"]+)"', auditor.page.text)[0]}
    refused = await auditor.client.post(f"{LIST}/incidents/{one}/acknowledge", data=stolen)
    assert (refused.status_code, (await centre.house.book.get(one)).state) == (403, "open")


async def test_an_officer_opens_takes_and_ends_an_incident(centre: Centre, recorder: Recorder) -> None:
    officer = await centre.signed_in("duty", "duty-officer")
    await officer.get(LIST)
    assert "Nothing is going on." in said(officer)
    await officer.submit(
        f"{LIST}/incidents", kind="flood", severity="critical", title="지하차도 침수", latitude="37.5", longitude="127"
    )
    here = str(officer.page.url)
    assert here.endswith("/operations/incidents/1")
    assert "3 min to take it" in said(officer) or "1 min to take it" in said(officer)
    await officer.submit(f"{LIST}/incidents/1/acknowledge")
    await officer.submit(f"{LIST}/incidents/1/step", step="level", done="yes")
    await officer.submit(f"{LIST}/incidents/1/say", text="<b>수위</b> 1.2 m")
    await officer.submit(f"{LIST}/incidents/1/grade", severity="medium")
    await officer.submit(f"{LIST}/incidents/1/escalate", text="계속 비가 옴")
    await officer.submit(f"{LIST}/incidents/1/assign", owner=await centre.who("duty"))
    await officer.submit(f"{LIST}/incidents/1/resolve", text="")
    assert (officer.page.status_code, "Write 1 to 2,000 characters." in said(officer)) == (400, True)
    await officer.submit(f"{LIST}/incidents/1/resolve", text="배수 끝")
    told = said(officer)
    for words in (
        "Duty took it",
        "&lt;b&gt;수위&lt;/b&gt; 1.2 m",
        "changed severity from critical to medium",
        "escalated to level 1",
    ):
        assert words in told
    assert "resolved; steps left out: Close underpasses and riverside paths" in told
    who, page = await centre.who("duty"), await recorder.log.page(30, None, None, None, None)
    acts = [(one["who"], one["what"], one["outcome"]) for one in (decode_leaf(row["leaf"]) for row in reversed(page))]
    begun = [
        (who, f"incident.{name}", "accepted")
        for name in ("open", "acknowledge", "grade", "escalate", "assign", "resolve", "resolve")
    ]
    assert [one for one in acts if one[1].startswith("incident.")] == begun


async def test_merged_reports_are_shown_and_separated(centre: Centre) -> None:
    book = centre.house.book
    first, second = await book.report(CRASH), await book.report(AGAIN)
    officer = await centre.signed_in("duty", "duty-officer")
    await officer.get(f"{LIST}/incidents/{second.id}")
    assert f"This was merged into incident {first.id}." in said(officer)
    await officer.get(f"{LIST}/incidents/{first.id}")
    await officer.submit(f"{LIST}/incidents/{second.id}/separate")
    assert (await book.get(second.id)).merged_into is None
    await officer.get(f"{LIST}/incidents/{first.id}")
    await officer.submit(f"{LIST}/incidents/{first.id}/merge", into=str(second.id))
    assert (await book.get(first.id)).merged_into == second.id


async def test_the_nearest_cameras_are_told_as_far_as_the_reader_may_see_them(centre: Centre, writer: Writer) -> None:
    await writer.submit_many([camera("far", 0.004), camera("near", 0.001), camera("beyond", 0.02)])
    one = (await centre.house.book.report(CRASH)).id
    officer = await centre.signed_in("duty", "duty-officer")
    await officer.get(f"{LIST}/incidents/{one}?lang=ko")
    assert "가까운 카메라 near 88 m far 353 m 가까운 출동 차량 범위 안에 없음" in said(officer)


async def test_the_report_tells_what_happened_and_what_commands_did(
    centre: Centre, writer: Writer, pool: asyncpg.Pool
) -> None:
    await writer.submit(camera("eye", 0.001))
    one = await centre.house.book.report(CRASH)
    camera_id, told = "urn:ngsi-ld:Camera:yard:eye", {"why": "사고 현장을 봄", "detail": "turned"}
    sql = (
        "INSERT INTO command (id, at, who, kind, target, rank, status, intent, receipt)"
        " VALUES ($1, now(), $2, 'camera.turn', $3, $4, 'done', '{}', $5)"
    )
    await pool.execute(sql, "c1", "person:x", camera_id, "emergency", told)
    await pool.execute(sql, "c2", "app:signals", camera_id, "efficiency", told)
    await pool.execute(sql, "c3", "person:x", "urn:elsewhere", "emergency", told | {"why": "다른 곳"})
    officer = await centre.signed_in("duty", "duty-officer")
    await officer.get(f"{LIST}/incidents/{one.id}")
    await officer.submit(f"{LIST}/incidents/{one.id}/resolve", text="견인 완료")
    file = await officer.get(f"{LIST}/incidents/{one.id}/report.pdf?lang=ko")
    text = re.sub(r"\s+", " ", " ".join(page.get_textpage().get_text_range() for page in PdfDocument(file.content)))
    for words in ("대응 보고서: 1. 사거리 추돌", "교통사고, 높음, 종료", "두 대가 부딪힘", "견인 완료", "하지 않음",
                  "camera.turn", "사고 현장을 봄", "app:signals: camera.turn, done 1건"):  # fmt: skip
        assert words in text
    assert "다른 곳" not in text


async def test_a_shift_is_handed_over_on_pages(centre: Centre) -> None:
    one = (await centre.house.book.report(CRASH)).id
    anna, bo = await centre.signed_in("anna", "duty-officer"), await centre.signed_in("bo", "operator")
    await anna.get(f"{LIST}/incidents/{one}")
    await anna.submit(f"{LIST}/incidents/{one}/acknowledge")
    await anna.get(f"{LIST}/shift")
    await anna.submit(f"{LIST}/shift", receiver=await centre.who("bo"), text="견인차 오는 중")
    assert "/accept" not in anna.page.text
    await bo.get(f"{LIST}/shift")
    assert "견인차 오는 중" in said(bo)
    await bo.submit(f"{LIST}/shift/1/accept")
    assert ((await centre.house.book.get(one)).owner, "Hand-overs that wait" in said(bo)) == (
        await centre.who("bo"),
        False,
    )


async def test_anybody_reports_and_sees_what_becomes_of_it_and_no_more(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    await centre.house.book.report(replace(CRASH, title="남의 일"))
    citizen = await centre.signed_in("cho", "citizen")
    await citizen.get("/report")
    await citizen.submit("/report", kind="outage", title="가로등이 꺼짐", severity="critical")
    assert ("Your report arrived. Its number is 2." in said(citizen), "남의 일" in said(citizen)) == (True, False)
    made = await centre.house.book.get(2)
    assert (made.severity, made.kind, made.source) == ("medium", "outage", await centre.who("cho"))
    await citizen.submit("/report", kind="outage", title="가로등", latitude="37", longitude="abc")
    assert (citizen.page.status_code, "Give longitude and latitude together" in said(citizen)) == (400, True)
    monkeypatch.setattr("madang.people.operations.report.INCIDENT_REPORTS_OPEN_MAX", 1)
    await citizen.submit("/report", kind="outage", title="가로등")
    assert (citizen.page.status_code, INCIDENT_REPORTS_OPEN_MAX) == (429, 20)


@pytest.mark.parametrize("number", ["x", "-1", "9" * 16, "4711"])
async def test_what_is_no_incident_is_not_found_or_refused(centre: Centre, number: str) -> None:
    officer = await centre.signed_in("duty", "duty-officer")
    assert (await officer.get(f"{LIST}/incidents/{number}")).status_code in (400, 404)
