"""One subscription to registrations: what differs from what it was told last goes out until it was taken (clause 5.11.7)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from madang.base.clock import Clock, to_iso
from madang.base.errors import MadangError
from madang.context.delivery import FAILED, Delivery
from madang.context.mailbox import Settled
from madang.engine.database import LOST
from madang.federation.index import Index, is_over
from madang.federation.matching import search, shown
from madang.federation.source_subscription import SourceSubscription
from madang.federation.told import Difference, Shown, Told, differences

log = structlog.get_logger()
PAUSES_S = (10.0, 30.0, 60.0)
"""Registrations change rarely, and what is told late is told as it is then."""


@dataclass(frozen=True)
class Means:
    """What all tellers share."""

    index: Index
    told: Told
    delivery: Delivery
    settle: Callable[[Settled], None]
    clock: Clock


class Teller:
    """Told of registrations that may concern it by `hear`. What waits is ids, so its memory is bounded by the registrations."""

    def __init__(self, source: SourceSubscription, since: datetime, means: Means) -> None:
        self._source, self._since, self._means = source, since, means
        self._subscription = source.subscription
        self._heard: set[str] | None = None
        self._telling: set[str] | None = set()
        self._wake = asyncio.Event()
        self._wake.set()
        self._task = asyncio.create_task(self._run(), name=f"tell {self._subscription.id}")

    def hear(self, ids: Iterable[str]) -> None:
        """These registrations may have come, changed or gone."""
        if self._heard is not None:
            self._heard |= set(ids)
        if self._subscription.interval_s is None:
            self._wake.set()

    def concerns(self, identifier: str) -> bool:
        """Whether the registration matches as it is now, or is being told of as it was."""
        if self._telling is None or identifier in self._telling:
            return True
        known = self._means.index.get(identifier)
        return known is not None and bool(self._source.query.information(known))

    def stop(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        """First everything that matches, then what was heard of, or everything by the clock."""
        failures = 0
        while self._is_due():
            await self._wake.wait()
            self._wake.clear()
            heard, self._heard = self._heard, set()
            self._telling = heard
            try:
                await self._tell(heard)
                failures = 0
            except (*FAILED, *LOST, MadangError) as error:
                log.info("source notification failed", id=self._subscription.id, error=repr(error))
                self._heard = None if heard is None or self._heard is None else self._heard | heard
                self._wake.set()
                pause = self._subscription.endpoint.cooldown_s or PAUSES_S[min(failures, len(PAUSES_S) - 1)]
                failures += 1
                await asyncio.sleep(pause)
            self._telling = set()
            if self._subscription.interval_s is not None and not self._wake.is_set():
                await asyncio.sleep(self._subscription.interval_s)
                self._heard = None
                self._wake.set()

    def _is_due(self) -> bool:
        expires = self._subscription.expires_at
        return self._subscription.active and (expires is None or expires > to_iso(self._means.clock.now()))

    async def _tell(self, heard: set[str] | None) -> None:
        told = await self._means.told.of(self._subscription.id, self._since, heard)
        again = self._subscription.interval_s is not None
        for difference in differences(told, self._now(heard), again=again):
            if not self._is_due():
                return
            await self._send(difference)
            await self._means.told.keep(self._subscription.id, self._since, difference)
            await asyncio.sleep(self._subscription.throttling_s)

    def _now(self, heard: set[str] | None) -> dict[str, Shown]:
        """What matches now, of what was heard of or of all."""
        now, index, query = to_iso(self._means.clock.now()), self._means.index, self._source.query
        if heard is None:
            found = search(index, query, now)
        else:
            known = [one for one in map(index.get, heard) if one is not None and not is_over(one.registration, now)]
            found = [one for one in known if query.information(one)]
        context = self._subscription.form.context
        return {one.registration.id: Shown(one.version, shown(one, query, context)) for one in found}

    async def _send(self, difference: Difference) -> None:
        subscription, ok = self._subscription, False
        body = notification(subscription.id, difference, self._means.clock.now())
        try:
            await self._means.delivery.post(subscription.endpoint, subscription.form, body)
            ok = True
        finally:
            self._means.settle(Settled(subscription.id, ok, []))


def notification(subscription: str, difference: Difference, now: datetime) -> dict[str, Any]:
    """The CsourceNotification data type of clause 5.3.2."""
    return {
        "id": f"urn:ngsi-ld:Notification:{uuid.uuid4()}",
        "type": "ContextSourceNotification",
        "subscriptionId": subscription,
        "notifiedAt": to_iso(now),
        "data": [one.data for one in difference.registrations.values()],
        "triggerReason": difference.reason,
    }
