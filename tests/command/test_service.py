"""The command room with ports of paper: what is stored, sent, answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from madang.base.clock import ManualClock
from madang.base.errors import BadRequest, TooMany, Unavailable
from madang.command.interlock import SignalPlan
from madang.command.receipt import Receipt
from madang.command.service import CommandService
from madang.command.transit import STOPPED, Reported
from tests.command.test_interlock import PLAN

T0 = datetime(2026, 6, 1, tzinfo=UTC)
TARGET = "urn:ngsi-ld:TrafficSignalController:helsinki:tl1"
BUS, STOP = "urn:ngsi-ld:Vehicle:helsinki:bus-1", "urn:ngsi-ld:PublicTransportStop:helsinki:n1"
FIELD = "urn:ngsi-ld:Simulation:helsinki:field"


class Paper:
    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.stored: list[Receipt] = []
        self.ids = count(1)
        self.down = False

    async def send(self, topic: str, payload: dict[str, Any]) -> None:
        if self.down:
            raise Unavailable("no broker")
        self.sent.append((topic, payload))

    async def store(self, receipts: Sequence[Receipt]) -> None:
        self.stored += receipts

    async def find_plan(self, controller: str) -> SignalPlan | None:
        return PLAN if controller == TARGET else None

    async def find_vehicle(self, vehicle: str) -> Reported | None:
        return Reported(STOPPED, STOP, T0) if vehicle == BUS else None

    def new_id(self) -> str:
        return f"c{next(self.ids)}"


@pytest.fixture
def room() -> tuple[CommandService, Paper, ManualClock]:
    paper, clock = Paper(), ManualClock(T0)
    service = CommandService("helsinki", paper, clock)
    service.on_report(TARGET, "GGrrg", 0, T0 - timedelta(seconds=30))
    return service, paper, clock


def ask(**more: Any) -> dict[str, Any]:
    return {"kind": "signal.stage", "target": TARGET, "value": {"stage": 1}, "reason": "queue", "expires_s": 20} | more


async def test_accepted_stored_sent_done(room: Any) -> None:
    service, paper, _ = room
    receipt = await service.submit(ask(), "signals", 0.0)
    assert receipt.status == "accepted" and paper.stored[0].status == "accepted"
    body = {"commandId": "c1", "stage": 1, "until": "2026-06-01T00:00:20.000Z"}
    assert paper.sent == [("city/helsinki/signal/tl1/command", body)]
    done = await service.on_receipt({"commandId": "c1", "status": "done"})
    assert done is not None and done.status == "done" and paper.stored[-1].by == "device"
    assert await service.on_receipt({"commandId": "c1", "status": "done"}) is None


async def test_refusals_are_on_record(room: Any) -> None:
    service, paper, clock = room
    clock.set(T0 - timedelta(seconds=27))
    receipt = await service.submit(ask(), "signals", 0.0)
    assert (receipt.status, receipt.reason, receipt.by) == ("refused", "minimum_green", "interlock")
    assert receipt.as_json()["parameters"] == {"green_s": 3.0, "least_s": 6.0}
    assert not paper.sent and paper.stored == [receipt] and service.refused == 1


async def test_an_apps_reason_is_a_code_and_a_device_names_what_it_did_not_like(room: Any) -> None:
    service, paper, _ = room
    why = {"code": "most_served", "parameters": {"n": 3}}
    receipt = await service.submit(ask(reason=why), "signals", 0.0)
    await service.on_receipt({"commandId": "c1", "status": "refused", "reason": "out_of_bounds:trips"})
    told = paper.stored[-1].as_json()
    assert (receipt.as_json()["why"], told["why"]) == (why, why)
    assert (told["reason"], told["parameters"], told["by"]) == ("out_of_bounds", {"name": "trips"}, "device")


async def test_where_the_city_chose_another_app_a_command_is_refused(room: Any) -> None:
    service, paper, _ = room

    async def instead(who: str, target: str) -> str:
        return "org.b" if (who, target) == ("app:org.a", TARGET) else ""

    service.instead = instead
    refused = (await service.submit(ask(), "app:org.a", 0.0)).as_json()
    assert (refused["status"], refused["reason"], refused["parameters"]) == (
        "refused",
        "served_by_other",
        {"who": "org.b"},
    )
    assert (await service.submit(ask(), "app:org.b", 0.0)).status == "accepted" and len(paper.sent) == 1


async def test_ranks_and_holds(room: Any) -> None:
    service, _, clock = room
    await service.submit(ask(rank="transit_priority"), "trams", 0.0)
    assert (await service.submit(ask(), "signals", 0.0)).reason == "outranked"
    assert (await service.submit(ask(rank="transit_priority"), "buses", 0.0)).reason == "held_by_other"
    assert (await service.submit(ask(rank="emergency"), "fire", 0.0)).status == "accepted"
    clock.set(T0 + timedelta(seconds=21))
    assert (await service.submit(ask(), "signals", 0.0)).status == "accepted"
    service.arbiter.hold(TARGET, "person:kim", T0 + timedelta(hours=1))
    assert (await service.submit(ask(rank="life_safety"), "fire", 0.0)).reason == "operator_hold"
    service.arbiter.lift(TARGET)
    assert (await service.submit(ask(rank="life_safety"), "fire", 0.0)).status == "accepted"


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        ask(kind="boiler.explode"),
        ask(value=3),
        ask(rank="king"),
        ask(rank=["efficiency"]),
        ask(value={"a": ["\x00"]}),
        ask(value={"\x00": 1}),
        ask(expires_s=0),
        ask(expires_s=1e9),
        ask(reason=""),
        ask(reason={"parameters": {}}),
        ask(reason={"code": "x", "parameters": 3}),
        ask(reason={"code": "x", "parameters": {"n": True}}),
        ask(reason={"code": "x", "parameters": {str(n): n for n in range(9)}}),
    ],
)
async def test_unreadable_intents_raise(room: Any, body: Any) -> None:
    with pytest.raises(BadRequest):
        await room[0].submit(body, "signals", 0.0)


async def test_rate_of_one_app_is_bounded(room: Any) -> None:
    service, _, _ = room
    with pytest.raises(TooMany):
        await service.submit_many([ask()] * 501, "signals", 0.0)
    assert len(await service.submit_many([ask()] * 500, "signals", 5.0)) == 500


async def test_silent_device_and_broken_wire(room: Any) -> None:
    service, paper, clock = room
    await service.submit(ask(), "signals", 0.0)
    clock.set(T0 + timedelta(seconds=61))
    assert [r.reason for r in await service.tick()] == ["no_receipt"]
    paper.down = True
    assert (await service.submit(ask(), "signals", 9.0)).reason == "not_sent"


async def test_simulation_bounds(room: Any) -> None:
    service, paper, _ = room
    rain = await service.submit(ask(kind="simulation.rain", target=FIELD, value={"intensity_mm_h": 8}), "person", 0.0)
    assert rain.status == "accepted" and paper.sent[-1][1]["at"] == "2026-06-01T00:00:05.000Z"
    for value in ({"intensity_mm_h": 900}, {"volcano": 1}, {"duration_s": "long"}):
        refused = await service.submit(ask(kind="simulation.rain", target=FIELD, value=value), "person", 0.0)
        assert refused.status == "refused"


async def test_unknown_target(room: Any) -> None:
    assert (await room[0].submit(ask(target="urn:x:y"), "signals", 0.0)).reason == "unknown_target"


async def test_a_bus_is_asked_to_wait_until(room: Any) -> None:
    service, paper, _ = room
    told = {"kind": "transit.hold", "target": BUS, "value": {"hold_s": 45, "stop": STOP}}
    accepted = await service.submit(ask(**told), "buses", 0.0)
    unknown = await service.submit(ask(**told | {"target": TARGET}), "buses", 0.0)
    body = {"commandId": "c1", "until": "2026-06-01T00:00:45.000Z"}
    assert (accepted.status, paper.sent) == ("accepted", [("city/helsinki/vehicle/bus-1/command", body)])
    assert (unknown.status, unknown.reason) == ("refused", "unknown_target")
    assert service.arbiter.holders[BUS].who == "buses"
