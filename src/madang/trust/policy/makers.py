"""What those may see now who made a subscription at some time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from madang.model.sight import BLIND, Sight
from madang.trust.caller import Caller, Claim
from madang.trust.policy.gate import Gate
from madang.trust.policy.subjects import Grant
from madang.trust.principal import Principal


def maker_of(caller: Caller) -> dict[str, Any]:
    """The principal, as it is kept beside what it made."""
    principal: dict[str, Any] = msgspec.to_builtins(caller.principal, order="sorted")
    return principal


class Makers:
    """Of one tenant. `generation` is another when somebody may see something else."""

    def __init__(self, gate: Gate, tenant: str = "") -> None:
        self._gate, self._tenant = gate, tenant
        self._grants: Mapping[str, tuple[Grant, ...]] = {}
        self._granted = 0

    @property
    def generation(self) -> tuple[int, int]:
        return self._gate.generation, self._granted

    def granted(self, grants: Mapping[str, tuple[Grant, ...]]) -> None:
        """What was granted to each app that is installed."""
        if grants != self._grants:
            self._grants, self._granted = grants, self._granted + 1

    def sight(self, maker: Mapping[str, Any]) -> Sight:
        """Nothing for who may not subscribe any more."""
        caller = self._caller(maker)
        return caller.reads if caller.may("write", "subscriptions") else BLIND

    def may_hear_of_sources(self, maker: Mapping[str, Any]) -> bool:
        """Whether who made a subscription to registrations may be told of them."""
        caller = self._caller(maker)
        return caller.may("write", "subscriptions") and caller.may("read", "registrations")

    def _caller(self, maker: Mapping[str, Any]) -> Caller:
        principal = msgspec.convert(maker, Principal)
        grants = self._grants.get(principal.id, ()) if principal.kind == "app" else ()
        return self._gate.caller(Claim(principal, grants, self._tenant))
