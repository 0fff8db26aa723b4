"""A verdict becomes an Alert, an entry of the record and, where the city says so, a hold that a person can end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import Mock

import asyncpg
import httpx
import pytest
from tests.callers import GATE, READER, caller
from tests.waiting import until

from madang.base.city import CityConfig, DefenceSettings
from madang.cli.defence import open_watch, watched
from madang.context.store import Store
from madang.context.writer import Writer
from madang.model.entity import Entity
from madang.model.operations import Create, Operation
from madang.people.gateway import Gateway
from madang.people.http import Request, Response
from madang.people.manage import Management
from madang.people.policies import PolicyDoor
from madang.trust.audit.log import decode_leaf
from madang.trust.audit.recorder import Recorder
from madang.trust.caller import Caller
from madang.trust.defence.guard import Guard
from madang.trust.defence.watch import Watch

pytestmark = pytest.mark.engine
THIEF = "person:thief"
ACTS: dict[str, Any] = {"scanning": "quarantine"}


class Plain:
    async def handle(self, request: Request) -> Response:
        return Response(404)


@pytest.fixture
def watch(pool: asyncpg.Pool, writer: Writer, recorder: Recorder) -> Watch:
    city = CityConfig("yard", {"en": "Yard"}, "UTC", "nobody", defence=DefenceSettings(acts=ACTS))
    return open_watch(pool, writer, recorder.log, city)


@pytest.fixture
def guard() -> Guard:
    return Guard(DefenceSettings(acts=ACTS))


@pytest.fixture
async def thief(guard: Guard, watch: Watch, recorder: Recorder) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with a token, from elsewhere; an operator's has another."""
    nothing: Any = Mock()

    async def by_token(token: str) -> Caller | None:
        return {"thief": caller("reader", name="thief"), "chief": caller("operator", name="chief")}.get(token)

    manage = Management({}, *[nothing] * 7, recorder, PolicyDoor(GATE, nothing, nothing), None, None, watch.verdicts)
    app = Gateway(nothing, manage, nothing, Plain(), nothing, nothing, by_token, READER, guard=guard)
    transport = httpx.ASGITransport(app=app, client=("192.0.2.66", 1))  # type: ignore[arg-type]
    async with httpx.AsyncClient(
        transport=transport, base_url="http://city.example", headers={"authorization": "Bearer thief"}
    ) as client:
        yield client


CHIEF = {"authorization": "Bearer chief"}


async def scan(client: httpx.AsyncClient) -> None:
    for number in range(30):
        await client.get(f"/{number}.php")


async def end_window(watch: Watch, guard: Guard) -> None:
    """As if the window were over."""
    watch.detector._began_s = 0.0
    await watch.look(guard)


async def test_who_scans_is_held_back_until_somebody_releases_them(
    thief: httpx.AsyncClient, watch: Watch, guard: Guard, store: Store, recorder: Recorder
) -> None:
    await scan(thief)
    await watch.look(guard)
    await end_window(watch, guard)
    refused = await thief.get("/version")
    (told,) = (await thief.get("/madang/v1/verdicts", headers=CHIEF)).json()
    (row,) = await store.list_by_id([told["id"]])
    shown = {name: body["value"] for name, body in row.entity.body.items()}
    released = await thief.post(f"/madang/v1/verdicts/{told['id']}/release", headers=CHIEF)
    await watch.look(guard)
    assert (refused.status_code, refused.json()["verdict"], released.status_code) == (403, told["id"], 204)
    assert (await thief.get("/version")).status_code == 200
    assert (told["kind"], told["subject"], told["act"], told["features"][0]["value"]) == (
        "scanning",
        THIEF,
        "quarantine",
        30,
    )
    assert (row.entity.types, shown["category"], shown["severity"], shown["alertSource"]) == (
        ["Alert"],
        "security",
        "medium",
        THIEF,
    )
    await recorder.settle()
    leaves = [decode_leaf(one["leaf"]) for one in reversed(await recorder.log.page(9, None, None, None, None))]
    assert [(one["who"], one["what"], one["whom"], one["outcome"]) for one in leaves] == [
        ("madang", "defence.verdict", THIEF, "done"),
        ("person:chief", "defence.release", told["id"], "accepted"),
        ("person:chief", "defence.release", told["id"], "done"),
    ]


async def test_a_released_verdict_cannot_be_released_again(
    thief: httpx.AsyncClient, watch: Watch, guard: Guard
) -> None:
    await scan(thief)
    await watch.look(guard)
    await end_window(watch, guard)
    (told,) = (await thief.get("/madang/v1/verdicts", headers=CHIEF)).json()
    path = f"/madang/v1/verdicts/{told['id']}/release"
    answers = [(await thief.post(path, headers=CHIEF)).status_code for _ in range(2)]
    assert answers == [204, 404]
    (after,) = (await thief.get("/madang/v1/verdicts", headers=CHIEF)).json()
    assert (after["releasedBy"], after["releasedAt"] is None) == ("person:chief", False)


async def test_another_gateway_and_a_restart_know_who_is_held_back(
    thief: httpx.AsyncClient, watch: Watch, guard: Guard, pool: asyncpg.Pool, writer: Writer, recorder: Recorder
) -> None:
    await scan(thief)
    await watch.look(guard)
    await end_window(watch, guard)
    city = CityConfig("yard", {"en": "Yard"}, "UTC", "nobody")
    other, fresh = open_watch(pool, writer, recorder.log, city), Guard(DefenceSettings())
    await other.look(fresh)
    assert fresh.holds == guard.holds and list(fresh.holds) == [THIEF]


async def test_by_default_a_verdict_is_told_and_nobody_is_held_back(
    pool: asyncpg.Pool, writer: Writer, recorder: Recorder, thief: httpx.AsyncClient, guard: Guard
) -> None:
    watch = open_watch(pool, writer, recorder.log, CityConfig("yard", {"en": "Yard"}, "UTC", "nobody"))
    await scan(thief)
    await watch.look(guard)
    await end_window(watch, guard)
    (told,) = (await thief.get("/madang/v1/verdicts", headers=CHIEF)).json()
    assert (told["act"], guard.holds) == ("tell", {})


@pytest.mark.parametrize(("method", "path"), [("GET", "verdicts"), ("POST", "verdicts/x/release")])
async def test_only_operators_judge_verdicts(thief: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await thief.request(method, f"/madang/v1/{path}")).status_code == 403


@pytest.mark.parametrize("limit", ["0", "x", "1001"])
async def test_nonsense_is_refused(thief: httpx.AsyncClient, limit: str) -> None:
    assert (await thief.get(f"/madang/v1/verdicts?limit={limit}", headers=CHIEF)).status_code == 400


async def test_reports_of_watched_types_are_held_against_the_past_of_each_device(watch: Watch) -> None:
    written: list[Operation] = []

    async def write(operations: list[Operation]) -> list[object]:
        written.extend(operations)
        return []

    def report(kind: str, value: float) -> Operation:
        return Create(Entity("urn:x:1", [kind], {"pm25": {"type": "Property", "value": value}}))

    watching = watched(write, watch, ["AirQualityObserved"])
    for number in range(20):
        await watching([report("AirQualityObserved", 20 + number % 3), report("Vehicle", number * 100)])
    for _ in range(3):
        await watching([report("AirQualityObserved", 900)])
    await until(lambda: watch.verdicts.page(1), "the verdict is kept")
    (told,) = await watch.verdicts.page(9)
    assert (told["kind"], told["subject"], told["features"][0]["value"]) == ("device-habits", "device:urn:x:1", 900)
    assert len(written) == 43
