"""What principals hold by now is asked of whoever keeps it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from madang.runtime.holders import held_now
from madang.trust.caller import Claim
from madang.trust.policy.subjects import Grant
from madang.trust.principal import Principal

NOW = datetime(2026, 11, 22, tzinfo=UTC)
READS = [{"action": "read", "subject": "Tree", "attributes": None}]
TREES = (Grant("read", "Tree"),)
SCOPES = [{"action": "read", "type": "Tree", "purpose": {"ko": "x", "en": "x"}}]
CLIENT = (
    "INSERT INTO oauth_client (id, name, principal, roles, grants, scopes, permissions, created_at, ended_at)"
    " VALUES ($1, 'x', $2, $3, '{}', '{}', $4, $5, $6)"
)


@pytest.fixture
async def kept(pool: asyncpg.Pool) -> asyncpg.Pool:
    person = (
        "INSERT INTO person (id, name, roles, department, created_at, ended_at) VALUES ($1, 'x', $2, 'parks', $3, $4)"
    )
    device = (
        "INSERT INTO device (id, name, topics, permissions, created_at, ended_at) VALUES ($1, 'x', '{}', $2, $3, $4)"
    )
    app = "INSERT INTO app (id, folder, manifest, grants, token_hash, wanted) VALUES ($1, '', '{}', $2, '', $3)"
    for name, ended in (("here", None), ("gone", NOW)):
        await pool.execute(person, name, ["analyst"], NOW, ended)
        await pool.execute(device, name, READS, NOW, ended)
        await pool.execute(CLIENT, f"client-{name}", "app", [], READS, NOW, ended)
        await pool.execute(CLIENT, f"peer-{name}", "peer", ["analyst"], READS, NOW, ended)
        await pool.execute(app, f"app-{name}", SCOPES, ended is None)
    return pool


@pytest.mark.parametrize(
    ("kind", "identifier", "claim"),
    [
        ("person", "here", Claim(Principal("person", "here", frozenset({"analyst"}), department="parks"))),
        ("device", "here", Claim(Principal("device", "here", frozenset({"device"})), TREES)),
        ("app", "client-here", Claim(Principal("app", "client-here", frozenset({"app"})), TREES)),
        ("app", "app-here", Claim(Principal("app", "app-here", frozenset({"app"})), TREES)),
        ("peer", "peer-here", Claim(Principal("peer", "peer-here", frozenset({"peer", "analyst"})), TREES)),
        ("person", "gone", None),
        ("device", "gone", None),
        ("app", "client-gone", None),
        ("app", "app-gone", None),
        ("peer", "peer-gone", None),
        ("peer", "client-here", None),
        ("person", "never", None),
    ],
)
async def test_who_is_there_holds_something(kept: asyncpg.Pool, kind: str, identifier: str, claim: Any) -> None:
    assert await held_now(kept, frozenset({(kind, identifier)})) == (
        {} if claim is None else {(kind, identifier): claim}
    )


async def test_many_are_asked_about_at_once(kept: asyncpg.Pool) -> None:
    whom = frozenset({("person", "here"), ("device", "here"), ("app", "app-here"), ("app", "never")})
    assert set(await held_now(kept, whom)) == whom - {("app", "never")}
