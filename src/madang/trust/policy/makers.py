"""What those may see now who made a subscription at some time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from madang.model.sight import BLIND, Sight
from madang.trust.caller import Caller, Claim
from madang.trust.policy.gate import Gate
from madang.trust.principal import Principal

Whom = tuple[str, str]
"""Kind and id."""
Ask = Callable[[frozenset[Whom]], Awaitable[Mapping[Whom, Claim]]]
"""What they hold by now; who is not there any more is not in the answer."""
_BY_SCOPE = frozenset({"reader"})  # what a token for reading gives to whoever holds it


def maker_of(caller: Caller) -> dict[str, Any]:
    """The principal, as it is kept beside what it made."""
    principal: dict[str, Any] = msgspec.to_builtins(caller.principal, order="sorted")
    return principal


class Makers:
    """Of one tenant. `generation` is another when somebody may see something else."""

    def __init__(self, gate: Gate, ask: Ask, tenant: str = "") -> None:
        self._gate, self._ask, self._tenant = gate, ask, tenant
        self._held: dict[Whom, Claim | None] = {}
        self._changes = 0

    @property
    def generation(self) -> tuple[int, int]:
        return self._gate.generation, self._changes

    async def know(self, makers: Iterable[Mapping[str, Any]]) -> None:
        """These are all there are, by now. Raises one of LOST."""
        wanted = frozenset((str(one["kind"]), str(one["id"])) for one in makers if one["kind"] != "anonymous")
        fresh = wanted - self._held.keys()
        found = await self._ask(fresh) if fresh else {}
        self._held = {one: found.get(one) if one in fresh else self._held[one] for one in wanted}

    async def look(self) -> None:
        """Learns what they hold by now. Raises one of LOST."""
        before = self._held
        if not before:
            return
        found = await self._ask(frozenset(before))
        held = {one: found.get(one) for one in before}
        if self._held is before and held != before:
            self._held, self._changes = held, self._changes + 1

    def sight(self, maker: Mapping[str, Any]) -> Sight:
        """Nothing for who may not subscribe any more."""
        caller = self._caller(maker)
        return caller.reads if caller.may("write", "subscriptions") else BLIND

    def may_hear_of_sources(self, maker: Mapping[str, Any]) -> bool:
        """Whether who made a subscription to registrations may be told of them."""
        caller = self._caller(maker)
        return caller.may("write", "subscriptions") and caller.may("read", "registrations")

    def _caller(self, maker: Mapping[str, Any]) -> Caller:
        """With the roles of then that are held still: what came to them since, they did not subscribe by."""
        then = msgspec.convert(maker, Principal)
        if then.kind == "anonymous":
            return self._gate.caller(Claim(then, (), self._tenant))
        now = self._held.get((then.kind, then.id))
        if now is None:
            return self._gate.caller(Claim(replace(then, roles=frozenset()), (), self._tenant))
        roles = then.roles & (now.principal.roles | _BY_SCOPE)
        principal = replace(then, roles=roles, tenant=now.principal.tenant, department=now.principal.department)
        return self._gate.caller(Claim(principal, now.grants, self._tenant))
