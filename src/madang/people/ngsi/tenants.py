"""NGSILD-Tenant: each tenant has a broker of its own (clauses 5.5.10, 6.3.14)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from madang.base.errors import MadangError
from madang.people.http import Request, Response, problem

CREATES = frozenset(
    {
        "entities",
        "entityOperations/create",
        "temporal/entities",
        "subscriptions",
        "csourceRegistrations",
        "csourceSubscriptions",
    }
)
"""A POST to one of these makes the tenant it names."""


class Mount(Protocol):
    async def handle(self, request: Request) -> Response: ...


class TenantRouter:
    """`open_tenant(name, creator)` gives the resources of a tenant, made for its creator when one is named; requests that name
    no tenant go to `default`."""

    def __init__(self, default: Mount, open_tenant: Callable[[str, str | None], Awaitable[Mount]]) -> None:
        self._default = default
        self._open = open_tenant

    async def handle(self, request: Request) -> Response:
        header = request.headers.get(b"ngsild-tenant")
        if not header:
            return await self._default.handle(request)
        try:
            response = await self._of_tenant(header.decode("latin-1"), request)
        except MadangError as error:
            response = problem(error, b"application/json")
        return Response(response.status, response.body, [*response.headers, (b"ngsild-tenant", header)])

    async def _of_tenant(self, name: str, request: Request) -> Response:
        """Whoever may nothing there does not learn whether there is such a tenant. Raises Forbidden, NonexistentTenant."""
        caller = request.caller = request.caller.at(name)
        if caller.reads.blind and caller.writes.blind:
            raise caller.refusal(f"enter the tenant {name[:80]}")
        create = request.method == "POST" and "/".join(request.parts) in CREATES
        if create:
            caller.require_whole("write")
        return await (await self._open(name, caller.name if create else None)).handle(request)
