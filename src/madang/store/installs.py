"""Who has which app: citizens, departments and the city are customers alike. Rows of `store_install`."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import Conflict, Forbidden, NotFound
from madang.base.limits import STORE_LISTED_MAX
from madang.runtime.manifest import Manifest
from madang.store.releases import Release

Download = Callable[[str], Awaitable[bytes]]
_PAID = """SELECT EXISTS (SELECT FROM store_order o WHERE o.app = $1 AND o.customer = $2 AND o.kind = 'purchase' AND o.state = 'paid'
    AND o.gross_minor > (SELECT coalesce(sum(amount_minor), 0) FROM store_refund r WHERE r."order" = o.id AND r.done_at IS NOT NULL))"""
_SUBSCRIBED = "SELECT EXISTS (SELECT FROM store_subscription WHERE app = $1 AND customer = $2 AND ended_at IS NULL)"
_PERSONS_USE = """INSERT INTO store_use SELECT DISTINCT i.id, (r.at AT TIME ZONE $2)::date FROM personal_read r
    JOIN store_install i ON i.app = r.app AND i.customer = 'person:' || r.person AND i.removed_at IS NULL AND r.at >= i.installed_at
    WHERE r.at >= $1 ON CONFLICT DO NOTHING"""


class Runtime(Protocol):
    """What the city's runtime does with an app."""

    async def install(self, source: bytes, grants: None = None, verified: bool = False) -> Manifest: ...

    async def update(self, source: bytes) -> Sequence[object]: ...

    async def enable(self, app_id: str) -> None: ...

    async def disable(self, app_id: str) -> None: ...

    async def uninstall(self, app_id: str) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Install:
    """`customer`: person:..., department:... or city:...."""

    id: str
    app: str
    version: str
    customer: str
    placed_by: str
    installed_at: datetime
    removed_at: datetime | None

    @property
    def is_of_city(self) -> bool:
        return self.customer.startswith("city:")


class Installs:
    """`download` gets a package by its target path, verified; `runtime` runs the city's own."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, download: Download, runtime: Runtime) -> None:
        self._pool, self._clock, self._download, self._runtime = pool, clock, download, runtime

    async def install(self, release: Release, customer: str, by: str) -> None:
        """A city's app is downloaded, verified, installed and started; that of a person or a department is theirs to use where the city
        runs it. Raises Forbidden for what is not paid, Conflict for what is there, and what the runtime raises; then nothing is kept."""
        if not await self.is_paid(release, customer):
            raise Forbidden("this has to be paid first", reason="not_paid")
        if await self.live(release.app, customer) is not None:
            raise Conflict("this is installed already", reason="installed")
        if customer.startswith("city:"):
            await self._runtime.install(await self._download(release.path), verified=True)
            await self._runtime.enable(release.app)
        await self._pool.execute(
            "INSERT INTO store_install (id, app, version, customer, placed_by, installed_at) VALUES ($1, $2, $3, $4, $5, $6)",
            secrets.token_hex(12), release.app, release.version, customer, by, self._clock.now(),
        )  # fmt: skip

    async def update(self, release: Release, customer: str) -> bool:
        """To that version. Whether it is in use: the city's waits, where it asks for more, until that is accepted on the page of apps.
        Raises NotFound, Conflict for the version that is there."""
        found = await self.live(release.app, customer)
        if found is None:
            raise NotFound("this is not installed")
        if found.version == release.version:
            raise Conflict("this version is installed already", reason="installed")
        waits = found.is_of_city and await self._runtime.update(await self._download(release.path))
        await self._pool.execute("UPDATE store_install SET version = $2 WHERE id = $1", found.id, release.version)
        return not waits

    async def is_paid(self, release: Release, customer: str) -> bool:
        """Whether the customer may have it: free, bought and not given back, or subscribed to."""
        model = release.manifest.price.model
        if model == "free":
            return True
        query = _PAID if model == "one_off" else _SUBSCRIBED
        return bool(await self._pool.fetchval(query, release.app, customer))

    async def remove(self, app: str, customer: str) -> dict[str, Any] | None:
        """The runtime's receipt, where the app was the city's. Raises NotFound."""
        found = await self.live(app, customer)
        if found is None:
            raise NotFound("this is not installed")
        receipt = await self._runtime.uninstall(app) if found.is_of_city else None
        await self._pool.execute("UPDATE store_install SET removed_at = $2 WHERE id = $1", found.id, self._clock.now())
        return receipt

    async def gone(self, app: str) -> None:
        """The city has removed it, by whichever door."""
        await self._pool.execute(
            "UPDATE store_install SET removed_at = $2 WHERE app = $1 AND starts_with(customer, 'city:') AND removed_at IS NULL",
            app, self._clock.now(),
        )  # fmt: skip

    async def live(self, app: str, customer: str) -> Install | None:
        """The one in use, if there is one."""
        found = await self._list("app = $1 AND customer = $2 AND removed_at IS NULL", app, customer)
        return found[0] if found else None

    async def of_customers(self, customers: Sequence[str]) -> list[Install]:
        """Those in use, the latest first."""
        return await self._list("customer = ANY($1) AND removed_at IS NULL", list(customers))

    async def count(self, app: str) -> int:
        """How many there are in use."""
        query = "SELECT count(*) FROM store_install WHERE app = $1 AND removed_at IS NULL"
        return int(await self._pool.fetchval(query, app))

    async def stop(self, app: str, version: str) -> bool:
        """Of a version that was withdrawn because it is dangerous: it runs no more. Whether the city had it. Persons and departments keep
        theirs, which do nothing where the city does not run the app."""
        query = "app = $1 AND version = $2 AND starts_with(customer, 'city:') AND removed_at IS NULL"
        if not await self._list(query, app, version):
            return False
        await self._runtime.disable(app)
        return True

    async def switch(self, app: str, on: bool) -> None:
        """The city's app of a service runs, or another does in its place."""
        await (self._runtime.enable(app) if on else self._runtime.disable(app))

    async def used(self, app: str, customer: str, day: date) -> None:
        """Somebody used what they have."""
        await self._pool.execute(
            "INSERT INTO store_use SELECT id, $3 FROM store_install WHERE app = $1 AND customer = $2 AND removed_at IS NULL"
            " ON CONFLICT DO NOTHING",
            app, customer, day,
        )  # fmt: skip

    async def count_looks(self, since: datetime, timezone: str) -> None:
        """An app that looked at what a person shows it was used by that person on that day of the city's."""
        await self._pool.execute(_PERSONS_USE, since, timezone)

    async def _list(self, which: str, *values: Any) -> list[Install]:
        rows = await self._pool.fetch(
            f"SELECT * FROM store_install WHERE {which} ORDER BY installed_at DESC, id LIMIT {STORE_LISTED_MAX}",
            *values,
        )
        return [Install(**dict(row)) for row in rows]
