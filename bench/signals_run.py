"""One simulated run of `city_signals`: field, command room and app as they are, with a clock moved by hand between them.

Every part is the one that runs in the living city. What the bench puts in the place of MQTT, database and sockets is a
delay: the app hears a message `heard_s` after the device sent it, and a device hears a command `acted_s` after the app
stated it, both in seconds of the city (a wall latency times the speed of the city).
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import scene
from madang.base.clock import ManualClock
from madang.base.ids import entity_id, local_part
from madang.command.interlock import SignalPlan, read_plan
from madang.command.receipt import REFUSED, Receipt
from madang.command.service import CommandService
from madang.ingest.sumo import loops as loops_room
from madang.ingest.sumo import simulator
from madang.ingest.sumo.field import LOOP_PERIOD_S, Field, Setup
from madang.ingest.sumo.kpi import read_totals
from madang.ingest.sumo.messages import CityTime, Message
from madang.ingest.sumo.network import read_network, read_stages
from madang.sdk import value_of
from madang.twin.traffic.trips import read_trips
from signals.app import make_intent
from signals.city import City
from signals.rollout import Model

MIDNIGHT = datetime(2026, 6, 1, tzinfo=UTC)
BEAT_PHASE_S = 0.5
UNMETERED = 1_000_000


@dataclass(frozen=True)
class Task:
    """One run: `app` False is the fixed programs; times in simulated s."""

    city: Path
    seed: int
    app: bool
    warmup: int
    seconds: int
    begin: int
    heard: float
    acted: float
    scale: float = 1.0
    settings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """Delay over all vehicles that wanted to leave within the measured hour, in s each; `page_s` is what the city's own
    indicator says at the end. `fallback` and `idle` are shares of controller seconds in the measured time: fallen back,
    and on the fixed program."""

    delay_s: float
    completed_delay_s: float
    page_s: float
    vehicles: int
    unfinished: int
    teleports: int
    accepted: int
    fallback: float
    idle: float
    refused: dict[str, int]


@dataclass
class Wire:
    """The command room's ports: commands wait `acted_s` on their way to the device."""

    plans: dict[str, SignalPlan]
    acted_s: float
    now_s: float = 0.0
    orders: deque[tuple[float, str, dict[str, Any]]] = field(default_factory=deque)
    refused: Counter[str] = field(default_factory=Counter)
    made: int = 0

    async def send(self, topic: str, payload: dict[str, Any]) -> None:
        self.orders.append((self.now_s + self.acted_s, topic.split("/")[3], payload))

    async def store(self, receipts: Sequence[Receipt]) -> None:
        self.refused.update(f"{r.by}:{r.reason}" for r in receipts if r.status == "refused")

    async def find_plan(self, controller: str) -> SignalPlan | None:
        return self.plans.get(controller)

    def new_id(self) -> str:
        self.made += 1
        return str(self.made)

    def due(self, now_s: float) -> Iterator[tuple[str, dict[str, Any]]]:
        while self.orders and self.orders[0][0] <= now_s:
            yield self.orders.popleft()[1:]


@dataclass
class Loop:
    """The living city's loop between a field and the app."""

    field: Field
    city: City
    service: CommandService
    wire: Wire
    clock: ManualClock
    heard_s: float
    on_the_way: deque[tuple[float, Message]] = field(default_factory=deque)

    async def second(self) -> None:
        """The devices hear commands, the field moves, the app hears, decides and asks."""
        now = self.field.now
        for device, payload in self.wire.due(now):
            for receipt in self.field.command("signal", device, payload):
                await self.service.on_receipt(receipt.payload or {})
        told = self.field.step()
        self.clock.set(MIDNIGHT + timedelta(seconds=now))
        for message in told:
            self._room_hears(message)
            self.on_the_way.append((now + self.heard_s, message))
        moment = now + BEAT_PHASE_S
        while self.on_the_way and self.on_the_way[0][0] <= moment:
            app_hears(self.city, self.field.setup.city, self.on_the_way.popleft()[1])
        await self._beat(moment)

    def _room_hears(self, message: Message) -> None:
        parts, body = message.topic.split("/"), message.payload or {}
        if parts[2] == "signal" and len(parts) == 4:
            at = datetime.fromisoformat(body["time"])
            name = entity_id("TrafficSignalController", parts[1], parts[3])
            self.service.on_report(name, body["state"], body["stage"], at)

    async def _beat(self, moment: float) -> None:
        at = MIDNIGHT + timedelta(seconds=moment)
        self.clock.set(at)
        self.wire.now_s = moment
        intents = [make_intent(name, stage) for name, stage in self.city.wishes(at.timestamp())]
        if intents:
            for receipt in await self.service.submit_many(intents, "signals", moment):
                if receipt.status == REFUSED:
                    self.city.hear_refusal(receipt.as_json())


