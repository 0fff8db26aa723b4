"""Subscriptions to registrations, kept as the database has them, and told of every change (clause 5.11)."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import asyncpg
import structlog

from madang.base.clock import Clock, SystemClock, to_iso
from madang.base.errors import MadangError
from madang.context.catalogue import Catalogue
from madang.context.contexts import Contexts
from madang.context.delivery import Delivery
from madang.context.freshness import Freshness
from madang.context.tally import Tally
from madang.engine.database import LOST
from madang.federation.federation import RELOAD_S, Federation
from madang.federation.source_subscription import SourceSubscription, parse_source_subscription
from madang.federation.teller import Means, Teller
from madang.federation.told import Told
from madang.model.endpoint import Pairs

log = structlog.get_logger()


class Rights(Protocol):
    """Who may hear of sources; `generation` is another when that changed for somebody."""

    @property
    def generation(self) -> object: ...

    def may_hear_of_sources(self, maker: Mapping[str, Any]) -> bool: ...


class SourceNotifier:
    """One tenant's, in one process. `headers` go with every notification."""

    def __init__(self, pool: asyncpg.Pool, rights: Rights, headers: Pairs = (), clock: Clock | None = None) -> None:
        self._rights, self._generation = rights, rights.generation
        self._contexts = Contexts(catalogue=Catalogue(pool))
        self.federation = Federation(pool, self._contexts)
        self._tally = Tally(pool, "csource_subscription")
        self._clock = clock or SystemClock()
        self._means = Means(self.federation.index, Told(pool), Delivery(headers), self._tally.settle, self._clock)
        self._tellers: dict[str, Teller] = {}
        self._since: dict[str, datetime] = {}
        self._freshness = Freshness()
        self._ends: list[tuple[str, str]] = []
        self._pending: set[str] = set()

    async def run(self) -> None:
        """For ever."""
        try:
            await asyncio.gather(self._follow(), self._tally.write_for_ever())
        finally:
            for teller in self._tellers.values():
                teller.stop()
            await self._means.delivery.close()

    async def _follow(self) -> None:
        while True:
            try:
                await self.look()
            except (*LOST, MadangError) as error:
                log.warning("source notifier waits for the database", error=repr(error))
            await asyncio.sleep(RELOAD_S)

    async def look(self) -> None:
        """Takes in what was made, changed, deleted or is over since the last time. Raises Unavailable, one of LOST."""
        changed = await self.federation.reload()
        self._note_ends(changed)
        self._pending |= changed | self._over()
        # Subscriptions are read after what they are told of: one that was deleted before is not told.
        before = dict(self._tellers)
        await self._reload()
        if self._pending:
            # Who has just begun asks for everything anyway.
            await self._spread(
                self._pending, {name: one for name, one in self._tellers.items() if before.get(name) is one}
            )
            self._pending = set()

    def _note_ends(self, changed: set[str]) -> None:
        for identifier in changed:
            known = self.federation.index.get(identifier)
            if known is not None and known.registration.expires_at is not None:
                heapq.heappush(self._ends, (known.registration.expires_at, identifier))

    def _over(self) -> set[str]:
        """Registrations whose time has come; one that was given more time since is told as it is."""
        now, out = to_iso(self._clock.now()), set()
        while self._ends and self._ends[0][0] <= now:
            out.add(heapq.heappop(self._ends)[1])
        return out

    async def _spread(self, changed: set[str], tellers: dict[str, Teller]) -> None:
        # Asked in this order: what is being told now is written down meanwhile, so that one of the two knows of it.
        concerned = {name: {one for one in changed if teller.concerns(one)} for name, teller in tellers.items()}
        whom = await self._means.told.whom(changed) if tellers else {}
        for identifier, teller in tellers.items():
            heard = whom.get(identifier, set()) | concerned[identifier]
            if heard:
                teller.hear(heard)

    async def _reload(self) -> None:
        change, generation = await self.federation.subscriptions.change(), self._rights.generation
        if not self._freshness.is_stale(change) and generation == self._generation:
            return
        every = await self.federation.subscriptions.every()
        records = {one["id"]: one for one in every if self._rights.may_hear_of_sources(one["maker"])}
        for gone in self._since.keys() - records.keys():
            self._close(gone)
        for identifier, record in records.items():
            if self._since.get(identifier) != record["modified_at"]:
                self._close(identifier)
                await self._open(identifier, record)
        self._freshness.read_at(change)
        self._generation = generation

    def _close(self, identifier: str) -> None:
        self._since.pop(identifier, None)
        if identifier in self._tellers:
            self._tellers.pop(identifier).stop()

    async def _open(self, identifier: str, record: Any) -> None:
        since = record["modified_at"]
        try:
            source = await self._parsed(record)
        except MadangError as error:
            log.warning("source subscription cannot be used", id=identifier, error=error.detail)
            return
        await self._means.told.forget(identifier, since)
        self._since[identifier] = since
        self._tellers[identifier] = Teller(source, since, self._means)

    async def _parsed(self, record: Any) -> SourceSubscription:
        own = await self._contexts.get(record["context"])
        told = await self._contexts.get(record["body"].get("jsonldContext") or record["context"])
        return parse_source_subscription(record["body"] | {"id": record["id"]}, own).told_in(told)
