"""Notifications: changes matched against subscriptions and delivered by HTTP or MQTT.

Each subscription has its own bounded queue and its own task, so one dead endpoint never delays another. A queue that is
full drops its oldest change and counts it as failed: the entity's present state is in the next notification anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import OrderedDict
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
import asyncpg
import httpx
import msgspec
import structlog

from madang.base.clock import to_iso
from madang.base.errors import MadangError
from madang.base.limits import NOTIFY_BODY_MAX_ENTITIES, NOTIFY_QUEUE_MAX, NOTIFY_TIMEOUT_S
from madang.context.catalogue import Catalogue
from madang.context.contexts import Contexts
from madang.context.row import Row
from madang.context.store import Store
from madang.context.subscriptions import Subscription, Subscriptions, parse_subscription
from madang.engine.database import LOST
from madang.model.context import CORE_URL
from madang.model.entity import Entity
from madang.model.render import Form, render

log = structlog.get_logger()
RELOAD_S = 0.5
RETRY_S = (0.5, 1.0, 2.0)
COOLDOWN_S = 10.0
_SUCCESS = """
UPDATE subscription SET times_sent = times_sent + 1, last_notification = now(), last_success = now() WHERE id = $1
"""
_FAILURE = """
UPDATE subscription SET times_sent = times_sent + 1, times_failed = times_failed + 1, last_notification = now(),
  last_failure = now() WHERE id = $1
