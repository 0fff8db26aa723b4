"""What it costs to know a caller. A part of `bench.trust`.

`token_cached_us`: wall time from the headers of a request to the Principal of its access token, when it was seen before;
`token_uncached_us`: when it was not.
"""

from __future__ import annotations

import time
from pathlib import Path

import asyncpg

from madang.base.clock import SystemClock
from madang.people.identity.routes import IdentityDoors
from madang.trust.audit.recorder import open_recorder
from madang.trust.caller import NOBODY
from madang.trust.identity.clients import CREDENTIALS, Registration
from madang.trust.identity.house import open_identity
from madang.trust.identity.tokens import sign_access_token

UNSEEN, ROUNDS = 500, 21


async def know(pool: asyncpg.Pool, run_dir: Path) -> dict[str, float]:
    """What it costs to know a caller by an access token."""
    clock = SystemClock()
    recorder = open_recorder(pool, run_dir, "bench")
    identity = open_identity(pool, run_dir, "http://localhost:8600", "Bench", recorder, clock)
    person = await identity.people.add("mina", "Mina", None, {"analyst"})
    client, _ = await identity.clients.register(Registration("bench", grants=(CREDENTIALS,), scopes=("madang",)))
    grant = await identity.grants.add(client.id, {"madang"}, person.id, methods=("pwd",))
    now_s, doors = int(clock.now().timestamp()), IdentityDoors(identity, NOBODY)
    tokens = [
        sign_access_token(identity.ring, identity.issuer, person.id, client.id, grant.id, grant.scopes, now_s)[0]
        for _ in range(UNSEEN)
    ]
    asked = [{b"authorization": b"Bearer " + token.encode()} for token in tokens]
    await identity.identities.endings.look()
    fresh_us = await _wall_us([asked], doors)
    rounds = []
    for _ in range(ROUNDS):
        await identity.identities.endings.look()
        rounds.append(await _wall_us([asked] * 20, doors))
    return {"token_cached_us": round(sorted(rounds)[ROUNDS // 2], 2), "token_uncached_us": round(fresh_us, 1)}


async def _wall_us(rounds: list[list[dict[bytes, bytes]]], doors: IdentityDoors) -> float:
    """Of one request, on the average."""
    began = time.perf_counter()
    for asked in rounds:
        for headers in asked:
            if await doors.claim_of(headers) is None:
                raise SystemExit("nobody is known by this token")
    return (time.perf_counter() - began) / sum(map(len, rounds)) * 1e6
