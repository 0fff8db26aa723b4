"""The gate of a running city: its folder of policies, what becomes of them, who is anonymous."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg

from madang.engine.database import LOST
from madang.runtime.apps import Apps, all_grants
from madang.trust.audit.recorder import Recorder
from madang.trust.caller import Caller, Claim
from madang.trust.policy.gate import Gate, Told, open_gate
from madang.trust.policy.makers import Makers
from madang.trust.policy.ruling import Ruling
from madang.trust.policy.source import PolicyError
from madang.trust.policy.subjects import Grant
from madang.trust.principal import Principal

LOOK_S = 0.5


def city_gate(timezone: str) -> Gate:
    """Raises PolicyError."""
    folder = os.environ.get("MADANG_POLICIES")
    return open_gate(Path(folder) if folder else None, timezone)


def door_of(gate: Gate) -> Caller:
    """Who comes by the people's door without a token."""
    role = os.environ.get("MADANG_ANONYMOUS", "reader")
    return gate.caller(Claim(Principal("anonymous", "", frozenset({role}))))


def by_token(gate: Gate, apps: Apps) -> Callable[[str], Awaitable[Caller | None]]:
    """Whose token it is, as a caller."""

    async def find(token: str) -> Caller | None:
        claim = await apps.claim(token)
        return None if claim is None else gate.caller(claim)

    return find


class Subscribers:
    """What makers of subscriptions may see, in each tenant, kept up with the policies and the apps' grants."""

    def __init__(self, gate: Gate, pool: asyncpg.Pool) -> None:
        self._gate, self._pool = gate, pool
        self._makers: dict[str, Makers] = {}
        self._grants: dict[str, tuple[Grant, ...]] = {}

    def of(self, tenant: str = "") -> Makers:
        """Apps and their grants are the default tenant's."""
        if tenant not in self._makers:
            self._makers[tenant] = Makers(self._gate, tenant)
            self._makers[tenant].granted(self._grants if not tenant else {})
        return self._makers[tenant]

    async def follow(self) -> None:
        """For ever."""
        while True:
            with contextlib.suppress(*LOST):
                self._grants = await all_grants(self._pool)
                self.of().granted(self._grants)
            await asyncio.sleep(LOOK_S)


def put_on_record(recorder: Recorder) -> Told:
    """Every change of the policies is on the audit log, with the hash of the set."""

    def told(found: Ruling | PolicyError) -> None:
        if isinstance(found, PolicyError):
            recorder.after("madang", "policy.load", "policies", outcome="failed", detail=found.detail)
        else:
            recorder.after("madang", "policy.load", found.source.hash, policies=str(len(found.by_id)))

    return told
