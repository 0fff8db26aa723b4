"""Callers under the house's own policies, as tests need them."""

from __future__ import annotations

from collections.abc import Mapping

from madang.trust.caller import Caller, Claim
from madang.trust.policy.gate import Gate, open_gate
from madang.trust.policy.makers import Whom
from madang.trust.policy.subjects import Grant
from madang.trust.principal import Kind, Principal

GATE = open_gate()


def caller(
    role: str,
    kind: Kind = "person",
    grants: tuple[Grant, ...] = (),
    tenant: str = "",
    department: str = "",
    gate: Gate = GATE,
    name: str = "someone",
) -> Caller:
    """Somebody with one role, or none when it is empty."""
    roles = frozenset({role} - {""})
    return gate.caller(
        Claim(Principal(kind, "" if kind == "anonymous" else name, roles, tenant, department), grants, tenant)
    )


def door(role: str, gate: Gate = GATE) -> Caller:
    """Who comes without a token by a door that was opened with the role."""
    return caller(role, "anonymous", gate=gate)


def app(identifier: str, *grants: Grant, gate: Gate = GATE) -> Caller:
    return gate.caller(Claim(Principal("app", identifier, frozenset({"app"})), grants))


OPERATOR, READER = door("operator"), door("reader")


class Holders:
    """What principals hold by now, by hand."""

    def __init__(self, *claims: Claim) -> None:
        self.claims = {(one.principal.kind, one.principal.id): one for one in claims}

    async def __call__(self, whom: frozenset[Whom]) -> Mapping[Whom, Claim]:
        return {one: claim for one, claim in self.claims.items() if one in whom}
