"""The privacy tools over HTTP: masked, checked, released; spent and on record before a figure is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
from tests.callers import GATE, READER, caller

from madang.base.city import PrivacyBudget
from madang.base.clock import ManualClock
from madang.base.limits import PRIVACY_REQUEST_MAX_CHARS, PRIVACY_ROWS_MAX, PRIVACY_TEXT_MAX_CHARS
from madang.people.gateway import Gateway
from madang.people.manage import Management
from madang.people.policies import PolicyDoor
from madang.people.privacy import Privacy
from madang.trust.audit.log import decode_leaf
from madang.trust.audit.recorder import Recorder
from madang.trust.caller import Caller
from madang.trust.privacy.ledger import Ledger

pytestmark = pytest.mark.engine
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
TRIPS = {"person": ["a", "a", "b", "c"], "km": [1, 2, 3, 4], "gu": ["종로", "종로", "강남", "강남"]}
COUNT = {"dataset": "trips", "columns": TRIPS, "person": "person", "measure": "count", "epsilon": 0.5}


def client_of(pool: asyncpg.Pool, recorder: Recorder, who: Caller) -> httpx.AsyncClient:
    nothing: Any = Mock()
    privacy = Privacy(Ledger(pool, {"trips": PrivacyBudget(1.0, 30)}), 5_179, ZoneInfo("Asia/Seoul"), ManualClock(NOW))
    manage = Management(
        {},
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        recorder,
        PolicyDoor(GATE, nothing, nothing),
        None,
        privacy,
    )
    app = Gateway(nothing, manage, nothing, nothing, nothing, nothing, nothing, who)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8600/madang/v1/privacy/")


@pytest.fixture
async def door(pool: asyncpg.Pool, recorder: Recorder) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(pool, recorder, caller("analyst")) as client:
        yield client


async def test_texts_places_and_times_are_told_less_exactly(door: httpx.AsyncClient) -> None:
    asked = {
        "texts": ["연락처는 010-1234-5678입니다.", "143번 버스"],
        "lang": "ko",
        "places": {"coordinates": [[126.978, 37.5665], [126.9781, 37.5666]], "cell_m": 1000},
        "times": {"values": ["2026-11-21T20:30:00Z"], "step_s": 3600},
    }
    answer = (await door.post("mask", json=asked)).json()
    assert answer["texts"] == [
        {
            "text": "연락처는 [전화번호]입니다.",
            "spans": [{"kind": "phone", "start": 5, "end": 18, "confidence": 1.0, "rule": "ko-pii.phone"}],
        },
        {"text": "143번 버스", "spans": []},
    ]
    assert answer["places"][0] == answer["places"][1] != [126.978, 37.5665]
    assert answer["times"] == ["2026-11-21T20:00:00.000Z"]


async def test_a_table_is_checked(door: httpx.AsyncClient) -> None:
    asked = {"columns": TRIPS, "quasi": ["gu", "km"], "sensitive": ["person"], "k": 2}
    assert (await door.post("check", json=asked)).json() == {
        "enough": False,
        "k": 1,
        "l": {"person": 1},
        "t": {"person": 0.75},
        "small": 4,
        "coarsen": [{"column": "km", "k": 2, "small": 0}],
    }


async def test_a_figure_is_on_record_and_spent_before_it_is_told(door: httpx.AsyncClient, recorder: Recorder) -> None:
    answers = [await door.post("release", json=COUNT | {"reason": "yearly"}) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 403]
    assert [one.json()["left"] for one in answers] == [0.5, 0.0, 0.0]
    assert isinstance(answers[0].json()["value"], int)
    await recorder.settle()
    leaves = [decode_leaf(one["leaf"]) for one in await recorder.log.page(9, None, None, None, None)]
    assert [(leaf["what"], leaf["whom"], leaf["why"], leaf["outcome"]) for leaf in reversed(leaves)] == [
        ("privacy.release", "trips", "yearly", "accepted"),
        ("privacy.release", "trips", "yearly", "accepted"),
        ("privacy.release", "trips", "yearly", "accepted"),
        ("privacy.release", "trips", "yearly", "refused"),
    ]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("mask", {"texts": ["x" * (PRIVACY_TEXT_MAX_CHARS + 1)]}, 413),
        (
            "mask",
            {"texts": ["x" * PRIVACY_TEXT_MAX_CHARS] * (PRIVACY_REQUEST_MAX_CHARS // PRIVACY_TEXT_MAX_CHARS + 1)},
            413,
        ),
        ("mask", {"texts": ["x"] * 101}, 400),
        ("mask", {"texts": [1]}, 400),
        ("mask", {"times": {"values": ["2026-11-21T20:30:00"]}}, 400),
        ("mask", {"other": 1}, 400),
        ("check", {"columns": {"a": [0] * (PRIVACY_ROWS_MAX + 1)}, "quasi": ["a"]}, 413),
        ("check", {"columns": {"a": [[0]]}, "quasi": ["a"]}, 400),
        ("check", {"columns": {}, "quasi": ["a"]}, 400),
        ("release", COUNT | {"dataset": "other"}, 404),
        ("release", COUNT | {"person": "other"}, 400),
        ("release", COUNT | {"measure": "sum", "value": "gu", "upper": 9}, 400),
        ("release", COUNT | {"epsilon": 0}, 400),
    ],
)
async def test_nonsense_is_refused_and_costs_nothing(
    door: httpx.AsyncClient, pool: asyncpg.Pool, path: str, body: dict[str, Any], status: int
) -> None:
    assert (await door.post(path, json=body)).status_code == status
    assert await pool.fetchval("SELECT count(*) FROM privacy_spent") == 0


@pytest.mark.parametrize("path", ["mask", "check", "release"])
async def test_readers_have_no_business_here(pool: asyncpg.Pool, recorder: Recorder, path: str) -> None:
    async with client_of(pool, recorder, READER) as client:
        assert (await client.post(path, json={})).status_code == 403
