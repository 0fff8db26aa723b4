"""The command desk: the command room wired to PostgreSQL (records), MQTT (devices) and the context (plans)."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
import asyncpg
import msgspec
import structlog

from madang.base.clock import from_iso
from madang.base.errors import BadRequest, MadangError, NotFound, Unavailable
from madang.base.ids import entity_id
from madang.command.interlock import SignalPlan, read_plan
from madang.command.receipt import ACCEPTED, REFUSED, Receipt
from madang.command.service import CommandService
from madang.command.transit import Reported
from madang.context.store import Store
from madang.engine.database import LOST, explain
from madang.engine.settings import Settings
from madang.trust.audit.recorder import Recorder
from madang.trust.caller import Caller

log = structlog.get_logger()
RETRY_S = 0.3
HEARD = ("signal/+", "signal/+/receipt", "vehicle/+/receipt", "simulation/receipt", "simulation/tick")
_STORE = """
INSERT INTO command (id, at, who, kind, target, rank, status, reason_code, intent, receipt)
SELECT id, at, who, kind, target, rank, status, nullif(reason, ''), '{}', receipt
FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::jsonb[]) AS r(id, at, who, kind, target, rank, status, reason, receipt)
ON CONFLICT (id) DO UPDATE SET status = excluded.status, reason_code = excluded.reason_code, receipt = excluded.receipt
"""


# The receipt was in the memory of a process that is gone. `at`: the city's clock is not known yet, the command's end is.
_INTERRUPTED = """
UPDATE command SET status = 'failed', reason_code = 'interrupted', receipt = receipt || jsonb_build_object(
  'status', 'failed', 'reason', 'interrupted', 'by', 'service', 'at', receipt->'expiresAt', 'parameters', '{}'::jsonb,
  'detail', 'the system stopped before the device answered')
WHERE status = 'accepted' RETURNING id, who, target
"""


class CityClock:
    """City time between two things that told it: it runs on at the city's speed."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._told: datetime | None = None
        self._at = 0.0

    def hear(self, moment: datetime) -> None:
        if self._told is None or moment > self._told:
            self._told, self._at = moment, time.monotonic()

    def now(self) -> datetime:
        if self._told is None:
            return datetime.now().astimezone()
        # Not further than the next report could be late: a simulator that stopped must not let commands expire.
        return self._told + timedelta(seconds=min(5.0, time.monotonic() - self._at) * self._speed)


