"""Clients of the provider: relying parties, apps of others, gateways, kiosks, peers; registered by an administrator."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from authlib.oauth2.rfc6749.errors import InvalidClientError

from madang.base.clock import Clock
from madang.base.errors import BadRequest, Conflict, NotFound
from madang.base.limits import CLIENTS_MAX, IDENTITY_NAME_MAX_CHARS, REDIRECT_URIS_MAX
from madang.context.tenants import check_tenant_name
from madang.trust.identity.endings import tell_ended
from madang.trust.identity.permissions import Permission, check_permissions, kept, read_permissions
from madang.trust.identity.person import STRONG_ROLES
from madang.trust.identity.secrets import hashed, new_id, new_secret
from madang.trust.principal import ROLES

CODE, REFRESH, CREDENTIALS = "authorization_code", "refresh_token", "client_credentials"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANTS = (CODE, REFRESH, CREDENTIALS, DEVICE_CODE, EXCHANGE)
SCOPES = ("openid", "profile", "email", "offline_access", "madang", "madang.read", "introspect")
"""`madang`: act at the city's interface as whoever signed in; `madang.read`: read there; `introspect`: ask about tokens of others."""
PRINCIPALS = ("app", "device", "peer")
CLIENT_ROLES = ROLES - STRONG_ROLES
_COLUMNS = (
    "id, name, secret, principal, roles, redirect_uris, logout_uris, grants, scopes, permissions, tenant, created_at"
)


@dataclass(frozen=True)
class Client:
    """`secret` is a hash; None for a public client (RFC 6749, 2.1). `principal`: what kind its own tokens speak for,
    `roles` and `permissions` what they may, in `tenant` alone (empty: the city itself)."""

    id: str
    name: str
    secret: bytes | None
    principal: str
    roles: frozenset[str]
    redirect_uris: tuple[str, ...]
    logout_uris: tuple[str, ...]
    grants: frozenset[str]
    scopes: frozenset[str]
    permissions: tuple[Permission, ...]
    tenant: str
    created_at: datetime


@dataclass(frozen=True)
class Registration:
    """What an administrator asks for."""

    name: str
    confidential: bool = True
    principal: str = "app"
    roles: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    logout_uris: tuple[str, ...] = ()
    grants: tuple[str, ...] = (CODE,)
    scopes: tuple[str, ...] = ("openid", "profile")
    permissions: tuple[Permission, ...] = ()
    tenant: str = ""


def registration_of(client: Client) -> Registration:
    """What would register it as it is."""
    return Registration(
        client.name, client.secret is not None, client.principal, tuple(sorted(client.roles)), client.redirect_uris,
        client.logout_uris, tuple(sorted(client.grants)), tuple(sorted(client.scopes)), client.permissions,
        client.tenant,
    )  # fmt: skip


def check_registration(asked: Registration) -> None:
    """Raises BadRequest naming what cannot be."""
    if not 1 <= len(asked.name.strip()) <= IDENTITY_NAME_MAX_CHARS or not asked.name.isprintable():
        raise BadRequest(f"name: 1 to {IDENTITY_NAME_MAX_CHARS} characters")
    if asked.principal not in PRINCIPALS:
        raise BadRequest(f"principal: one of {', '.join(PRINCIPALS)}")
    _known("roles", asked.roles, CLIENT_ROLES)
    _known("grants", asked.grants, GRANTS)
    _known("scopes", asked.scopes, SCOPES)
    check_permissions(asked.permissions)
    check_tenant_name(asked.tenant)
    if not asked.confidential and {CREDENTIALS, EXCHANGE} & set(asked.grants):
        raise BadRequest("a public client has no credentials to show for this grant")
    if CODE in asked.grants and not asked.redirect_uris:
        raise BadRequest("redirect_uris: at least one for authorization_code")
    for uri in (*asked.redirect_uris, *asked.logout_uris):
        check_uri(uri)
    if max(len(asked.redirect_uris), len(asked.logout_uris)) > REDIRECT_URIS_MAX:
        raise BadRequest(f"at most {REDIRECT_URIS_MAX} addresses")


def _known(name: str, given: Iterable[str], known: Iterable[str]) -> None:
    strange = set(given) - set(known)
    if strange:
        raise BadRequest(f"{name}: not {', '.join(sorted(strange))}")


