"""Who else uses this instance: one schema of the database per tenant (clause 4.14)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg

from madang.base.errors import BadRequest, Forbidden
from madang.base.limits import TENANT_NAME_MAX_CHARS, TENANTS_MAX
from madang.engine.database import explain


@dataclass(frozen=True)
class Tenant:
    """A name that clients use, and the number of its schema."""

    id: int
    name: str
    ready: bool = True

    @property
    def schema(self) -> str:
        return f"tenant_{self.id}"


def check_tenant_name(name: str) -> None:
    """Raises BadRequest."""
    if not name.isprintable() or len(name) > TENANT_NAME_MAX_CHARS:
        raise BadRequest(
            f"a tenant's name has at most {TENANT_NAME_MAX_CHARS} printable characters", reason="tenant_form"
        )


class Tenants:
    """The register, in the default tenant's schema. Bounded by TENANTS_MAX."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def find(self, name: str) -> Tenant | None:
        """None for one that never was made, or was not made to its end."""
        record = await self._pool.fetchrow("SELECT id, name, ready FROM tenant WHERE name = $1 AND ready", name)
        return Tenant(*record) if record is not None else None

    async def every(self) -> list[Tenant]:
        return [Tenant(*record) for record in await self._pool.fetch("SELECT id, name, ready FROM tenant WHERE ready")]

    async def ensure(self, name: str, make: Callable[[str], Awaitable[object]]) -> Tenant:
        """The tenant, made by `make(schema)` at its first use. Raises BadRequest, Forbidden beyond the bound."""
        check_tenant_name(name)
        try:
            if await self._pool.fetchval("SELECT count(*) FROM tenant WHERE name <> $1", name) >= TENANTS_MAX:
                raise Forbidden(f"there are {TENANTS_MAX} tenants already")
            record = await self._pool.fetchrow(
                "INSERT INTO tenant (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = excluded.name"
                " RETURNING id, name, ready",
                name,
            )
            tenant = Tenant(*record)
            if not tenant.ready:
                await make(tenant.schema)
                # Whoever carries its changes begins with the first one: subscriptions may come before the carrier does.
                await self._pool.execute(
                    f"INSERT INTO \"{tenant.schema}\".bus_cursor VALUES ('bus', 0) ON CONFLICT DO NOTHING"  # noqa: S608 - a number
                )
                await self._pool.execute("UPDATE tenant SET ready = true WHERE id = $1", tenant.id)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise explain(error) from error
        return Tenant(tenant.id, tenant.name)
