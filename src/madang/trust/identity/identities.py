"""Who a request is from: its access token, session cookie or device credential becomes a claim, a Principal and its grants.

What was verified is remembered by hash for TOKEN_REMEMBERED_S, and forgotten when any of what it rests on ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import Unauthorized
from madang.base.limits import TOKEN_REMEMBERED_S, TOKENS_REMEMBERED_MAX
from madang.trust.caller import Claim
from madang.trust.identity.devices import Devices
from madang.trust.identity.endings import Endings
from madang.trust.identity.keys import KeyRing
from madang.trust.identity.permissions import grants_of
from madang.trust.identity.person import roles_in_force
from madang.trust.identity.sessions import Sessions
from madang.trust.identity.tokens import Claims, read_access_token
from madang.trust.principal import Principal

_READER = frozenset({"reader"})
_HOLDS = """
SELECT g.person, g.methods, g.scopes, g.session, p.roles AS person_roles, p.department, p.tenant,
  c.tenant AS client_tenant, c.principal, c.roles AS client_roles, c.permissions,
  c.scopes AS client_scopes,
  g.expires_at
FROM oauth_grant g JOIN oauth_client c ON c.id = $2 LEFT JOIN person p ON p.id = g.person
WHERE g.id = $1 AND g.ended_at IS NULL AND g.expires_at > $4 AND c.ended_at IS NULL
  AND (g.person IS NULL OR (p.id IS NOT NULL AND p.ended_at IS NULL))
  AND NOT EXISTS (SELECT 1 FROM oauth_revoked r WHERE r.jti = $3)
"""


@dataclass(frozen=True)
class _Known:
    claim: Claim
    until: datetime
    tags: tuple[str, ...]


class Identities:
    """That of one gateway process."""

    def __init__(self, pool: asyncpg.Pool, ring: KeyRing, issuer: str, clock: Clock) -> None:
        self._pool, self._ring, self._issuer, self._clock = pool, ring, issuer, clock
        self._sessions, self._devices = Sessions(pool, clock), Devices(pool, clock)
        self._kept: dict[bytes, _Known] = {}
        self._by_tag: dict[str, set[bytes]] = {}
        self._forgotten = 0
        self.endings = Endings(pool, self.forget)
        self.told: list[Callable[[str], None]] = []

    async def of_token(self, token: str) -> Claim | None:
        """Of an access token (RFC 6750)."""
        return await self._of(b"t" + _digest(token), self._load_token, token)

    async def of_session(self, secret: str) -> Claim | None:
        """Of a session cookie."""
        return await self._of(b"s" + _digest(secret), self._load_session, secret)

    async def of_device(self, device_id: str, secret: str) -> Claim | None:
        """Of a device's name and secret."""
        return await self._of(b"d" + _digest(f"{device_id}:{secret}"), self._load_device, device_id, secret)

    def forget(self, tag: str) -> None:
        """What rests on something that ended."""
        self._forgotten += 1
        for hear in self.told:
            hear(tag)
        for key in self._by_tag.pop(tag, ()):
            self._drop(key)

    async def _of(self, key: bytes, load: Any, *given: str) -> Claim | None:
        known = self._kept.get(key)
        if known is not None and self.endings.fresh and self._clock.now() < known.until:
            return known.claim
        before = self._forgotten
        found: _Known | None = await load(*given)
        self._drop(key)
        # What ended between the question and the answer is no longer told: it must not be remembered either.
        if found is not None and before == self._forgotten:
            self._keep(key, found)
        return None if found is None else found.claim

    def _keep(self, key: bytes, known: _Known) -> None:
        if len(self._kept) >= TOKENS_REMEMBERED_MAX:
            self._drop(next(iter(self._kept)))
        self._kept[key] = known
        for tag in known.tags:
            self._by_tag.setdefault(tag, set()).add(key)

    def _drop(self, key: bytes) -> None:
        known = self._kept.pop(key, None)
        for tag in known.tags if known is not None else ():
            keys = self._by_tag.get(tag, set())
            keys.discard(key)
            if not keys:
                self._by_tag.pop(tag, None)

    def _until(self, *ends: datetime | None) -> datetime:
        usual = self._clock.now() + timedelta(seconds=TOKEN_REMEMBERED_S)
        return min([usual, *(end for end in ends if end is not None)])

    async def _load_token(self, token: str) -> _Known | None:
        now = self._clock.now()
        try:
            claims = read_access_token(self._ring, token, self._issuer, now.timestamp())
        except Unauthorized:
            return None
        grant, client, jti = str(claims["grant"]), str(claims["client_id"]), str(claims["jti"])
        row = await self._pool.fetchrow(_HOLDS, grant, client, jti, now)
        claim = None if row is None else _claim_of(claims, row)
        if row is None or claim is None:
            return None
        subject = f"person:{row['person']}" if row["person"] else f"client:{claims['sub']}"
        tags = (f"grant:{grant}", f"client:{client}", f"token:{jti}", subject)
        return _Known(claim, self._until(datetime.fromtimestamp(claims["exp"], UTC), row["expires_at"]), tags)

    async def _load_session(self, secret: str) -> _Known | None:
        session = await self._sessions.find(secret)
        if session is None:
            return None
        await self._sessions.seen(session.id)
        sql = "SELECT roles, department, tenant FROM person WHERE id = $1 AND ended_at IS NULL"
        row = await self._pool.fetchrow(sql, session.person)
        if row is None:
            return None
        roles = roles_in_force(row["roles"], session.methods)
        principal = Principal("person", session.person, roles, row["tenant"], row["department"])
        tags = (f"session:{session.id}", f"person:{session.person}")
        return _Known(Claim(principal), self._until(session.expires_at), tags)

    async def _load_device(self, device_id: str, secret: str) -> _Known | None:
        found = await self._devices.authenticate(device_id, secret)
        if found is None:
            return None
        device, expires = found
        principal = Principal("device", device.id, frozenset({"device"}))
        claim = Claim(principal, tuple(one.grant() for one in device.permissions))
        return _Known(claim, self._until(expires), (f"device:{device.id}",))


def _claim_of(claims: Claims, row: Any) -> Claim | None:
    """Whom a token speaks for at the city's interface; None when it was not given for that."""
    scopes = frozenset(str(claims["scope"]).split()) & frozenset(row["scopes"]) & frozenset(row["client_scopes"])
    if not scopes & {"madang", "madang.read"}:
        return None
    if row["person"] is not None:
        roles = roles_in_force(row["person_roles"], row["methods"]) if "madang" in scopes else _READER
        return Claim(Principal("person", row["person"], roles, row["tenant"], row["department"]))
    if "madang" not in scopes:
        return Claim(Principal(row["principal"], str(claims["sub"]), _READER, row["client_tenant"]))
    roles = frozenset(row["client_roles"]) | {row["principal"]}
    return Claim(
        Principal(row["principal"], str(claims["sub"]), roles, row["client_tenant"]), grants_of(row["permissions"])
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
