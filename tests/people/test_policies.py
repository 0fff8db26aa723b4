"""The rules in force are shown, and what somebody could see or do under them is told, to who may know."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from tests.callers import caller

from madang.context.store import Store
from madang.model.context import CORE
from madang.model.entity import parse_entity
from madang.model.operations import Create
from madang.people.gateway import Gateway
from madang.people.manage import Management
from madang.people.ngsi.broker import Broker
from madang.people.policies import PolicyDoor
from madang.trust.caller import Caller
from madang.trust.policy.gate import open_gate
from madang.trust.policy.subjects import Grant

NOTHING: Any = Mock()
GATE = open_gate()
GATE.ruling.source.groups["public"] = ["A", "B"]
AUDITOR = caller("auditor", gate=GATE)
ANALYST = {"kind": "person", "id": "someone", "roles": ["analyst"]}
NEWS = {"kind": "app", "id": "org.example.news"}


async def grants_of(app_id: str) -> tuple[Grant, ...]:
    return {"org.example.news": (Grant("read", "Event", frozenset({"location"})), Grant("command", "sign.text"))}.get(
        app_id, ()
    )


def door(store: Store, who: Caller) -> httpx.AsyncClient:
    manage = Management({}, *[NOTHING] * 8, PolicyDoor(GATE, store, grants_of))
    app: Any = Gateway(NOTHING, manage, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, who)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://localhost:8600/madang/v1/policies"
    )


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"principal": ANALYST, "action": "read", "resource": {"service": "audit"}},
            {"decision": "deny", "rules": []},
        ),
        (
            {"principal": ANALYST | {"tenant": "x"}, "action": "read", "resource": {"service": "status"}, "tenant": "x"},
            {"decision": "allow", "rules": ["analyst-read"]},
        ),
        (
            {"principal": NEWS, "action": "command", "resource": {"command": "sign.text"}},
            {"decision": "allow", "rules": ["granted-command"]},
        ),
        (
            {"principal": NEWS, "action": "command", "resource": {"command": "sign.text"}, "grants": []},
            {"decision": "deny", "rules": []},
        ),
        (
            {"principal": ANALYST, "action": "read", "resource": {"type": "Person"}},
            {
                "decision": "deny",
                "rules": ["analyst-no-person-data", "analyst-read"],
                "entities": {"ko": "없음", "en": "none"},
                "attributes": {},
                "other_attributes": {"ko": "없음", "en": "none"},
            },
        ),
        (
            {"principal": NEWS, "action": "read"},
            {
                "decision": "some",
                "rules": ["granted-read"],
                "entities": {"ko": "유형이 Event", "en": "its type is Event"},
                "attributes": {"location": {"ko": "유형이 Event", "en": "its type is Event"}},
                "other_attributes": {"ko": "없음", "en": "none"},
            },
        ),
        (
            {"principal": {"kind": "person", "id": "kim", "roles": ["citizen"]}, "action": "write"},
            {
                "decision": "some",
                "rules": ["citizen-own"],
                "entities": {
                    "ko": "주인이 person:kim 그리고 (유형이 A 또는 유형이 B)이 아님",
                    "en": "its owner is person:kim and not (its type is A or its type is B)",
                },
                "attributes": {},
                "other_attributes": {
                    "ko": "주인이 person:kim 그리고 (유형이 A 또는 유형이 B)이 아님",
                    "en": "its owner is person:kim and not (its type is A or its type is B)",
                },
            },
        ),
        (
            {"principal": NEWS, "action": "read", "resource": {"entity": "urn:x:e"}},
            {"decision": "some", "rules": [], "open": ["location"], "closed": ["name"]},
        ),
        (
            {"principal": ANALYST, "action": "history", "resource": {"entity": "urn:x:e"}},
            {"decision": "allow", "rules": [], "open": ["location", "name"], "closed": []},
        ),
    ],
)  # fmt: skip
async def test_what_somebody_could_do(broker: Broker, asked: Any, told: Any) -> None:
    place = {"type": "Point", "coordinates": [1, 2]}
    await broker.writer.submit(
        Create(parse_entity({"id": "urn:x:e", "type": "Event", "name": "x", "location": place}, CORE))
    )
    async with door(broker.store, AUDITOR) as client:
        answer = await client.post("/simulate", json=asked)
    assert (answer.status_code, answer.json()) == (200, told | {"hash": GATE.ruling.source.hash})


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 400),
        ({"principal": ANALYST, "action": "fly"}, 400),
        ({"principal": ANALYST, "action": "read", "resource": {"type": "A", "entity": "urn:x"}}, 400),
        ({"principal": ANALYST, "action": "command"}, 400),
        ({"principal": ANALYST, "action": "manage", "resource": {"type": "A"}}, 400),
        ({"principal": ANALYST, "action": "read", "resource": {"entity": "urn:x:none"}}, 404),
    ],
)
async def test_a_question_that_makes_no_sense(broker: Broker, asked: Any, status: int) -> None:
    async with door(broker.store, AUDITOR) as client:
        assert (await client.post("/simulate", json=asked)).status_code == status


async def test_the_rules_in_force_are_listed_with_where_they_stand(store: Store) -> None:
    async with door(store, AUDITOR) as client:
        told = (await client.get("")).json()
    first = GATE.ruling.source.policies[0]
    assert told["policies"][0] == {
        "id": "everyone-public-services",
        "effect": "permit",
        "told": first.told,
        "file": "house.cedar",
        "line": first.line,
        "source": first.text,
    }
    assert (told["hash"], told["areas"], told["departments"]) == (GATE.ruling.source.hash, [], {})


@pytest.mark.parametrize(
    "role", ["operator", "duty-officer", "analyst", "department", "app", "citizen", "kiosk", "reader", ""]
)
async def test_others_learn_nothing_of_the_rules(store: Store, role: str) -> None:
    async with door(store, caller(role)) as client:
        told = [await client.get(""), await client.post("/simulate", json={})]
    assert [one.status_code for one in told] == [403, 403]
