"""What is put on record, and when: before an act, or as soon as the database is there again (docs/decisions/0023)."""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path

import asyncpg
import structlog

from madang.base.city import AuditSettings
from madang.base.clock import Clock, SystemClock
from madang.base.errors import MadangError
from madang.base.limits import AUDIT_QUEUE_MAX
from madang.engine.database import explain
from madang.engine.outward import networks_of_city
from madang.trust.audit.cosigning import Cosigning, Post, Witness, post_by
from madang.trust.audit.entry import Event
from madang.trust.audit.keeper import Keeper, cosigned_dir, open_keeper, signer_of
from madang.trust.audit.note import WITNESS, read_verifier
from madang.trust.audit.vouching import Vouching

log = structlog.get_logger()
LOOK_S = 1.0


class Recorder:
    """The audit log of a running city, its keeper, its witnesses, and what it vouches for as a witness itself."""

    def __init__(self, keeper: Keeper, cosigning: Cosigning, vouching: Vouching, clock: Clock) -> None:
        self.log, self.keeper, self._clock = keeper.log, keeper, clock
        self.cosigning, self.vouching = cosigning, vouching
        self.facts: deque[Event] = deque()

    async def before(
        self, who: str, what: str, whom: str, why: str = "", outcome: str = "accepted", **details: str
    ) -> None:
        """Of an act that is about to be done. Raises Unavailable: then it must not be done."""
        await self.log.append(Event(self._clock.now(), who, what, whom, why, outcome, details))

    def after(self, who: str, what: str, whom: str, why: str = "", outcome: str = "done", **details: str) -> None:
        """Of what has happened already and cannot be refused any more: kept until it is on record, at the hour it happened."""
        event = Event(self._clock.now(), who, what, whom, why, outcome, details)
        if len(self.facts) >= AUDIT_QUEUE_MAX:
            log.error(
                "an audit entry could not be kept", who=who, what=what, whom=whom, outcome=outcome, details=details
            )
            return
        self.facts.append(event)

    async def run(self) -> None:
        """For ever: puts on record what waits, then signs."""
        while True:
            await self.settle()
            await asyncio.sleep(LOOK_S)

    async def settle(self) -> None:
        """Once. What cannot be put on record yet stays; a log that is not what was signed is told in the process's log."""
        try:
            while self.facts:
                await self.log.append(self.facts[0])
                self.facts.popleft()
            await self.keeper.sign()
        except Exception as error:
            told = error if isinstance(error, MadangError) else explain(error)
            log.error("the audit log is behind", waiting=len(self.facts), error=told.detail)


def open_recorder(
    pool: asyncpg.Pool, run_dir: Path, city: str, settings: AuditSettings | None = None, post: Post | None = None
) -> Recorder:
    """That of one running instance. `post` is the way to witnesses. Raises BadRequest for a key that is none."""
    settings, clock = settings or AuditSettings(), SystemClock()
    keeper = open_keeper(pool, run_dir, city)
    witnesses = [Witness(one.url.rstrip("/"), read_verifier(one.key)) for one in settings.witnesses]
    cosigning = Cosigning(keeper, witnesses, cosigned_dir(run_dir), post or post_by(networks_of_city()))
    logs = [read_verifier(key) for key in settings.logs]
    return Recorder(keeper, cosigning, Vouching(pool, signer_of(run_dir, city, WITNESS), logs, clock), clock)
