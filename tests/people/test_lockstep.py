"""Who is told of a tick, when, and when the field hears that an app is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from madang.model.change import Change
from madang.people.lockstep import Lockstep

FIRST, SECOND = "2026-06-01T04:30:01Z", "2026-06-01T04:30:02Z"


@dataclass
class Follower:
    app: str
    done: str = ""


@dataclass
class Room:
    """The command room's wire."""

    heard: str = ""


def tick(at: str) -> Change:
    return Change(7, "u", "urn:ngsi-ld:SimulationTick:x:tick", ["SimulationTick"], at, {"cityTime": {"value": at}})


def make(*followers: Follower) -> tuple[Lockstep, Room, list[dict[str, Any]]]:
    told: list[dict[str, Any]] = []
    room = Room()

    async def tell(answer: dict[str, Any]) -> None:
        told.append(answer)

    return Lockstep(lambda: room.heard, tell, lambda: followers), room, told


def test_a_tick_is_due_when_bus_and_command_room_have_heard_it() -> None:
    one = Follower("a")
    lockstep, room, _ = make(one)
    due = [lockstep.due(one)]
    lockstep.hear(tick(FIRST))
    due.append(lockstep.due(one))
    room.heard = FIRST
    due.append(lockstep.due(one))
    room.heard = SECOND
    due.append(lockstep.due(one))
    assert due == ["", "", FIRST, ""]


def test_what_is_no_tick_changes_nothing() -> None:
    lockstep, _, _ = make()
    lockstep.hear(Change(1, "u", "urn:ngsi-ld:T:1", ["T"], FIRST, {"cityTime": {"value": SECOND}}))
    assert lockstep.now == ""


async def test_the_field_hears_of_an_app_when_all_its_sockets_are_done() -> None:
    first, second, other = Follower("a"), Follower("a"), Follower("b")
    lockstep, _, told = make(first, second, other)
    lockstep.hear(tick(SECOND))
    await lockstep.answered(first, FIRST)
    await lockstep.answered(first, SECOND)
    assert told == []
    await lockstep.answered(second, SECOND)
    await lockstep.answered(other, SECOND)
    assert told == [{"at": SECOND, "app": "a"}, {"at": SECOND, "app": "b"}]
