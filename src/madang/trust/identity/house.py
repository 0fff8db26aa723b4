"""All registers of one city's identity, wired: what the doors of `people/identity/` are given."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import structlog

from madang.base.clock import Clock
from madang.engine.database import LOST
from madang.engine.outward import networks_of_city
from madang.engine.sealing import Seal, open_seal
from madang.trust.audit.recorder import Recorder
from madang.trust.identity.attempts import Attempts
from madang.trust.identity.ceremonies import Ceremonies
from madang.trust.identity.clients import Clients
from madang.trust.identity.device_codes import DeviceCodes
from madang.trust.identity.devices import Devices
from madang.trust.identity.endings import sweep_endings
from madang.trust.identity.grants import Grants
from madang.trust.identity.identities import Identities
from madang.trust.identity.keys import KeyRing
from madang.trust.identity.outward import Outward
from madang.trust.identity.passkeys import Passkeys
from madang.trust.identity.people import People
from madang.trust.identity.provider import Provider
from madang.trust.identity.sessions import Sessions
from madang.trust.identity.signing_in import SigningIn
from madang.trust.identity.upstream import Upstreams

log = structlog.get_logger()
SWEEP_S = 600.0


@dataclass(frozen=True)
class Identity:
    """`issuer`: the address people and clients reach this city at, without a slash at the end; `name` as pages call it."""

    issuer: str
    name: str
    people: People
    sessions: Sessions
    ceremonies: Ceremonies
    attempts: Attempts
    passkeys: Passkeys
    signing_in: SigningIn
    clients: Clients
    grants: Grants
    device_codes: DeviceCodes
    devices: Devices
    upstream: Upstreams
    outward: Outward
    provider: Provider
    identities: Identities
    ring: KeyRing
    seal: Seal
    recorder: Recorder
    clock: Clock

    async def sweep(self) -> None:
        """For ever: what has expired goes, and keys are changed when they are due."""
        while True:
            try:
                await self.tidy()
            except LOST as error:
                log.warning("what has expired stays", error=repr(error))
            await asyncio.sleep(SWEEP_S)

    async def tidy(self) -> None:
        """Once."""
        await asyncio.to_thread(self.ring.refresh, int(self.clock.now().timestamp()))
        await self.grants.sweep()
        await self.ceremonies.sweep()
        await self.attempts.sweep()
        await sweep_endings(self.people.pool)


def open_identity(
    pool: asyncpg.Pool, run_dir: Path, issuer: str, name: str, recorder: Recorder, clock: Clock
) -> Identity:
    """That of one instance; keys are made at first use."""
    seal, ring = open_seal(run_dir, "keys/identity"), KeyRing(run_dir / "keys" / "signing.json")
    ring.refresh(int(clock.now().timestamp()))
    people, sessions, ceremonies = People(pool, clock), Sessions(pool, clock), Ceremonies(pool, clock)
    attempts, passkeys = Attempts(pool, clock), Passkeys(pool, ceremonies, clock, issuer, name)
    clients, grants, device_codes = Clients(pool, clock), Grants(pool, clock), DeviceCodes(pool, clock)
    upstreams = Upstreams(pool, seal)
    outward = Outward(upstreams, ceremonies, seal, clock, issuer, networks_of_city())
    return Identity(
        issuer, name, people, sessions, ceremonies, attempts, passkeys,
        SigningIn(people, passkeys, sessions, ceremonies, attempts, seal, recorder, clock),
        clients, grants, device_codes, Devices(pool, clock), upstreams, outward,
        Provider(issuer, ring, people, clients, grants, device_codes, recorder, clock),
        Identities(pool, ring, issuer, clock), ring, seal, recorder, clock,
    )  # fmt: skip
