"""The command room at work: intent -> arbiter -> interlock -> device -> receipt. No I/O of its own: ports are given.

Call `submit` for each intent (or `submit_many`), `on_report` for each report of a signal controller, `on_receipt` for
each receipt of a device, `tick` about once a wall second. All times are city time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from madang.base.clock import Clock, to_iso
from madang.base.errors import MadangError, TooMany
from madang.base.ids import local_part
from madang.base.limits import COMMANDS_PER_APP_PER_S
from madang.command.arbiter import Arbiter, Refusal
from madang.command.intent import Intent, read_intent
from madang.command.interlock import Shown, SignalPlan, first_report, refuse_signal
from madang.command.receipt import ACCEPTED, DONE, FAILED, REFUSED, Receipt
from madang.command.simulation import refuse_simulation
from madang.command.transit import Reported, refuse_hold

NO_RECEIPT_AFTER_S = 60.0
INJECTION_LEAD_S = 5.0
WAITING_MAX = 50_000
STEERING = frozenset({"signal.stage", "transit.hold"})


class Ports(Protocol):
    """What the room needs from outside. `find_plan` and `find_vehicle` read the city's state (None: no such device, or it does
    not say what is needed)."""

    async def send(self, topic: str, payload: dict[str, Any]) -> None: ...

    async def store(self, receipts: Sequence[Receipt]) -> None: ...

    async def find_plan(self, controller: str) -> SignalPlan | None: ...

    async def find_vehicle(self, vehicle: str) -> Reported | None: ...

    def new_id(self) -> str: ...


Instead = Callable[[str, str], Awaitable[str]]
"""Which app serves a device in place of who asks: the city's choice among apps of one service. Empty: none does."""


