"""Tenants, wired: brokers in the gateway, couriers and notifications in the courier."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import asyncpg

from madang.base.city import HistorySettings
from madang.base.clock import SystemClock, to_iso
from madang.base.errors import NonexistentTenant
from madang.base.limits import SNAPSHOT_CONNECTIONS_MAX, TENANT_CONNECTIONS_MAX
from madang.bus.courier import Courier
from madang.cli.serving import certificate_files
from madang.cli.tidy import keep_tidy
from madang.context.catalogue import Catalogue
from madang.context.contexts import Contexts
from madang.context.discovery import Discovery
from madang.context.entity_maps import EntityMaps
from madang.context.expiry import Expiry
from madang.context.notifier import Notifier
from madang.context.sealed_rows import seal_rows
from madang.context.store import Store
from madang.context.subscriptions import Subscriptions
from madang.context.tenants import Tenant, Tenants
from madang.context.turn import ensure_partitions
from madang.context.writer import Writer
from madang.engine.database import LOST, connect_planned, connect_pool, migrate
from madang.engine.sealing import seal_of_city
from madang.engine.settings import Settings
from madang.federation.federation import Federation
from madang.federation.leases import Door
from madang.federation.source_notifier import SourceNotifier
from madang.federation.subscriber import Subscriber
from madang.history.past import open_past
from madang.history.retention import Gone, Record, Retention
from madang.people.http import Handler, Request, Response
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.routes import NgsiLd
from madang.people.ngsi.snapshot_door import Keeping
from madang.trust.audit.entry import Event
from madang.trust.audit.log import AuditLog
from madang.trust.audit.recorder import Recorder
from madang.trust.policy.makers import Makers

LOOK_S = 1.0
SightsOf = Callable[[str], Makers]
"""What makers of subscriptions may see, by tenant."""


def alias_of(city: str) -> str:
    """What a city's broker is called among brokers (a pseudonym of RFC 9110, 7.6.3)."""
    return f"madang-{city}"


class TenantHouse:
    """The brokers of the tenants that were asked for in this process. What one of them cannot go on without ends `watch`."""

    def __init__(
        self, settings: Settings, tenants: Tenants, alias: str, past: HistorySettings, recorder: Recorder
    ) -> None:
        self._recorder = recorder
        self._settings, self._tenants, self._alias, self._past = settings, tenants, alias, past
        self._open: dict[str, NgsiLd] = {}
        self._opening = asyncio.Lock()
        self._failed: asyncio.Queue[BaseException] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._ends: list[Callable[[], Awaitable[None]]] = []

    async def close(self) -> None:
        """Finishes what is queued and lets the database go."""
        for task in self._tasks:
            task.cancel()
        for end in self._ends:
            await end()

    async def open(self, name: str, creator: str | None) -> NgsiLd:
        """Raises NonexistentTenant unless somebody creates it; then Unavailable when that cannot be put on record,
        Forbidden when there are too many."""
        found = self._open.get(name)
        if found is None:
            async with self._opening:
                found = self._open.get(name) or await self._broker(await self._tenant(name, creator))
                self._open[name] = found
        return found

    def notified(self, default: NgsiLd) -> Handler:
        """Takes what other brokers tell of a tenant's subscriptions; of those of `default` when none is named."""

        async def take(request: Request) -> Response:
            name = request.query.get("tenant")
            return await (await self.open(name, None) if name else default).intake.take(request)

        return take

    async def _tenant(self, name: str, creator: str | None) -> Tenant:
        found = await self._tenants.find(name)
        if found is not None:
            await migrate(self._settings.database, found.schema)  # made by an earlier version, perhaps
            return found
        if creator is None:
            raise NonexistentTenant(f"no tenant {name[:80]}")
        await self._recorder.before(creator, "tenant.create", name)
        return await self._tenants.ensure(name, lambda schema: migrate(self._settings.database, schema))

    async def _broker(self, tenant: Tenant) -> NgsiLd:
        pool = await connect_pool(self._settings.database, 1, TENANT_CONNECTIONS_MAX, tenant.schema)
        await seal_rows(pool, seal_of_city())
        planned = await connect_planned(self._settings.database, TENANT_CONNECTIONS_MAX, tenant.schema)
        writer = Writer(pool, None, data_dir=self._settings.run_dir if self._settings.embedded_database else None)
        writer.start()
        catalogue = Catalogue(pool)
        alias = f"{self._alias}-{tenant.id}"
        store = Store(pool, None, planned)
        broker = Broker(writer, store, Contexts(catalogue=catalogue), Discovery(pool), catalogue, alias)
        self._ends += [writer.stop, pool.close, planned.close]
        self._keep(writer.watch())
        maps = EntityMaps(pool)
        federation = Federation(pool, broker.contexts)
        self._ends.append(federation.close)
        await federation.reload()
        self._keep(federation.follow())
        past = open_past(pool, self._past.max_instances)
        ngsi = NgsiLd(broker, Subscriptions(pool), past, federation, maps, self.keeping(pool, broker))
        self._ends.insert(0, ngsi.close)
        self._keep(keep_tidy(Expiry(pool, writer).sweep, broker.contexts.follow, maps.sweep, ngsi.tidy))
        return ngsi

    def keeping(self, pool: asyncpg.Pool, broker: Broker) -> Keeping:
        """Where the snapshots of the tenant with this pool and broker are kept."""

        async def prepare(schema: str) -> None:
            await migrate(self._settings.database, schema)
            connection = await asyncpg.connect(self._settings.database, server_settings={"search_path": schema})
            try:
                await ensure_partitions(connection, SystemClock().now())
            finally:
                await connection.close()

        async def open_schema(schema: str) -> tuple[NgsiLd, Callable[[], Awaitable[None]]]:
            own = await connect_pool(self._settings.database, 1, SNAPSHOT_CONNECTIONS_MAX, schema)
            writer = Writer(own, None, data_dir=self._settings.run_dir if self._settings.embedded_database else None)
            writer.start()
            inner = Broker(writer, Store(own), broker.contexts, Discovery(own), broker.catalogue, broker.alias)
            past, alone = open_past(own, self._past.max_instances), Federation(own, broker.contexts)

            async def close() -> None:
                await writer.stop()
                await alone.close()
                await own.close()

            return NgsiLd(inner, Subscriptions(own), past, alone, EntityMaps(own), None), close

        return Keeping(pool, prepare, open_schema)

    def _keep(self, work: Any) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(lambda done: None if done.cancelled() else self._failed.put_nowait(_error(done)))
        self._tasks.append(task)

    async def watch(self) -> None:
        """Ends, with its error, only when a tenant's background work does."""
        raise await self._failed.get()