class Desk:
    """Answers the management API; owns the MQTT client that speaks to devices."""

    def __init__(
        self, settings: Settings, city: str, pool: asyncpg.Pool, store: Store, clock: CityClock, recorder: Recorder
    ) -> None:
        self._recorder = recorder
        self._mqtt, self._city, self._pool, self._store, self.clock = settings.mqtt, city, pool, store, clock
        self._client: aiomqtt.Client | None = None
        self._plans: dict[str, SignalPlan] = {}
        self.service = CommandService(city, self, clock)
        self.ticked = ""

    async def submit(self, caller: Caller, data: Any) -> dict[str, Any]:
        return (await self.submit_many(caller, [data]))[0]

    async def submit_many(self, caller: Caller, data: Sequence[Any]) -> list[dict[str, Any]]:
        """Receipts in order. Raises Forbidden for a kind the caller was not granted; nothing of the request acts then."""
        for one in data:
            kind = one.get("kind") if isinstance(one, dict) else None
            caller.require("command", kind if isinstance(kind, str) else "")
        # In lockstep a second of an app is one of the city: else what it may ask would depend on this machine.
        second = self.clock.now().timestamp() if self.ticked else time.monotonic()
        receipts = await self.service.submit_many(data, caller.name, second)
        return [receipt.as_json() for receipt in receipts]

    async def page(
        self, limit: int, status: str | None, target: str | None, until: datetime | None = None
    ) -> list[dict[str, Any]]:
        """Newest first; of those stated up to a moment."""
        records = await self._pool.fetch(
            "SELECT receipt FROM command WHERE ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR target = $3) "
            "AND ($4::timestamptz IS NULL OR at <= $4) ORDER BY at DESC LIMIT $1",
            limit,
            status,
            target,
            until,
        )
        return [record["receipt"] for record in records]

    async def get(self, identifier: str) -> dict[str, Any]:
        """Raises NotFound."""
        record = await self._pool.fetchrow("SELECT receipt FROM command WHERE id = $1", identifier)
        if record is None:
            raise NotFound(f"no command {identifier}")
        return dict(record["receipt"])

    def numbers(self) -> dict[str, Any]:
        return {"commands_accepted": self.service.accepted, "commands_refused": self.service.refused}

    # The room's ports.

    async def tock(self, answer: dict[str, Any]) -> None:
        """An app is done with a second; see people.lockstep. A field that cannot be reached has stopped anyway."""
        with contextlib.suppress(Unavailable):
            await self.send(f"city/{self._city}/simulation/tock", answer)

    async def send(self, topic: str, payload: dict[str, Any]) -> None:
        """Raises Unavailable when the devices cannot be reached."""
        try:
            if self._client is None:
                raise Unavailable("the devices cannot be reached")
            await self._client.publish(topic, msgspec.json.encode(payload), qos=0)
        except aiomqtt.MqttError as error:
            raise Unavailable(f"the devices cannot be reached: {error}") from None

    async def store(self, receipts: Sequence[Receipt]) -> None:
        """Decisions are on the audit log first, all in one commit; what became of them follows."""
        decided = [one for one in receipts if one.by != "device" and one.status in (ACCEPTED, REFUSED)]
        await asyncio.gather(*(self._recorder.before(*_told(one), **_details(one)) for one in decided))
        for one in receipts:
            if one not in decided:
                self._recorder.after(*_told(one), **_details(one))
        await self._store_rows(receipts)

    async def _store_rows(self, receipts: Sequence[Receipt]) -> None:
        shown = [receipt.as_json() for receipt in receipts]
        names = ("id", "who", "kind", "target", "rank", "status", "reason")
        columns = {name: [one[name] for one in shown] for name in names}
        try:
            await self._pool.execute(
                _STORE, columns["id"], [datetime.now().astimezone() for _ in shown], columns["who"], columns["kind"],
                columns["target"], columns["rank"], columns["status"], columns["reason"], shown,
            )  # fmt: skip
        except (asyncpg.PostgresError, *LOST) as error:
            raise explain(error) from error

    async def find_plan(self, controller: str) -> SignalPlan | None:
        """Plans change with the import only, so each is read once a process."""
        if controller not in self._plans:
            for row in await self._store.list_by_id([controller]):
                stages = row.entity.body.get("stages", {})
                try:
                    self._plans[controller] = read_plan(stages.get("json") or stages.get("value"))
                except (KeyError, TypeError, ValueError):
                    return None
        return self._plans.get(controller)

    async def find_vehicle(self, vehicle: str) -> Reported | None:
        """Where it is changes by the second, so it is read each time."""
        for row in await self._store.list_by_id([vehicle]):
            status, stop = (row.entity.body.get(name, {}) for name in ("stopStatus", "refPublicTransportStop"))
            with contextlib.suppress(KeyError, TypeError, ValueError):
                return Reported(status["value"], stop["object"], from_iso(status["observedAt"]))
        return None

    def new_id(self) -> str:
        return f"urn:ngsi-ld:Command:{self._city}:{uuid.uuid4()}"

    # The wire.

    async def run(self) -> None:
        """Hears the devices for ever, reconnecting."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen_for_ever())
            group.create_task(self._tick_for_ever())

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            try:
                await self.service.tick()
            except MadangError as error:
                log.warning("the desk waits for the database", error=error.detail)

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except (aiomqtt.MqttError, OSError) as error:
                log.warning("the desk lost the devices", error=repr(error))
            self._client = None
            await asyncio.sleep(RETRY_S)

    async def _listen(self) -> None:
        parts = urlsplit(self._mqtt)
        async with aiomqtt.Client(
            parts.hostname or "127.0.0.1",
            parts.port or 1883,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        ) as client:
            prefix = f"city/{self._city}"
            await client.subscribe([(f"{prefix}/{one}", 0) for one in HEARD])
            # What the signals said before is unknown here, and they speak on change or once a minute.
            await client.publish(f"{prefix}/interrogation", b"{}", qos=0)
            self._client = client
            async for message in client.messages:
                await self._hear(str(message.topic).split("/"), message.payload)

    async def _hear(self, topic: list[str], payload: Any) -> None:
        try:
            said = msgspec.json.decode(payload, type=dict[str, Any])
            if topic[-1] == "receipt":
                await self.service.on_receipt(said)
            elif topic[-1] == "tick":
                self.clock.hear(from_iso(said["time"]))
                self.ticked = said["time"]
            else:
                at = from_iso(said["time"])
                self.clock.hear(at)
                controller = entity_id("TrafficSignalController", self._city, topic[3])
                self.service.on_report(controller, said["state"], said["stage"], at)
        except (msgspec.MsgspecError, KeyError, ValueError, TypeError) as error:
            # The same message is a dead letter at the ingest door, where it is counted and shown.
            log.info("a device said what cannot be read", topic="/".join(topic), error=repr(error))
        except BadRequest as error:
            log.info("a device said what cannot be used", error=error.detail)
        except MadangError as error:
            log.warning("a receipt could not be stored", error=error.detail)


def _told(receipt: Receipt) -> tuple[str, str, str, str, str]:
    """Who, what, whom, why and the outcome."""
    why = receipt.intent.reason
    words = why if isinstance(why, str) else msgspec.json.encode(why).decode()
    return receipt.intent.who, "command", receipt.intent.target, words, receipt.status


def _details(receipt: Receipt) -> dict[str, str]:
    value = msgspec.json.encode(receipt.intent.value).decode()
    known = {"id": receipt.intent.id, "kind": receipt.intent.kind, "value": value, "rank": str(receipt.intent.rank)}
    return known | {"reason": receipt.reason, "by": receipt.by}


async def open_desk(
    settings: Settings, city: str, pool: asyncpg.Pool, store: Store, speed: float, recorder: Recorder
) -> Desk:
    """A desk that goes on counting where the record ends. Commands that waited for a device when the desk before this one
    ended have failed."""
    for record in await pool.fetch(_INTERRUPTED):
        recorder.after(record["who"], "command", record["target"], "", "failed", id=record["id"], reason="interrupted")
    desk = Desk(settings, city, pool, store, CityClock(speed), recorder)
    for record in await pool.fetch("SELECT status = 'refused' AS refused, count(*) AS n FROM command GROUP BY 1"):
        if record["refused"]:
            desk.service.refused = record["n"]
        else:
            desk.service.accepted = record["n"]
    return desk
