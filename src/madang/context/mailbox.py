"""What waits for one subscription, and when it goes out."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from madang.base.clock import to_iso
from madang.base.limits import NOTIFY_BODY_MAX_ENTITIES, NOTIFY_FAILING_QUEUE_MAX, NOTIFY_QUEUE_MAX
from madang.context.delivery import FAILED, Delivery
from madang.model.subscription import Subscription

log = structlog.get_logger()
FROM_SOURCES = 2**62
"""Numbers of notices from here on are of what other brokers told: they stand in no order with changes."""
FAILING_AFTER = 3
PAUSES_S = (0.5, 1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Notice:
    """One change of one entity as it is told, or with `seq` 0 everything that the clock tells."""

    seq: int
    entity_id: str
    data: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Settled:
    """The end of an attempt (`ok` or not; None: dropped without one) and the notices that wait no more."""

    subscription_id: str
    ok: bool | None
    seqs: list[int]


class Mailbox:
    """A bounded queue, and a task only while something waits. What is too much goes oldest first."""

    def __init__(self, subscription: Subscription, delivery: Delivery, settle: Callable[[Settled], None]) -> None:
        self.subscription = subscription
        self._delivery, self._settle = delivery, settle
        self._waiting: deque[Notice] = deque()
        self._task: asyncio.Task[None] | None = None
        self._last_seq = 0
        self._last_sent: float | None = None
        self._failures = 0

    @property
    def is_shut(self) -> bool:
        """Whether there is no use in another notice: its endpoint does not answer and enough waits for it. Where a whole host
        is known not to answer, one is enough."""
        if self._failures >= FAILING_AFTER and len(self._waiting) >= NOTIFY_FAILING_QUEUE_MAX:
            return True
        return bool(self._waiting) and self._delivery.is_broken(self.subscription.endpoint)

    @property
    def waits(self) -> bool:
        """Whether something is still to be told."""
        return bool(self._waiting)

    def put(self, notice: Notice) -> None:
        """Takes a notice in; one that was taken before is not taken twice."""
        if 0 < notice.seq < FROM_SOURCES:
            if notice.seq <= self._last_seq:
                return
            self._last_seq = notice.seq
        self._waiting.append(notice)
        if len(self._waiting) > NOTIFY_QUEUE_MAX:
            self._settle(Settled(self.subscription.id, None, [self._waiting.popleft().seq]))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._deliver(), name=f"notify {self.subscription.id}")

    def change(self, subscription: Subscription) -> None:
        """The subscription was changed: what waits goes out as it now says, unless who made it sees something else now."""
        seen_alike = subscription.sight is self.subscription.sight
        self.subscription = subscription
        if not seen_alike:
            self._settle(Settled(subscription.id, None, [notice.seq for notice in self._waiting]))
            self._waiting.clear()

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _deliver(self) -> None:
        while self._waiting:
            await self._wait_turn()
            if not self._waiting:
                return
            if not self.is_due(to_iso(datetime.now(UTC))):
                self._settle(Settled(self.subscription.id, None, [notice.seq for notice in self._waiting]))
                self._waiting.clear()
                return
            await self._send(self._next())

    def is_due(self, now: str) -> bool:
        """Whether the subscription is neither paused nor over."""
        expires = self.subscription.expires_at
        return self.subscription.active and (expires is None or expires > now)

    async def _wait_turn(self) -> None:
        pause = 0.0
        if self._last_sent is not None:
            pause = self._last_sent + self.subscription.throttling_s - time.monotonic()
        if self._failures:
            cooldown = self.subscription.endpoint.cooldown_s
            pause = max(pause, cooldown or PAUSES_S[min(self._failures, len(PAUSES_S)) - 1])
        if pause > 0:
            await asyncio.sleep(pause)

    def _next(self) -> list[Notice]:
        """The notices of the next notification: of each entity one, but with throttling the last one of each."""
        if self.subscription.split or not self._waiting[0].seq:
            return [self._waiting[0]]
        out: dict[str, list[Notice]] = {}
        for notice in self._waiting:
            if (notice.entity_id in out and not self.subscription.throttling_s) or not notice.seq:
                break
            if len(out) >= NOTIFY_BODY_MAX_ENTITIES and notice.entity_id not in out:
                break
            out.setdefault(notice.entity_id, []).append(notice)
        return [notice for notices in out.values() for notice in notices]

    async def _send(self, notices: list[Notice]) -> None:
        last = {notice.entity_id: notice for notice in notices}
        data = [one for notice in last.values() for one in notice.data]
        self._last_sent = time.monotonic()
        try:
            await self._delivery.send(self.subscription, data)
        except FAILED as error:
            log.info("notification failed", id=self.subscription.id, error=repr(error))
            self._failures += 1
            self._settle(Settled(self.subscription.id, False, self._shed()))
            return
        self._failures = 0
        sent = set(map(id, notices))
        self._waiting = deque(notice for notice in self._waiting if id(notice) not in sent)
        self._settle(Settled(self.subscription.id, True, [notice.seq for notice in notices]))

    def _shed(self) -> list[int]:
        """For an endpoint that does not answer only the latest is kept."""
        shed = []
        while self._failures >= FAILING_AFTER and len(self._waiting) > NOTIFY_FAILING_QUEUE_MAX:
            shed.append(self._waiting.popleft().seq)
        return shed