"""


class Notifier:
    """Knows the subscriptions of this city and one courier per subscription; `headers` go with every notification."""

    def __init__(self, pool: asyncpg.Pool, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self._pool = pool
        self._headers = headers
        self._store = Store(pool)
        self._contexts = Contexts(catalogue=Catalogue(pool))
        self._mail: dict[str, _Mailbox] = {}
        self._loaded: dict[str, datetime] = {}

    @property
    def subscriptions(self) -> int:
        return len(self._mail)

    async def reload_for_ever(self) -> None:
        """Follows what other processes created, changed or deleted."""
        while True:
            try:
                await self.reload()
            except LOST as error:
                log.warning("notifier waits for the database", error=repr(error))
            await asyncio.sleep(RELOAD_S)

    async def reload(self) -> None:
        records = {record["id"]: record for record in await Subscriptions(self._pool).every()}
        for gone in self._mail.keys() - records.keys():
            self._mail.pop(gone).stop()
            self._loaded.pop(gone, None)
        for identifier, record in records.items():
            if self._loaded.get(identifier) != record["modified_at"]:
                await self._open(identifier, record)

    async def _open(self, identifier: str, record: asyncpg.Record) -> None:
        try:
            context = await self._contexts.get(record["context"])
            subscription = parse_subscription(record["body"] | {"id": identifier}, context)
        except MadangError as error:
            log.warning("subscription cannot be used", id=identifier, error=error.detail)
            return
        old = self._mail.pop(identifier, None)
        if old is not None:
            old.stop()
        told = replace(subscription, headers=subscription.headers + self._headers)
        self._mail[identifier] = _Mailbox(told, self._pool)
        self._loaded[identifier] = record["modified_at"]

    async def consume(self, changes: list[Any]) -> None:
        """Matches a batch of changes (bus.changes.Change) in commit order."""
        if not self._mail:
            return
        wanted = {
            change.id for change in changes if any(self._concerned(box, change, change.types) for box in self._boxes())
        }
        if not wanted:
            return
        rows = {row.entity.id: row for row in await self._store.list_by_id(sorted(wanted))}
        for change in changes:
            if change.id in wanted:
                self._dispatch(change, rows.get(change.id))

    def _boxes(self) -> list[_Mailbox]:
        return list(self._mail.values())

    @staticmethod
    def _concerned(box: _Mailbox, change: Any, types: list[str]) -> bool:
        return box.subscription.concerns(change.id, types, change.op, set(change.change))

    def _dispatch(self, change: Any, row: Row | None) -> None:
        types = row.entity.types if row is not None else change.types
        entity = row.entity if row is not None else Entity(change.id, types, {})
        for box in self._boxes():
            if self._concerned(box, change, types) and (change.op == "d" or box.subscription.accepts(entity)):
                shown = render(entity, box.subscription.form, row.stamps if row is not None else None)
                if row is None:
                    shown["deletedAt"] = change.at
                box.put(change.id, shown)


class _Mailbox:
    """The queue, the task and the counters of one subscription."""

    def __init__(self, subscription: Subscription, pool: asyncpg.Pool) -> None:
        self.subscription = subscription
        self._pool = pool
        self._waiting: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._wake = asyncio.Event()
        self._last_sent = 0.0
        self._failures = 0
        self._task = asyncio.create_task(self._deliver(), name=f"notify {subscription.id}")

    def put(self, entity_id: str, shown: dict[str, Any]) -> None:
        """The newest state of an entity replaces one that still waits."""
        self._waiting[entity_id] = shown
        if len(self._waiting) > NOTIFY_QUEUE_MAX:
            self._waiting.popitem(last=False)
        self._wake.set()

    def stop(self) -> None:
        self._task.cancel()

    async def _deliver(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._wait_turn()
                if self._expired():
                    self._waiting.clear()
                    break
                batch = [self._waiting.popitem(last=False)[1] for _ in range(self._batch_size())]
                self._last_sent = time.monotonic()
                await self._send_with_retry(batch)

    def _batch_size(self) -> int:
        return min(len(self._waiting), NOTIFY_BODY_MAX_ENTITIES)

    async def _wait_turn(self) -> None:
        pause = self._last_sent + self.subscription.throttling_s - time.monotonic()
        if self._failures >= len(RETRY_S):
            pause = max(pause, COOLDOWN_S)
        if pause > 0 and (self._last_sent or self._failures):
            await asyncio.sleep(pause)

    def _expired(self) -> bool:
        expires = self.subscription.expires_at
        return expires is not None and expires <= to_iso(datetime.now(UTC))

    async def _send_with_retry(self, batch: list[dict[str, Any]]) -> None:
        attempts = 1 if self._failures >= len(RETRY_S) else len(RETRY_S)
        for attempt in range(attempts):
            try:
                await send(self.subscription, batch)
            except (httpx.HTTPError, aiomqtt.MqttError, OSError, TimeoutError, ValueError) as error:
                log.info("notification failed", id=self.subscription.id, error=repr(error))
                self._failures += 1
                await self._count(success=False)
                if attempt + 1 < attempts:
                    await asyncio.sleep(RETRY_S[attempt])
            else:
                self._failures = 0
                await self._count(success=True)
                return

    async def _count(self, *, success: bool) -> None:
        with contextlib.suppress(*LOST):
            await self._pool.execute(_SUCCESS if success else _FAILURE, self.subscription.id)


def notification(subscription: Subscription, batch: list[dict[str, Any]]) -> dict[str, Any]:
    """The Notification data type of clause 5.3.1."""
    return {
        "id": f"urn:ngsi-ld:Notification:{uuid.uuid4()}",
        "type": "Notification",
        "subscriptionId": subscription.id,
        "notifiedAt": to_iso(datetime.now(UTC)),
        "data": batch,
    }


async def send(subscription: Subscription, batch: list[dict[str, Any]]) -> None:
    """One delivery. Raises what the wire raises; an HTTP status of 400 or more is a failure."""
    body = notification(subscription, batch)
    if subscription.endpoint.startswith("mqtt"):
        await _send_mqtt(subscription, body)
    else:
        await _send_http(subscription, body)


def _link(form: Form) -> str:
    source = form.context.source
    url = source if isinstance(source, str) else CORE_URL
    return f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


async def _send_http(subscription: Subscription, body: dict[str, Any]) -> None:
    headers = {"content-type": subscription.accept, **dict(subscription.headers)}
    if subscription.accept == "application/ld+json":
        body = body | {"@context": subscription.form.context.source or CORE_URL}
    else:
        headers["link"] = _link(subscription.form)
    async with httpx.AsyncClient(timeout=NOTIFY_TIMEOUT_S, trust_env=False) as client:
        response = await client.post(subscription.endpoint, content=msgspec.json.encode(body), headers=headers)
        response.raise_for_status()


async def _send_mqtt(subscription: Subscription, body: dict[str, Any]) -> None:
    """Clause 7.2: the payload carries the metadata that HTTP has in headers."""
    parts = urlsplit(subscription.endpoint)
    metadata = {"Content-Type": subscription.accept, "Link": _link(subscription.form)} | dict(subscription.headers)
    payload = msgspec.json.encode({"metadata": metadata, "body": body})
    async with (
        asyncio.timeout(NOTIFY_TIMEOUT_S),
        aiomqtt.Client(
            parts.hostname or "",
            parts.port or (8883 if parts.scheme == "mqtts" else 1883),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls_params=aiomqtt.TLSParameters() if parts.scheme == "mqtts" else None,
        ) as client,
    ):
        await client.publish(parts.path.lstrip("/"), payload, qos=1)