@dataclass
class CommandService:
    """One city's command room. One writer: call it from one event loop."""

    city: str
    ports: Ports
    clock: Clock
    per_app_per_s: int = COMMANDS_PER_APP_PER_S
    arbiter: Arbiter = field(default_factory=Arbiter)
    shown: dict[str, Shown] = field(default_factory=dict)
    waiting: dict[str, Receipt] = field(default_factory=dict)
    accepted: int = 0
    refused: int = 0
    instead: Instead | None = None
    _spent: dict[str, tuple[float, int]] = field(default_factory=dict)

    async def submit(self, body: Any, who: str, wall_s: float) -> Receipt:
        """One intent of a request. Raises BadRequest when it cannot be read, TooMany above the rate of one app."""
        return (await self.submit_many([body], who, wall_s))[0]

    async def submit_many(self, bodies: Sequence[Any], who: str, wall_s: float) -> list[Receipt]:
        """Several intents at once, stored together, answered in order. One that cannot be read fails the request."""
        self._meter(who, len(bodies), wall_s)
        now = self.clock.now()
        intents = [read_intent(body, self.ports.new_id(), who, now) for body in bodies]
        receipts = [await self._judge(intent, now) for intent in intents]
        # On record before it acts: a command that a crash forgets must not have moved a device.
        await self.ports.store(receipts)
        return [await self._act(receipt) for receipt in receipts]

    def _meter(self, who: str, count: int, wall_s: float) -> None:
        since, spent = self._spent.get(who, (wall_s, 0))
        if wall_s - since >= 1.0:
            since, spent = wall_s, 0
        if spent + count > self.per_app_per_s:
            raise TooMany(f"{who} may send {self.per_app_per_s} commands a second")
        self._spent[who] = (since, spent + count)

    async def _judge(self, intent: Intent, now: datetime) -> Receipt:
        refusal, by = await self._shared(intent) or self.arbiter.refuse(intent, now), "arbiter"
        if refusal is None:
            refusal, by = await self._check(intent, now), "interlock"
        if refusal is not None:
            self.refused += 1
            return Receipt(intent, REFUSED, now, refusal.reason, refusal.detail, by, refusal.parameters)
        self.accepted += 1
        if intent.kind == "signal.release":
            self.arbiter.release(intent.target, intent.who)
        elif intent.kind in STEERING:
            self.arbiter.take(intent, now)
        return Receipt(intent, ACCEPTED, now, by="service")

    async def _shared(self, intent: Intent) -> Refusal | None:
        serving = await self.instead(intent.who, intent.target) if self.instead is not None else ""
        detail = f"the city lets {serving} serve there"
        return Refusal("served_by_other", detail, {"who": serving}) if serving else None

    async def _check(self, intent: Intent, now: datetime) -> Refusal | None:
        if intent.kind.startswith("simulation."):
            return refuse_simulation(intent.kind, intent.value)
        if intent.kind == "transit.hold":
            return await self._check_hold(intent, now)
        plan = await self.ports.find_plan(intent.target)
        if plan is None:
            return Refusal("unknown_target", "no signal controller of this id has a plan")
        if intent.kind == "signal.release":
            return None
        return refuse_signal(plan, self.shown.get(intent.target), intent.value, now)

    async def _check_hold(self, intent: Intent, now: datetime) -> Refusal | None:
        seen = await self.ports.find_vehicle(intent.target)
        if seen is None:
            return Refusal("unknown_target", "no vehicle of a line has this id")
        return refuse_hold(seen, intent.value, now)

    async def _act(self, receipt: Receipt) -> Receipt:
        if receipt.status != ACCEPTED:
            return receipt
        try:
            topic, payload = await self._message(receipt.intent)
            await self.ports.send(topic, payload)
        except MadangError as error:
            return await self._close(receipt.then(FAILED, self.clock.now(), "not_sent", error.detail, "service"))
        if len(self.waiting) < WAITING_MAX:
            self.waiting[receipt.intent.id] = receipt
        return receipt

    async def _message(self, intent: Intent) -> tuple[str, dict[str, Any]]:
        if intent.kind.startswith("simulation."):
            at = intent.at + timedelta(seconds=INJECTION_LEAD_S)
            body: dict[str, Any] = {"commandId": intent.id, "kind": intent.kind.partition(".")[2], "at": to_iso(at)}
            return f"city/{self.city}/simulation/command", dict(intent.value) | body
        if intent.kind == "transit.hold":
            until = intent.at + timedelta(seconds=intent.value["hold_s"])
            told = {"commandId": intent.id, "until": to_iso(until)}
            return f"city/{self.city}/vehicle/{local_part(intent.target)}/command", told
        stage = await self._stage(intent)
        order: dict[str, Any] = {"commandId": intent.id, "stage": stage, "until": to_iso(intent.expires)}
        return f"city/{self.city}/signal/{local_part(intent.target)}/command", order

    async def _stage(self, intent: Intent) -> int | None:
        """The device is told a number, also when the intent named the state."""
        if intent.kind == "signal.release":
            return None
        plan = await self.ports.find_plan(intent.target)
        if plan is not None and "state" in intent.value:
            return next(n for n, state in plan.stages.items() if state == intent.value["state"])
        return int(intent.value["stage"])

    def on_report(self, controller: str, state: str, stage: int | None, at: datetime) -> None:
        """A controller (entity id) told what it shows."""
        known = self.shown.get(controller)
        if known is None:
            self.shown[controller] = first_report(state, stage, at)
        elif at >= known.heard:
            known.report(state, stage, at)

    async def on_receipt(self, payload: Mapping[str, Any]) -> Receipt | None:
        """A device answered; gives the new receipt, None when nobody waits for it."""
        receipt = self.waiting.get(str(payload.get("commandId")))
        if receipt is None:
            return None
        if payload.get("status") == DONE:
            return await self._close(receipt.then(DONE, self.clock.now(), by="device"))
        reason, _, name = str(payload.get("reason") or "device_refused")[:200].partition(":")
        self.refused += 1
        told = {"name": name} if name else {}
        return await self._close(receipt.then(REFUSED, self.clock.now(), reason, "", "device", told))

    async def tick(self) -> list[Receipt]:
        """Close what no device answered; gives those receipts."""
        now, limit = self.clock.now(), timedelta(seconds=NO_RECEIPT_AFTER_S)
        late = [receipt for receipt in self.waiting.values() if now - receipt.at > limit]
        closed = [receipt.then(FAILED, now, "no_receipt", "the device did not answer", "service") for receipt in late]
        for receipt in closed:
            self.waiting.pop(receipt.intent.id, None)
        if closed:
            await self.ports.store(closed)
        return closed

    async def _close(self, receipt: Receipt) -> Receipt:
        self.waiting.pop(receipt.intent.id, None)
        await self.ports.store([receipt])
        return receipt
