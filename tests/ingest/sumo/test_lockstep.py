"""The field at the pace of an app, on a small real network and in a child of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from madang.ingest.sumo import lockstep
from madang.ingest.sumo.lockstep import Conductor, NoAnswer
from madang.ingest.sumo.messages import Message, Topics


class Clock:
    def text(self, now: int) -> str:
        return f"t{now}"


@dataclass
class Setup:
    time: Clock = field(default_factory=Clock)


@dataclass
class Street:
    """A field that tells one loop a second and one accident in the second second."""

    now: int = 0
    orders: list[tuple[str, Any]] = field(default_factory=list)
    topics: Topics = field(default_factory=lambda: Topics("x"))
    setup: Setup = field(default_factory=Setup)

    def step(self) -> list[Message]:
        self.now += 1
        accident = Message("city/x/incident/a", {"kind": "accident", "status": "onGoing"})
        return [Message("city/x/loop/l", {"count": self.now}), *([accident] if self.now == 2 else [])]

    def command(self, kind: str, controller: str, body: Any) -> list[Message]:
        self.orders.append((controller, body))
        return [Message(f"city/x/{kind}/{controller}/receipt", {"status": "done"})]


class Wire:
    """What an app would say to each tick, `answers` to the tick of that number."""

    def __init__(self, answers: dict[str, list[tuple[str, Any]]]) -> None:
        self.sent: list[tuple[str, Any]] = []
        self._answers, self._came = answers, list[tuple[str, Any]]()

    def put(self, messages: list[Message]) -> None:
        for one in messages:
            self.sent.append((one.topic, one.payload))
            if one.topic.endswith("/tick"):
                assert one.payload is not None
                self._came = list(self._answers.get(one.payload["time"], []))

    def take(self) -> list[tuple[str, Any]]:
        came, self._came = self._came, []
        return came


def tock(at: str, app: str = "a") -> tuple[str, Any]:
    return ("city/x/simulation/tock", {"at": at, "app": app})


def conduct(wire: Wire, street: Street, seconds: int, hidden: bool = False) -> Conductor:
    made = Conductor(street, wire.put, wire.take, frozenset({"a"}), hidden)  # type: ignore[arg-type]
    asyncio.run(made.run(seconds))
    return made


def test_orders_come_before_the_next_second() -> None:
    order = ("city/x/signal/s1/command", {"stage": 2})
    wire, street = Wire({"t1": [order, tock("t1")], "t2": [tock("t1"), tock("t2")]}), Street()
    conductor = conduct(wire, street, 2)
    assert (street.orders, conductor.truth) == (
        [("s1", {"stage": 2})],
        [{"kind": "accident", "status": "onGoing", "id": "a"}],
    )
    assert [topic.removeprefix("city/x/") for topic, _ in wire.sent] == [
        "loop/l", "simulation/tick", "signal/s1/receipt", "loop/l", "incident/a", "simulation/tick",
    ]  # fmt: skip


def test_what_is_to_be_found_is_not_told() -> None:
    wire = Wire({"t1": [tock("t1")], "t2": [tock("t2")]})
    conductor = conduct(wire, Street(), 2, hidden=True)
    assert (len(conductor.truth), [topic for topic, _ in wire.sent if "incident" in topic]) == (1, [])


def test_an_app_that_never_answers_ends_the_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockstep, "FIRST_WAIT_S", 0.02)
    with pytest.raises(NoAnswer, match="a did not answer"):
        conduct(Wire({}), Street(), 1)


def test_an_app_that_is_late_now_and_then_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockstep, "WAIT_S", 0.02)
    wire = Wire({"t1": [tock("t1")], "t3": [tock("t3")]})
    assert conduct(wire, Street(), 3).late == 1
