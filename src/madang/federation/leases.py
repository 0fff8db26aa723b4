"""What we subscribed to at sources, kept there as long as it is wanted: each has an end, is renewed, and ended when it is not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

import structlog

from madang.base.clock import Clock, to_iso
from madang.base.limits import PEER_REQUESTS_MAX, PEERS_AT_ONCE
from madang.federation.asked import Asked
from madang.federation.at_sources import AtSources, Lease
from madang.federation.peers import Call, Origin, Peers, Reply
from madang.model.context import CORE
from madang.model.registration import Registration, parse_registration

log = structlog.get_logger()
LEASE = timedelta(hours=1)
RENEWED_BEFORE = timedelta(minutes=30)
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 10, 30, 60))
REFUSED = timedelta(minutes=10)
"""Who understood and said no is asked again much later."""


@dataclass(frozen=True)
class Door:
    """This broker as sources know it: its `alias`, and the URL that a token completes to where they tell."""

    alias: str
    prefix: str
    suffix: str = ""

    def url(self, token: str) -> str:
        return f"{self.prefix}{token}{self.suffix}"


@dataclass
class _Rest:
    failures: int
    until: datetime


class Leases:
    """All of one tenant, as the table has them; this process alone writes it."""

    def __init__(self, kept: AtSources, peers: Peers, door: Door, clock: Clock) -> None:
        self._kept, self._peers, self._door, self._clock = kept, peers, door, clock
        self._leases: dict[str, Lease] | None = None
        self._asked: dict[str, Asked] = {}
        self._rests: dict[str, _Rest] = {}

    def __len__(self) -> int:
        return len(self._leases or ())

    async def load(self) -> None:
        """What the process before this one left, once. Raises one of LOST."""
        if self._leases is None:
            self._leases = {one.id: one for one in await self._kept.every()}

    async def want(self, asked: dict[str, Asked]) -> None:
        """From now on these, by their keys; what is no longer among them is to end. Raises one of LOST."""
        leases = self._leases or {}
        held = {one.key for one in leases.values() if one.wanted}
        new = [
            Lease(one.subscription_id, one.registration.id, key, one.document)
            for key, one in asked.items()
            if key not in held
        ]
        over = [one for one in leases.values() if one.wanted and one.key not in asked]
        await self._kept.add(new)
        await self._kept.unwant([one.id for one in over])
        for one in over:
            one.wanted = False
        leases |= {one.id: one for one in new}
        self._leases, self._asked = leases, asked

    async def serve(self) -> None:
        """Asks each source for what is due there, one after the other, and sources at the same time. Raises one of LOST."""
        now = self._clock.now()
        by_source: dict[str, list[Lease]] = {}
        for lease in (self._leases or {}).values():
            if self._is_due(lease, now):
                by_source.setdefault(lease.registration["endpoint"], []).append(lease)
        places = asyncio.Semaphore(PEERS_AT_ONCE)
        await asyncio.gather(*(self._serve(leases, now, places) for leases in by_source.values()))

    def _is_due(self, lease: Lease, now: datetime) -> bool:
        for name in (lease.id, lease.registration["endpoint"]):
            if name in self._rests and self._rests[name].until > now:
                return False
        if not lease.wanted or not lease.taken or lease.expires_at is None:
            return True
        end = self._end(lease, now)
        return lease.expires_at - now <= RENEWED_BEFORE and end > lease.expires_at

    def _end(self, lease: Lease, now: datetime) -> datetime:
        """No later than what it is for."""
        ends = self._asked[lease.key].ends
        return now + LEASE if ends is None else min(now + LEASE, ends)

    async def _serve(self, leases: list[Lease], now: datetime, places: asyncio.Semaphore) -> None:
        async with places:
            for lease in leases[:PEER_REQUESTS_MAX]:
                reply = await (self._keep(lease, now) if lease.wanted else self._finish(lease, now))
                if reply is not None and not self._settle(lease, reply, now):
                    return

    def _settle(self, lease: Lease, reply: Reply, now: datetime) -> bool:
        """Whether there is use in asking this source for more now."""
        endpoint = lease.registration["endpoint"]
        if reply.status < 500 or reply.status == 508:
            self._rests.pop(endpoint, None)
            if not reply.ok:
                self._rests[lease.id] = _Rest(1, now + REFUSED)
                log.warning("source refuses a subscription", id=lease.registration_id, status=reply.status)
            return True
        failures = self._rests[endpoint].failures if endpoint in self._rests else 0
        self._rests[endpoint] = _Rest(failures + 1, now + PAUSES[min(failures, len(PAUSES) - 1)])
        log.warning("source does not take a subscription", id=lease.registration_id, status=reply.status, why=reply.why)
        return False

    async def _keep(self, lease: Lease, now: datetime) -> Reply:
        asked, end = self._asked[lease.key], self._end(lease, now)
        # Before it is asked: what it may have taken although its answer was lost is to be ended, too.
        lease.expires_at = max(end, lease.expires_at or end)
        await self._kept.note(lease)
        reply = Reply(409) if lease.taken else await self._make(lease, asked, end)
        if reply.status == 409:  # nobody else makes this id: it is there
            reply = await self._renew(lease, asked, end)
        lease.taken = reply.ok
        await self._kept.note(lease)
        return reply

    async def _make(self, lease: Lease, asked: Asked, end: datetime) -> Reply:
        endpoint = {"uri": self._door.url(lease.token), "accept": "application/json"}
        told = {**asked.body["notification"], "endpoint": endpoint}
        body = {**asked.body, "id": lease.id, "expiresAt": to_iso(end), "notification": told}
        return await self._ask(asked, "POST", "subscriptions", body)

    async def _renew(self, lease: Lease, asked: Asked, end: datetime) -> Reply:
        path = f"subscriptions/{quote(lease.id, safe='')}"
        if asked.registration.supports("updateSubscription"):
            reply = await self._ask(asked, "PATCH", path, {"type": "Subscription", "expiresAt": to_iso(end)})
            if reply.status != 404:
                return reply
        else:
            await self._ask(asked, "DELETE", path)
        return await self._make(lease, asked, end)

    async def _finish(self, lease: Lease, now: datetime) -> Reply | None:
        registration, reply = parse_registration(lease.registration, CORE), None
        if lease.expires_at is not None and lease.expires_at > now and registration.supports("deleteSubscription"):
            path = f"subscriptions/{quote(lease.id, safe='')}"
            reply = await self._peers.ask(_call(registration, "DELETE", path), Origin(self._door.alias))
            if not reply.ok and reply.status != 404:
                return reply
        await self._kept.forget(lease.id)
        (self._leases or {}).pop(lease.id, None)
        self._rests.pop(lease.id, None)
        return None if reply is None else Reply(204)

    async def _ask(self, asked: Asked, method: str, path: str, body: object = None) -> Reply:
        call = _call(asked.registration, method, path, body, asked.context)
        return await self._peers.ask(call, Origin(self._door.alias, asked.via))


def _call(registration: Registration, method: str, path: str, body: object = None, context: str | None = None) -> Call:
    local = (("local", "true"),) if registration.local_only else ()
    return Call(registration, method, path, local, body, context)