def _error(task: asyncio.Task[None]) -> BaseException:
    return task.exception() or RuntimeError("a tenant's work ended")


async def carry_for_tenants(
    settings: Settings, pool: asyncpg.Pool, client: Any, past: HistorySettings, alias: str, sights: SightsOf
) -> None:
    """Follows the register: each tenant's changes go to its own subscriptions, and to the bus under a name of its own, so
    that who listens to the city hears nothing of them."""
    tenants, register, known = Tenants(pool), AuditLog(pool), set[int]()
    async with asyncio.TaskGroup() as work:
        while True:
            for tenant in await _listed(tenants):
                if tenant.id not in known:
                    known.add(tenant.id)
                    work.create_task(_carry(settings, tenant, client, past, f"{alias}-{tenant.id}", register, sights))
            await asyncio.sleep(LOOK_S)


async def _listed(tenants: Tenants) -> list[Tenant]:
    try:
        return await tenants.every()
    except LOST:
        return []


async def _carry(
    settings: Settings,
    tenant: Tenant,
    client: Any,
    past: HistorySettings,
    alias: str,
    register: AuditLog,
    sights: SightsOf,
) -> None:
    pool = await connect_pool(settings.database, 1, 2, tenant.schema)
    headers = (("NGSILD-Tenant", tenant.name),)
    notifier = Notifier(pool, sights(tenant.name), headers)
    sources = SourceNotifier(pool, sights(tenant.name), headers)
    subscriber = open_subscriber(settings, pool, sources, alias, tenant.name)
    courier = Courier(pool, client, f"{settings.city}-{tenant.schema}", [notifier.consume])
    await notifier.start()
    retention = Retention(pool, past, SystemClock(), recorded(register, tenant.name))
    await asyncio.gather(courier.run(), notifier.run(), sources.run(), subscriber.run(), retention.run())


def recorded(register: AuditLog, tenant: str = "") -> Record:
    """Puts on record what goes of a tenant's history: `accepted` before, `done` with the rows after."""

    async def record(gone: Gone) -> None:
        details = {"before": to_iso(gone.before), **({"tenant": tenant} if tenant else {})}
        if gone.rows is not None:
            details["rows"] = str(gone.rows)
        outcome = "accepted" if gone.rows is None else "done"
        await register.append(
            Event(SystemClock().now(), "madang", "history.retain", gone.what, "its time is over", outcome, details)
        )

    return record


def open_subscriber(
    settings: Settings, pool: asyncpg.Pool, sources: SourceNotifier, alias: str, tenant: str = ""
) -> Subscriber:
    """Subscribes at the sources that `sources` hears of; they tell at the gateway."""
    host, scheme = os.environ.get("MADANG_HOST", "127.0.0.1"), "https" if certificate_files() else "http"
    address = os.environ.get("MADANG_ADDRESS") or f"{scheme}://{host}:{settings.http_port}"
    suffix = f"?{urlencode({'tenant': tenant})}" if tenant else ""
    door = Door(alias, f"{address.rstrip('/')}/madang/v1/notifications/", suffix)
    return Subscriber(pool, sources.federation, Contexts(catalogue=Catalogue(pool)), door)