def app_hears(city: City, name: str, message: Message) -> None:
    """A message as the app's subscription tells it: a concise entity of the changed attributes."""
    parts, body = message.topic.split("/"), message.payload or {}
    if parts[2] == "loop":
        values = {"intensity": body["count"], "occupancy": body["occupancy"]}
        city.hear_loop(_entity("TrafficFlowObserved", name, parts[3], values, body["time"]))
    elif parts[2] == "signal" and len(parts) == 4:
        values = {"signalState": body["state"], "stage": -1 if body["stage"] is None else body["stage"]}
        city.hear_signal(_entity("TrafficSignalController", name, parts[3], values, body["time"]))


def _entity(kind: str, city: str, local: str, values: dict[str, Any], time: str) -> dict[str, Any]:
    told = {key: {"value": value, "observedAt": time} for key, value in values.items()}
    return {"id": entity_id(kind, city, local)} | told


def run(task: Task) -> Outcome:
    """Run and measure. Needs its own process."""
    net_file, loop_file = scene.net_of(task.city)
    net = read_network(net_file, read_stages(task.city / "entities.ndjson"))
    loops = loops_room.seen_from_line(loops_room.read_loops(loop_file), net.lane_m)
    rows = [json.loads(x) for x in (task.city / "entities.ndjson").open() if '"TrafficSignalController"' in x]
    name = str(rows[0]["id"]).split(":")[3]
    with tempfile.TemporaryDirectory() as folder:
        trips, own = Path(folder) / "trips.xml", Path(folder) / "loops.xml"
        loops_room.write_loops(loops, own, LOOP_PERIOD_S)
        total = task.warmup + task.seconds
        routes = scene.routes_of(task.city, Path(folder) / "trips.rou.xml", task.seed, task.begin, total, task.scale)
        out = ["--tripinfo-output", str(trips), "--tripinfo-output.write-unfinished", "true"]
        out += ["--tripinfo-output.write-undeparted", "true"]
        files = [*scene.more_of(task.city), own]
        sumo = simulator.start(simulator.Scene(net_file, routes, files, task.begin, task.seed, options=out))
        setup = Setup(name, CityTime(MIDNIGHT), task.seed, live=task.app, max_messages_per_s=0.0)
        street = Field(setup, sumo, net, loops, task.begin)
        loop = make_loop(street, rows, task)
        modes: Counter[str] = Counter()
        asyncio.run(_drive(loop, task, modes))
        page = street.kpi.payload("", street.now, read_totals(sumo))
        sumo.close()
        return _measure(trips, task, page, loop, modes)


def make_loop(street: Field, rows: list[dict[str, Any]], task: Task) -> Loop:
    clock = ManualClock(MIDNIGHT)
    wire = Wire({row["id"]: read_plan(value_of(row["stages"])) for row in rows}, task.acted)
    service = CommandService(street.setup.city, wire, clock, per_app_per_s=UNMETERED)
    city = City(model=Model(**task.settings))
    city.learn(rows)
    return Loop(street, city, service, wire, clock, task.heard)


async def _drive(loop: Loop, task: Task, modes: Counter[str]) -> None:
    steered = {local_part(junction.id) for junction in loop.city.junctions}
    for elapsed in range(task.warmup + task.seconds):
        if task.app:
            await loop.second()
        else:
            loop.field.step()
        if elapsed >= task.warmup:
            modes.update(device.mode for name, device in loop.field.controllers.items() if name in steered)


def _measure(trips: Path, task: Task, page: dict[str, Any], loop: Loop, modes: Counter[str]) -> Outcome:
    start, end = task.begin + task.warmup, task.begin + task.warmup + task.seconds
    made = list(read_trips(trips, start, end))
    delays, done = [trip.delay_s for trip in made], [trip.delay_s for trip in made if trip.is_done]
    seconds = max(1, modes.total())
    return Outcome(
        delay_s=sum(delays) / max(1, len(delays)),
        completed_delay_s=sum(done) / max(1, len(done)),
        page_s=page["delay_s"],
        vehicles=len(delays),
        unfinished=len(delays) - len(done),
        teleports=page["teleports"],
        accepted=loop.service.accepted,
        fallback=round(modes["fallback"] / seconds, 4),
        idle=round(modes["fixed"] / seconds, 4),
        refused=dict(loop.wire.refused),
    )
