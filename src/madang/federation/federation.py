"""What this broker knows of others: registrations in memory, kept as the database has them."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import structlog

from madang.base.clock import SystemClock, to_iso
from madang.base.errors import MadangError
from madang.context.contexts import Contexts
from madang.federation.index import Index, Known, is_over
from madang.federation.peers import Peers
from madang.federation.registrations import Registrations
from madang.model.registration import Registration, parse_registration
from madang.model.registration_names import csource_properties
from madang.model.sources import Spec

log = structlog.get_logger()
RELOAD_S = 0.5


class Federation:
    """The sources of one tenant. What this process registers counts at once, what another does within `RELOAD_S`."""

    def __init__(self, pool: asyncpg.Pool, contexts: Contexts) -> None:
        self.kept = Registrations(pool)
        self.peers = Peers()
        self.index = Index()
        self._contexts = contexts
        self._change = -1
        self._since: dict[str, Any] = {}
        self._reloading = asyncio.Lock()

    def __len__(self) -> int:
        """How many there are: with none every request is this broker's own affair."""
        return len(self.index)

    async def follow(self) -> None:
        """For ever: takes in what other processes register."""
        while True:
            try:
                await self.reload()
            except MadangError as error:
                log.warning("federation waits for the database", error=error.detail)
            await asyncio.sleep(RELOAD_S)

    async def reload(self) -> None:
        """Reads what was made, changed or deleted since the last time. Raises Unavailable."""
        async with self._reloading:
            change = await self.kept.change()
            if change == self._change:
                return
            records = {record["id"]: record for record in await self.kept.every()}
            for gone in self._since.keys() - records.keys():
                self._since.pop(gone)
                self.index.drop(gone)
                self.peers.forget(gone)
            for identifier, record in records.items():
                if self._since.get(identifier) != record["modified_at"]:
                    await self._open(record)
                    self._since[identifier] = record["modified_at"]
            self._change = change

    async def _open(self, record: asyncpg.Record) -> None:
        try:
            self.index.put(await self.read(record["body"], record["context"]))
        except MadangError as error:
            log.warning("registration cannot be used", id=record["id"], error=error.detail)
            self.index.drop(record["id"])

    async def read(self, data: dict[str, Any], source: Any) -> Known:
        """A stored document with its names understood. Raises ContextUnavailable."""
        context = await self._contexts.get(source)
        return Known(parse_registration(data, context), data, csource_properties(data, context))

    def find(self, spec: Spec) -> list[Known]:
        """The registrations that match now."""
        return self.index.find(spec, to_iso(SystemClock().now()))

    def every(self) -> list[Registration]:
        """All that are not over."""
        now = to_iso(SystemClock().now())
        return [known.registration for known in self.index.all() if not is_over(known.registration, now)]