def check_uri(uri: str) -> None:
    """Absolute, without a fragment (RFC 6749, 3.1.2); http only on this machine (RFC 9700, 2.6)."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise BadRequest(f"no address: {uri[:200]}") from None
    plain = parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1")
    odd = not parts.scheme or parts.scheme in ("javascript", "data", "file", "blob", "vbscript")
    bare = parts.scheme in ("http", "https") and not parts.hostname
    if (
        odd
        or bare
        or plain
        or "#" in uri
        or len(uri) > 2_000
        or not uri.isascii()
        or not uri.isprintable()
        or " " in uri
    ):
        raise BadRequest(f"an address is absolute, has no fragment and is https outside of this machine: {uri[:200]}")


class Clients:
    """The register."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def find(self, client_id: str) -> Client | None:
        sql = f"SELECT {_COLUMNS} FROM oauth_client WHERE id = $1 AND ended_at IS NULL"
        row = await self._pool.fetchrow(sql, client_id)
        return None if row is None else _client_of(row)

    async def every(self) -> list[Client]:
        sql = f"SELECT {_COLUMNS} FROM oauth_client WHERE ended_at IS NULL ORDER BY name, id"
        return [_client_of(row) for row in await self._pool.fetch(sql)]

    async def register(self, asked: Registration, client_id: str = "") -> tuple[Client, str | None]:
        """The client, and its secret, which nobody sees again. Raises BadRequest, Conflict."""
        check_registration(asked)
        if len(await self.every()) >= CLIENTS_MAX:
            raise BadRequest(f"a city has at most {CLIENTS_MAX} clients")
        secret = new_secret() if asked.confidential else None
        sql = (
            f"INSERT INTO oauth_client ({_COLUMNS})"
            f" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING RETURNING {_COLUMNS}"
        )
        row = await self._pool.fetchrow(
            sql, client_id or new_id(), asked.name.strip(), hashed(secret) if secret else None, asked.principal,
            sorted(set(asked.roles)), list(asked.redirect_uris), list(asked.logout_uris), sorted(set(asked.grants)),
            sorted(set(asked.scopes)), kept(asked.permissions), asked.tenant, self._clock.now(),
        )  # fmt: skip
        if row is None:
            raise Conflict("there is or was such a client")
        return _client_of(row), secret

    async def change(self, client_id: str, asked: Registration) -> Client:
        """All but its principal and whether it has a secret. What it holds already counts for no more than it may now. Raises
        BadRequest, NotFound."""
        check_registration(asked)
        sql = (
            "UPDATE oauth_client SET name = $2, roles = $3, redirect_uris = $4, logout_uris = $5, grants = $6, scopes = $7,"
            f" permissions = $8, tenant = $9 WHERE id = $1 AND ended_at IS NULL RETURNING {_COLUMNS}"
        )
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                sql, client_id, asked.name.strip(), sorted(set(asked.roles)), list(asked.redirect_uris),
                list(asked.logout_uris), sorted(set(asked.grants)), sorted(set(asked.scopes)), kept(asked.permissions),
                asked.tenant,
            )  # fmt: skip
            if row is None:
                raise NotFound("no such client")
            await tell_ended(connection, f"client:{client_id}")
        return _client_of(row)

    async def new_secret(self, client_id: str) -> str:
        """The one before opens nothing from now on. Raises NotFound, also for a public client."""
        secret = new_secret()
        sql = (
            "UPDATE oauth_client SET secret = $2 WHERE id = $1 AND ended_at IS NULL AND secret IS NOT NULL RETURNING 1"
        )
        if not await self._pool.fetchval(sql, client_id, hashed(secret)):
            raise NotFound("no such client with a secret")
        return secret

    async def end(self, client_id: str) -> None:
        """With all that was granted to it. Raises NotFound."""
        async with self._pool.acquire() as connection, connection.transaction():
            sql = "UPDATE oauth_client SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL RETURNING 1"
            if not await connection.fetchval(sql, client_id, self._clock.now()):
                raise NotFound("no such client")
            sql = "UPDATE oauth_grant SET ended_at = $2 WHERE client = $1 AND ended_at IS NULL"
            await connection.execute(sql, client_id, self._clock.now())
            await tell_ended(connection, f"client:{client_id}")

    async def authenticate(self, client_id: str, secret: str | None) -> Client:
        """The client that shows its secret, or the public one that has none. Raises InvalidClientError."""
        client = await self.find(client_id)
        if client is None or not _fits(client.secret, secret):
            raise InvalidClientError("unknown client, or not its secret", status_code=401)
        return client


def _fits(stored: bytes | None, given: str | None) -> bool:
    if stored is None:
        return given is None
    return given is not None and hmac.compare_digest(stored, hashed(given))


def _client_of(row: Any) -> Client:
    sets = {name: frozenset(row[name]) for name in ("roles", "grants", "scopes")}
    lists: Any = {name: tuple(row[name]) for name in ("redirect_uris", "logout_uris")}
    return Client(**{**dict(row), **sets, **lists, "permissions": read_permissions(row["permissions"])})
