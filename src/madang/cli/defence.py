"""The detector, wired: requests in the gateway, reports of watched entity types in ingest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from madang.base.city import CityConfig
from madang.base.clock import SystemClock, to_iso
from madang.context.writer import Writer
from madang.model.entity import Entity
from madang.model.operations import Create, Operation
from madang.trust.audit.entry import Event
from madang.trust.audit.log import AuditLog
from madang.trust.defence.verdict import SEVERITY, Verdict
from madang.trust.defence.verdicts import Verdicts
from madang.trust.defence.watch import Watch

Write = Callable[[list[Operation]], Awaitable[list[object]]]


def open_watch(pool: asyncpg.Pool, writer: Writer, register: AuditLog, city: CityConfig) -> Watch:
    """That of one process; verdicts of all are in the database."""
    clock = SystemClock()

    async def raise_alert(identifier: str, verdict: Verdict, act: str) -> None:
        details = {"id": identifier, "act": act}
        event = Event(clock.now(), "madang", "defence.verdict", verdict.subject, verdict.text(), "done", details)
        await register.append(event)
        await writer.submit(Create(alert_of(identifier, verdict, act, to_iso(clock.now()))))

    return Watch(Verdicts(pool, city.id, city.defence, clock), raise_alert, clock)


def alert_of(identifier: str, verdict: Verdict, act: str, issued: str) -> Entity:
    """The verdict as an `Alert` of the Smart Data Models."""
    data = {
        "kind": verdict.kind,
        "act": act,
        "features": [{"name": one.name, "value": one.value, "limit": one.limit} for one in verdict.features],
    }
    values: dict[str, Any] = {
        "category": "security",
        "subCategory": "suspiciousAction",
        "severity": SEVERITY[verdict.kind],
        "description": verdict.text(),
        "alertSource": verdict.subject,
        "dateIssued": {"@type": "DateTime", "@value": issued},
        "data": data,
    }
    return Entity(identifier, ["Alert"], {name: {"type": "Property", "value": value} for name, value in values.items()})


def watched(write: Write, watch: Watch, types: list[str]) -> Write:
    """The same, with what is reported of entities of these types shown to the detector after it was written."""
    if not types:
        return write
    wanted, clock = frozenset(types), SystemClock()
    telling: set[asyncio.Task[None]] = set()

    async def write_and_watch(operations: list[Operation]) -> list[object]:
        results = await write(operations)
        found, now_s = [], clock.now().timestamp()
        for operation in operations:
            entity = getattr(operation, "entity", None)
            if isinstance(entity, Entity) and wanted.intersection(entity.types):
                found += watch.detector.read(now_s, f"device:{entity.id}", numbers_of(entity))
        if found:
            task = asyncio.create_task(watch.settle(found))
            telling.add(task)
            task.add_done_callback(telling.discard)
        return results

    return write_and_watch


def numbers_of(entity: Entity) -> dict[str, float]:
    """Its attributes that are one number."""
    values = {name: body.get("value") for name, body in entity.body.items() if isinstance(body, dict)}
    return {
        name: float(one) for name, one in values.items() if isinstance(one, int | float) and not isinstance(one, bool)
    }
