"""Rules on their pages: a sentence a person can read, tried on the past before it counts."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from tests.browsing import Browser
from tests.operations.incidents import NOON
from tests.people.operations.centre import Centre, open_centre
from tests.people.operations.forms import DUST, LIMIT

from madang.base.errors import BadRequest
from madang.context.writer import Writer
from madang.model.entity import Entity
from madang.model.operations import Append, Create
from madang.operations.incidents.procedures import read_procedures
from madang.operations.rules.rule import Combination, Rule, Threshold, read_rule
from madang.operations.rules.testing import played
from madang.people.identity.pages import texts
from madang.people.ngsi.broker import Broker
from madang.people.operations.rule_chart import chart
from madang.people.operations.rule_form import fields_of, rule_of, sentence
from madang.people.operations.shown import Reader
from madang.trust.audit.recorder import Recorder

HERE, STATION = "/operations/rules", "urn:ngsi-ld:AirQualityObserved:yard:1"
PROCEDURES = read_procedures()
FORMS = {
    "threshold": LIMIT,
    "rate": {"condition": "rate", "attribute": "level", "side": "below", "by": "0.5", "over": "10"},
    "absence": {"condition": "absence", "after": "15"},
    "geofence": {"condition": "geofence", "side": "outside", "longitude": "126.978", "latitude": "37.566", "radius": "50"},
    "combination": {**LIMIT, "condition": "combination", "joined": "all", "attribute2": "wind", "side2": "below", "limit2": "1"},
    "forecast": {"condition": "forecast", "attribute": "level", "side": "above", "limit": "3", "window": "30", "horizon": "20"},
}  # fmt: skip
SAID = {
    "threshold": "pm25 값이 75 초과인 (60에서 끝남)",
    "rate": "level 값이 10분 안에 0.5 이상 내린",
    "absence": "15분 동안 소식이 없는",
    "geofence": "37.56600, 126.97800에서 50 m 밖에 있는",
    "combination": "다음에 모두 해당하는(pm25 값이 75 초과인 (60에서 끝남), wind 값이 1 미만인)",
    "forecast": "최근 30분의 추세로 20분 안에 level 값이 3 초과가 될",
}  # fmt: skip


def reader(language: str) -> Reader:
    return Reader(language, ZoneInfo("Asia/Seoul"), {}, texts(language))


@pytest.mark.parametrize("condition", FORMS)
def test_a_form_is_a_rule_is_a_sentence_and_a_form_again(condition: str) -> None:
    form = DUST | FORMS[condition]
    rule = rule_of(form, PROCEDURES)
    told = f"AirQualityObserved 가운데 {SAID[condition]} 것이 있고 그 상태가 10분 이어지면 ‘대기 오염’ 상황을 ‘높음’ 등급으로 엽니다."
    assert (sentence(rule, PROCEDURES, reader("ko")), fields_of(rule)) == (told, form)


def test_the_sentence_in_english() -> None:
    one = read_rule(
        {
            "name": "x",
            "type": "T",
            "kind": "air",
            "severity": "low",
            "condition": {"condition": "absence", "after_s": 90},
        }
    )
    assert sentence(one, PROCEDURES, reader("en")) == (
        "When a thing of the type T was silent for 1.5 minutes, an incident of the kind ‘Air quality’ and of low severity opens."
    )


def test_a_combination_of_three_takes_what_is_filled_in() -> None:
    rule = rule_of(DUST | FORMS["combination"] | {"attribute3": " "}, PROCEDURES)
    assert rule.condition == Combination(
        "all", [Threshold("pm25", "above", 75.0, 60.0), Threshold("wind", "below", 1.0)]
    )


@pytest.mark.parametrize("wrong", [{"limit": "many"}, {"limit": ""}, {"kind": "dance"}, {"name": ""}, {"for": "-1"}])
def test_what_is_filled_in_wrongly_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        rule_of(DUST | LIMIT | wrong, PROCEDURES)


def test_the_picture_has_the_values_the_limit_and_the_alarms() -> None:
    rule = Rule("먼지", "AirQualityObserved", Threshold("pm25", "above", 75.0), "air", "high")
    rows = [
        {"entity_id": "a", "op": "u", "at": NOON + timedelta(minutes=m), "change": {"pm25": {"value": value}}}
        for m, value in ((0, 50), (10, 100), (20, 0), (40, 50))
    ]
    test = json.loads(json.dumps(played(rule, rows, 1, True, NOON + timedelta(minutes=40)).as_json()))
    assert chart(rule, test) == {
        "attribute": "pm25",
        "line": "10.0,90.0 165.0,10.0 320.0,170.0 630.0,90.0",
        "limits": [(50.0, 75.0)],
        "spans": [(165.0, 155.0)],
        "least": 0,
        "most": 100,
        "width": 640,
        "height": 180,
    }
    assert chart(rule, test | {"points": {"pm25": []}}) is None


@pytest.fixture
async def centre(pool: asyncpg.Pool, tmp_path: Path, recorder: Recorder, broker: Broker) -> AsyncIterator[Centre]:
    async with open_centre(pool, tmp_path, recorder, broker) as centre:
        yield centre


def said(browser: Browser) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", browser.page.text))


def station(value: float) -> Entity:
    body: dict[str, Any] = {"pm25": {"type": "Property", "value": value}}
    return Entity(STATION, ["AirQualityObserved"], body)


@pytest.mark.engine
async def test_a_rule_is_written_tried_armed_changed_and_retired(centre: Centre, writer: Writer) -> None:
    await writer.submit(Create(station(50)))
    for value in (80, 50, 90):
        await writer.submit(Append(station(value)))
    operator = await centre.signed_in("op", "operator")
    await operator.get(f"{HERE}/new?condition=threshold")
    await operator.submit(f"{HERE}/new", **DUST | LIMIT | {"clear": "90"})
    assert (operator.page.status_code, "It must end on the safe side" in said(operator)) == (400, True)
    await operator.submit(f"{HERE}/new", **DUST | LIMIT | {"for": ""})
    assert ("This version was not tried yet." in said(operator), "/arm" in operator.page.text) == (True, False)
    async with centre.house.rules.trying:
        await operator.submit(f"{HERE}/1/test")
    assert (operator.page.status_code, "Another rule is being tried." in said(operator)) == (429, True)
    await operator.submit(f"{HERE}/1/test")
    assert "Alarms it would have raised: 2. Things: 1, changes: 4." in said(operator)
    assert operator.page.text.count('<rect class="alarm"') == 2
    await operator.submit(f"{HERE}/1/arm")
    who = await centre.who("op")
    kept = await centre.house.rules.get(1)
    assert (kept.state, kept.armed_by, "Armed by Op" in said(operator)) == ("armed", who, True)
    await operator.get(f"{HERE}/1/edit")
    await operator.submit(f"{HERE}/1/edit", **DUST | LIMIT | {"limit": "85"})
    changed = await centre.house.rules.get(1)
    assert (changed.state, changed.version, changed.is_tested) == ("draft", 2, False)
    await operator.submit(f"{HERE}/1/retire")
    assert "There are no rules." in said(operator)


@pytest.mark.engine
async def test_who_is_on_duty_reads_rules_and_changes_none(centre: Centre) -> None:
    made = await centre.house.rules.make(rule_of(DUST | LIMIT, PROCEDURES), "person:x")
    officer, citizen = await centre.signed_in("duty", "duty-officer"), await centre.signed_in("cho", "citizen")
    await officer.get(f"{HERE}/{made}")
    csrf = re.findall(r'name="csrf" value="([^"]+)"', officer.page.text)[0]
    acts = [f"{HERE}/{made}/{act}" for act in ("test", "arm", "disarm", "retire", "edit")] + [f"{HERE}/new"]
    refused = [(await officer.client.post(act, data={"csrf": csrf})).status_code for act in acts]
    assert (officer.page.status_code, "/test" in officer.page.text, refused) == (200, False, [403] * len(acts))
    assert [(await citizen.get(path)).status_code for path in (HERE, f"{HERE}/{made}")] == [403, 403]
