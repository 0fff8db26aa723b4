"""What principals hold by now, whoever keeps it: people, devices, clients, and apps that run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg
import msgspec

from madang.runtime.manifest import Scope
from madang.trust.caller import Claim
from madang.trust.identity.permissions import grants_of
from madang.trust.policy.makers import Whom
from madang.trust.principal import Principal

_PEOPLE = "SELECT id, roles, department, tenant FROM person WHERE id = ANY($1) AND ended_at IS NULL"
_DEVICES = "SELECT id, permissions FROM device WHERE id = ANY($1) AND ended_at IS NULL"
_CLIENTS = "SELECT id, principal, roles, permissions, tenant FROM oauth_client WHERE id = ANY($1) AND principal = $2 AND ended_at IS NULL"
_APPS = "SELECT id, grants FROM app WHERE id = ANY($1) AND wanted"


async def held_now(pool: asyncpg.Pool, whom: frozenset[Whom]) -> Mapping[Whom, Claim]:
    """Of who is not there any more nothing is told. Raises one of LOST."""
    out: dict[Whom, Claim] = {}
    for kind in sorted({kind for kind, _ in whom}):
        ids = [one for of, one in whom if of == kind]
        if kind == "person":
            out |= {(kind, row["id"]): _person(row) for row in await pool.fetch(_PEOPLE, ids)}
        elif kind == "device":
            rows = await pool.fetch(_DEVICES, ids)
            out |= {(kind, row["id"]): _claim("device", row["id"], (), grants_of(row["permissions"])) for row in rows}
        else:
            out |= await _by_client(pool, kind, ids)
    return out


async def _by_client(pool: asyncpg.Pool, kind: Any, ids: list[str]) -> dict[Whom, Claim]:
    rows = await pool.fetch(_CLIENTS, ids, kind)
    out = {
        (kind, row["id"]): _claim(kind, row["id"], row["roles"], grants_of(row["permissions"]), row["tenant"])
        for row in rows
    }
    for row in await pool.fetch(_APPS, ids) if kind == "app" else ():
        grants = tuple(scope.grant() for scope in msgspec.convert(row["grants"], list[Scope]))
        out["app", row["id"]] = _claim("app", row["id"], (), grants)
    return out


def _person(row: Any) -> Claim:
    return Claim(Principal("person", row["id"], frozenset(row["roles"]), row["tenant"], row["department"]))


def _claim(kind: Any, identifier: str, roles: Any, grants: Any, tenant: str = "") -> Claim:
    return Claim(Principal(kind, identifier, frozenset(roles) | {kind}, tenant), grants)
