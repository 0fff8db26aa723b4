"""What this broker knows of others: registrations in memory, kept as the database has them."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import asyncpg
import structlog

from madang.base.clock import SystemClock, to_iso
from madang.base.errors import MadangError
from madang.base.limits import SOURCE_SUBSCRIPTIONS_MAX
from madang.context.contexts import Contexts
from madang.context.freshness import Freshness
from madang.context.subscriptions import Subscriptions
from madang.federation.at_sources import AtSources
from madang.federation.index import Index, Known, is_over
from madang.federation.matching import SourceQuery, search
from madang.federation.peers import Peers
from madang.federation.registrations import Registrations
from madang.model.registration import Registration, parse_registration
from madang.model.registration_names import csource_properties
from madang.model.sources import Spec

log = structlog.get_logger()
RELOAD_S = 0.5
MARGIN = timedelta(seconds=10)
"""A row's time is when its statement began, which may be earlier than what was read before it could be seen."""


class Federation:
    """The sources of one tenant. What this process registers counts at once, what another does within `RELOAD_S`."""

    def __init__(self, pool: asyncpg.Pool, contexts: Contexts) -> None:
        self.kept = Registrations(pool)
        self.subscriptions = Subscriptions(pool, "csource_subscription", SOURCE_SUBSCRIPTIONS_MAX)
        self.peers = Peers()
        self.index = Index()
        self.changes = 0
        """How often registrations were seen to have changed; 0 until they were read."""
        self.at_sources = AtSources(pool)
        self._contexts = contexts
        self._freshness = Freshness()
        self._since: dict[str, datetime] = {}
        self._unsaid: set[str] = set()
        self._reloading = asyncio.Lock()

    def __len__(self) -> int:
        """How many there are: with none every request is this broker's own affair."""
        return len(self.index)

    async def close(self) -> None:
        """Lets the other brokers go."""
        await self.peers.close()

    async def follow(self) -> None:
        """For ever: takes in what other processes register."""
        while True:
            try:
                await self.reload()
            except MadangError as error:
                log.warning("federation waits for the database", error=error.detail)
            await asyncio.sleep(RELOAD_S)

    async def reload(self) -> set[str]:
        """Reads what was made, changed or deleted since the last time; the ids of that. Raises Unavailable."""
        async with self._reloading:
            change = await self.kept.change()
            if not self._freshness.is_stale(change):
                return set()
            self._unsaid |= await self._take_in()
            self._unsaid |= await self._leave_out()
            self._freshness.read_at(change)
            seen, self._unsaid = self._unsaid, set()
            self.changes += bool(seen) or not self.changes
            return seen

    async def _take_in(self) -> set[str]:
        latest = max(self._since.values(), default=None)
        versions = await self.kept.versions(latest and latest - MARGIN)
        changed = [name for name, version in versions.items() if self._since.get(name) != version]
        for record in await self.kept.some(changed) if changed else ():
            await self._open(record)
            self._since[record["id"]] = record["modified_at"]
        return set(changed)

    async def _leave_out(self) -> set[str]:
        if await self.kept.count() == len(self._since):
            return set()
        gone = self._since.keys() - await self.kept.ids()
        for identifier in gone:
            self._since.pop(identifier)
            self.index.drop(identifier)
            self.peers.forget(identifier)
        return gone

    async def _open(self, record: asyncpg.Record) -> None:
        try:
            self.index.put(await self._read(record))
        except MadangError as error:
            log.warning("registration cannot be used", id=record["id"], error=error.detail)
            self.index.drop(record["id"])

    async def _read(self, record: asyncpg.Record) -> Known:
        """A stored document with its names understood. Raises ContextUnavailable."""
        data, context = record["body"], await self._contexts.get(record["context"])
        properties = csource_properties(data, context)
        return Known(parse_registration(data, context), data, properties, context, record["modified_at"])

    def find(self, spec: Spec) -> list[Known]:
        """The registrations that match now."""
        return self.index.find(spec, to_iso(SystemClock().now()))

    def search(self, query: SourceQuery) -> list[Known]:
        """As `find`, with conditions."""
        return search(self.index, query, to_iso(SystemClock().now()))

    def every(self) -> list[Registration]:
        """All that are not over."""
        now = to_iso(SystemClock().now())
        return [known.registration for known in self.index.all() if not is_over(known.registration, now)]
