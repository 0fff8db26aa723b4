"""`madang invite RUN`: a one-time link for an administrator of a running instance, when none can sign in any more."""

from __future__ import annotations

import asyncpg

from madang.base.clock import SystemClock
from madang.base.errors import BadRequest, Unavailable
from madang.cli.auditing import dsn_of
from madang.engine.database import LOST, connect_pool
from madang.engine.settings import home_dir
from madang.trust.audit.entry import Event
from madang.trust.audit.log import AuditLog
from madang.trust.identity.people import People


async def invite(run: str) -> int:
    """Prints the address. Raises BadRequest, Unavailable."""
    folder = home_dir() / "run" / run
    dsn = dsn_of(folder)
    try:
        address = (folder / "address").read_text(encoding="utf-8")
    except OSError:
        raise BadRequest(f"no city is running in {folder}") from None
    try:
        async with await connect_pool(dsn, 1, 2) as pool:
            print(f"{address}/join/{await invited(pool)}")
    except LOST as error:
        raise Unavailable(f"the database does not answer: {error}") from None
    return 0


async def invited(pool: asyncpg.Pool) -> str:
    """The token of a link for an administrator, on record."""
    event = Event(SystemClock().now(), "madang", "account.invite", "role:administrator", "asked for on the machine")
    await AuditLog(pool).append(event)
    return await People(pool, SystemClock()).invite_administrator()
