"""A city as the witness of other cities' logs: what it saw last of each stands in the database before it says so."""

from __future__ import annotations

from collections.abc import Iterable

import asyncpg

from madang.base.clock import Clock
from madang.trust.audit.note import Checkpoint, Signer, Verifier
from madang.trust.audit.submission import read_submission
from madang.trust.audit.witness import identify, judge

_SEEN = "SELECT size, root FROM audit_seen WHERE origin = $1"
_SEE = """
INSERT INTO audit_seen VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note, at = excluded.at
"""


class Vouching:
    """`logs`: the verifier keys of the logs that are vouched for, each named by its origin."""

    def __init__(self, pool: asyncpg.Pool, signer: Signer, logs: Iterable[Verifier], clock: Clock) -> None:
        self._pool, self._signer, self._clock = pool, signer, clock
        self._logs = {log.name: log for log in logs}

    @property
    def key(self) -> str:
        """The verifier key of this witness."""
        return self._signer.verifier.text()

    async def add_checkpoint(self, body: bytes) -> str:
        """The lines to add to the note that was sent. Raises BadRequest, NotFound, Forbidden, Conflict (with the `size` seen),
        UnprocessableOp as tlog-witness has them."""
        asked = read_submission(body)
        checkpoint = identify(self._logs, asked.note)
        now = self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            # Two submissions of one log take turns, or the slower one would take back what the faster one said.
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", checkpoint.origin)
            row = await connection.fetchrow(_SEEN, checkpoint.origin)
            seen = None if row is None else Checkpoint(checkpoint.origin, row["size"], row["root"])
            judge(seen, checkpoint, asked)
            await connection.execute(_SEE, checkpoint.origin, checkpoint.size, checkpoint.root, asked.note, now)
        return self._signer.cosign(checkpoint, int(now.timestamp()))
