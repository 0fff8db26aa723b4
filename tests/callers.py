"""Callers under the house's own policies, as tests need them."""

from __future__ import annotations

from madang.trust.caller import Caller, Claim
from madang.trust.policy.gate import Gate, open_gate
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
