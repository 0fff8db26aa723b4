"""Subscriptions to entities at the brokers that hold them: made, renewed and ended as ours are (clauses 5.8.1.4 to 5.8.5.4).

Nothing is answered to a client from here: a source that fails is a warning in the log and is asked again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import asyncpg
import structlog

from madang.base.clock import Clock, SystemClock, to_iso
from madang.base.errors import MadangError
from madang.base.limits import PEER_REQUESTS_MAX, SUBSCRIPTIONS_AT_SOURCES_MAX
from madang.context.contexts import Contexts
from madang.context.freshness import Freshness
from madang.context.subscriptions import Subscriptions
from madang.engine.database import LOST
from madang.federation.asked import Asked, Ours, asked_of, is_meant, specs_of
from madang.federation.at_sources import AtSources
from madang.federation.federation import RELOAD_S, Federation
from madang.federation.leases import Door, Leases
from madang.model.query import parse_query
from madang.model.subscription import parse_subscription

log = structlog.get_logger()
BREATH = 200
"""So many subscriptions are matched before others get their turn."""


@dataclass(frozen=True)
class _Matched:
    """What a subscription asks of sources, as both were when it was found out."""

    version: tuple[datetime, int]
    ends: str | None
    asked: dict[str, Asked]


class Subscriber:
    """One tenant's, in one process. `federation` is followed by somebody else."""

    def __init__(
        self, pool: asyncpg.Pool, federation: Federation, contexts: Contexts, door: Door, clock: Clock | None = None
    ) -> None:
        self._federation, self._contexts, self._door = federation, contexts, door
        self._kept, self._clock = Subscriptions(pool), clock or SystemClock()
        self._leases = Leases(AtSources(pool), federation.peers, door, self._clock)
        self._freshness = Freshness()
        self._seen: int | None = None
        self._matched: dict[str, _Matched] = {}

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                await self.look()
            except (*LOST, MadangError) as error:
                log.warning("subscriber waits for the database", error=repr(error))
            await asyncio.sleep(RELOAD_S)

    async def look(self) -> None:
        """Takes in what changed here since the last time, then asks sources for what is due. Raises Unavailable, one of LOST."""
        await self._leases.load()
        if not self._federation.changes or not (len(self._federation) or len(self._leases)):
            return
        change = await self._kept.change()
        seen, now = self._federation.changes, to_iso(self._clock.now())
        if seen != self._seen or self._freshness.is_stale(change) or self._is_over(now):
            await self._leases.want(await self._wanted(now))
            self._freshness.read_at(change)
            self._seen = seen
        await self._leases.serve()

    def _is_over(self, now: str) -> bool:
        return any(one.ends is not None and one.ends <= now for one in self._matched.values())

    async def _wanted(self, now: str) -> dict[str, Asked]:
        takers = (one.registration.supports("createSubscription") for one in self._federation.index.all())
        records = await self._kept.every() if any(takers) else []
        matched: dict[str, _Matched] = {}
        for number, record in enumerate(records):
            version = (record["modified_at"], self._federation.changes)
            old = self._matched.get(record["id"])
            if old is not None and old.version == version and (old.ends is None or old.ends > now):
                matched[record["id"]] = old
            else:
                matched[record["id"]] = await self._match(record, now)
            if number % BREATH == BREATH - 1:
                await asyncio.sleep(0)
        self._matched = matched
        wanted = {key: asked for one in matched.values() for key, asked in one.asked.items()}
        if len(wanted) > SUBSCRIPTIONS_AT_SOURCES_MAX:
            log.warning("too many subscriptions at sources", wanted=len(wanted), most=SUBSCRIPTIONS_AT_SOURCES_MAX)
        return dict(list(wanted.items())[:SUBSCRIPTIONS_AT_SOURCES_MAX])

    async def _match(self, record: Any, now: str) -> _Matched:
        version = (record["modified_at"], self._federation.changes)
        if record["local"]:
            return _Matched(version, None, {})
        try:
            ours = await self._ours(record)
        except MadangError as error:
            log.warning("subscription cannot be shared", id=record["id"], error=error.detail)
            return _Matched(version, None, {})
        ends = [ours.subscription.expires_at] if ours.subscription.expires_at is not None else []
        if not ours.subscription.active or (ends and ends[0] <= now):
            return _Matched(version, None, {})
        asked: dict[str, Asked] = {}
        for spec in specs_of(ours.subscription):
            for known in self._federation.index.find(spec, now):
                if is_meant(ours, known, self._door.alias) and len(asked) < PEER_REQUESTS_MAX:
                    ends += [known.registration.expires_at] if known.registration.expires_at is not None else []
                    asked |= await self._asked(ours, known, record["context"])
        return _Matched(version, min(ends, default=None), asked)

    async def _asked(self, ours: Ours, known: Any, own: Any) -> dict[str, Asked]:
        url = known.registration.context_url
        try:
            context = await self._contexts.get(own if url is None else url)
        except MadangError as error:
            log.warning("source cannot be spoken to", id=known.registration.id, error=error.detail)
            return {}
        found = asked_of(ours, known, context, same_names=url is None or url == own)
        return {one.key: one for one in found}

    async def _ours(self, record: Any) -> Ours:
        context = await self._contexts.get(record["context"])
        said = record["body"]
        csf = parse_query(unquote(said["csf"]), context) if "csf" in said else None
        return Ours(parse_subscription(said | {"id": record["id"]}, context), said, csf, record["via"])
