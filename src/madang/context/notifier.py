"""Changes matched against subscriptions: what is to be told is on disk before the courier goes on, then it goes out.

Each subscription has its own bounded mailbox, so one dead endpoint never delays another. Delivery is at least once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

import asyncpg
import structlog

from madang.base.clock import to_iso
from madang.base.errors import MadangError
from madang.context.catalogue import Catalogue
from madang.context.contexts import Contexts
from madang.context.delivery import Delivery
from madang.context.freshness import Freshness
from madang.context.mailbox import Mailbox, Notice, Settled
from madang.context.matcher import Matcher
from madang.context.notices import Notices
from madang.context.periodic import tell_by_clock
from madang.context.store import Store
from madang.context.subscriptions import Subscriptions
from madang.context.tally import Tally
from madang.engine.database import LOST
from madang.model.change import Recorded
from madang.model.endpoint import Pairs
from madang.model.notice import events
from madang.model.sight import Sight
from madang.model.subscription import Subscription, parse_subscription

log = structlog.get_logger()
RELOAD_S = 0.5


class Sights(Protocol):
    """What those see who made subscriptions; `generation` is another when that changed for one of them."""

    @property
    def generation(self) -> object: ...

    def sight(self, maker: Mapping[str, Any]) -> Sight: ...


class Notifier:
    """The subscriptions of one tenant; `headers` go with every notification."""

    def __init__(self, pool: asyncpg.Pool, sights: Sights, headers: Pairs = ()) -> None:
        self._sights, self._generation = sights, sights.generation
        self._store = Store(pool)
        self._kept = Subscriptions(pool)
        self._contexts = Contexts(catalogue=Catalogue(pool))
        self._notices = Notices(self._store)
        self._delivery, self._tally = Delivery(headers), Tally(pool)
        self._matcher = Matcher()
        self._mail: dict[str, Mailbox] = {}
        self._since: dict[str, str] = {}
        self._clocks: dict[str, asyncio.Task[None]] = {}
        self._freshness = Freshness()
        self._behind = 0
        self._reloading = asyncio.Lock()

    @property
    def subscriptions(self) -> int:
        return len(self._matcher)

    async def run(self) -> None:
        """For ever: follows subscriptions while nothing changes, and writes down what was delivered."""
        await asyncio.gather(self._follow(), self._tally.write_for_ever())

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(RELOAD_S)
            try:
                await self.reload()
                await self.take_told()
            except LOST as error:
                log.warning("notifier waits for the database", error=repr(error))

    async def stop(self) -> None:
        """Ends what is on its way; what waits stays on disk."""
        for box in self._mail.values():
            box.stop()
        for clock in self._clocks.values():
            clock.cancel()
        await self._delivery.close()

    async def start(self) -> None:
        """Reads the subscriptions, and what waited for them when the process before this one ended."""
        await self.reload()
        self._put_unless_narrowed(await self._tally.waiting())

    async def take_told(self) -> None:
        """What other brokers told of our subscriptions, which is on disk already. Raises one of LOST."""
        self._put_unless_narrowed(await self._tally.from_sources(self._behind))

    def _put_unless_narrowed(self, told: list[tuple[str, Notice]]) -> None:
        """What was made elsewhere, or before, was made for a maker who saw everything: others are not told it."""
        narrowed = {name for name, box in self._mail.items() if not box.subscription.sight.whole}
        for identifier, notice in told:
            if identifier in narrowed:
                self._tally.settle(Settled(identifier, None, [notice.seq]))
        self._put([pair for pair in told if pair[0] not in narrowed])

    def _put(self, told: list[tuple[str, Notice]]) -> None:
        for identifier, notice in told:
            self._behind = max(self._behind, notice.seq)
            if identifier in self._mail:
                self._mail[identifier].put(notice)

    async def reload(self) -> None:
        """Reads what was made, changed or deleted since the last time. Raises one of LOST."""
        async with self._reloading:
            change, generation = await self._kept.change(), self._sights.generation
            if not self._freshness.is_stale(change) and generation == self._generation:
                return
            records = {record["id"]: record for record in await self._kept.every()}
            for gone in self._since.keys() - records.keys():
                self._close(gone)
            for identifier, record in records.items():
                if self._since.get(identifier) != to_iso(record["modified_at"]) or self._sees_else(identifier, record):
                    await self._open(identifier, record)
            self._freshness.read_at(change)
            self._generation = generation

    def _sees_else(self, identifier: str, record: asyncpg.Record) -> bool:
        """Whether its maker sees something else by now."""
        return identifier in self._mail and self._mail[identifier].subscription.sight is not self._sights.sight(
            record["maker"]
        )

    def _close(self, identifier: str) -> None:
        self._since.pop(identifier, None)
        self._matcher.drop(identifier)
        if identifier in self._mail:
            self._mail.pop(identifier).stop()
        if identifier in self._clocks:
            self._clocks.pop(identifier).cancel()

    async def _open(self, identifier: str, record: asyncpg.Record) -> None:
        try:
            subscription = await self._parsed(record)
        except MadangError as error:
            log.warning("subscription cannot be used", id=identifier, error=error.detail)
            self._close(identifier)
            return
        self._since[identifier] = to_iso(record["modified_at"])
        self._matcher.put(subscription)
        if identifier in self._mail:
            self._mail[identifier].change(subscription)
        else:
            self._mail[identifier] = Mailbox(subscription, self._delivery, self._settle)
        if identifier in self._clocks:
            self._clocks.pop(identifier).cancel()
        if subscription.interval_s is not None:
            work = tell_by_clock(subscription, self._mail[identifier], self._store, self._notices)
            self._clocks[identifier] = asyncio.create_task(work)

    async def _parsed(self, record: asyncpg.Record) -> Subscription:
        """Names are read in the subscriber's context, and told in the one that it wants (clause 5.2.12, jsonldContext)."""
        subscription = parse_subscription(
            record["body"] | {"id": record["id"]}, await self._contexts.get(record["context"])
        )
        told = await self._contexts.get(record["body"].get("jsonldContext") or record["context"])
        form, sight = replace(subscription.form, context=told), self._sights.sight(record["maker"])
        return replace(subscription, form=form, sight=sight)

    async def consume(self, changes: list[Recorded]) -> None:
        """Takes in a batch of changes in commit order. What is to be told of them is on disk when it returns."""
        await self.reload()
        if not len(self._matcher):
            return
        now = to_iso(datetime.now(UTC))
        told = await self._notices.of([(one, wanted) for one in changes if (wanted := self._wanted(one, now))])
        await self._tally.keep(told)
        self._put(told)

    def _wanted(self, recorded: Recorded, now: str) -> list[Subscription]:
        change = recorded.change
        seen = events(change.op, change.change, recorded.before)
        concerned = list(self._matcher.concerned(change.id, change.types, change.op, seen))
        return [one for one in concerned if self._since[one.id] <= change.at and self._takes(one.id, now)]

    def _takes(self, identifier: str, now: str) -> bool:
        box = self._mail[identifier]
        if box.is_shut:
            self._matcher.suspend(identifier)
            return False
        return box.is_due(now)

    def _settle(self, settled: Settled) -> None:
        if settled.ok:
            self._matcher.resume(settled.subscription_id)
        self._tally.settle(settled)
