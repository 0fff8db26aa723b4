"""Clauses 4.3.6.4, 5.8.1.4: two brokers of ours that registered each other, over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn
from tests.callers import GATE, OPERATOR
from tests.listening import Listener
from tests.subscribing import Courier, entity, register, subscribe
from tests.waiting import until

from madang.base.city import HistorySettings
from madang.cli.tenancy import TenantHouse
from madang.context.tenants import Tenants
from madang.engine.database import connect_pool
from madang.engine.settings import Settings, listen_on
from madang.federation.leases import Door
from madang.people.gateway import Gateway
from madang.people.manage import Management
from madang.people.ngsi.routes import NgsiLd
from madang.people.policies import PolicyDoor
from madang.trust.audit.recorder import Recorder


@dataclass
class City:
    api: httpx.AsyncClient
    port: int
    courier: Courier

    async def subscriptions(self) -> list[str]:
        return [one["id"] for one in (await self.api.get("subscriptions")).json()]


@contextlib.asynccontextmanager
async def open_city(ngsi: NgsiLd, pool: asyncpg.Pool, alias: str) -> AsyncIterator[City]:
    """Its gateway on loopback, and its courier."""
    nothing: Any = None
    manage = Management(
        {},
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        ngsi.intake.take,
        nothing,
        PolicyDoor(GATE, nothing, nothing),
    )
    app = Gateway(ngsi, manage, nothing, nothing, nothing, nothing, nothing, OPERATOR)
    held = listen_on("127.0.0.1", None)
    port = int(held.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[held]))
    await until(lambda: server.started, "the gateway answers")
    courier = Courier(pool, Door(alias, f"http://127.0.0.1:{port}/madang/v1/notifications/"))
    await courier.notifier.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/ngsi-ld/v1/") as api:
        yield City(api, port, courier)
    await courier.end()
    server.should_exit = True
    await serving


@pytest.fixture
async def cities(pool: asyncpg.Pool, dsn: str, tmp_path: Path, recorder: Recorder) -> AsyncIterator[list[City]]:
    """Two tenants, each a broker with a schema of its own, that know nothing of each other."""
    settings = Settings(tmp_path, "yard", "yard.toml", dsn, "", "", False, False, 0)
    tenants = Tenants(pool)
    house = TenantHouse(settings, tenants, "madang", HistorySettings(), recorder)
    async with contextlib.AsyncExitStack() as stack:
        out = []
        for name in ("one", "two"):
            ngsi = await house.open(name, "somebody")
            tenant = await tenants.find(name)
            assert tenant is not None
            own = await stack.enter_async_context(await connect_pool(dsn, 1, 4, tenant.schema))
            out.append(await stack.enter_async_context(open_city(ngsi, own, f"madang-{tenant.id}")))
        yield out
    await house.close()
    for tenant in await pool.fetch("SELECT id FROM tenant"):
        await pool.execute(f'DROP SCHEMA IF EXISTS "tenant_{tenant["id"]}" CASCADE')


async def test_what_is_written_in_one_is_told_in_the_other_once(cities: list[City], listener: Listener) -> None:
    one, two = cities
    await register(one.api, two.port)
    await register(two.api, one.port)
    await subscribe(one.api, notification={"format": "keyValues", "endpoint": {"uri": listener.url}}, q="n>5")
    for city in (one, two, one, two):
        await city.courier.look()
    assert [await one.subscriptions(), len(await two.subscriptions())] == [["urn:x:s"], 1]
    for number in (1, 9):
        await two.api.post("entities?local=true", json=entity(number, n=number))
    await two.courier.carry()
    await one.courier.carry()
    await until(lambda: told_to(one), "the other broker's notification is here")
    await one.courier.tell()
    await until(lambda: listener.shown, "the subscriber hears of it")
    assert listener.shown == [entity(9, n=9)]
    await one.api.delete("subscriptions/urn:x:s")
    await one.courier.look()
    assert [await one.subscriptions(), await two.subscriptions()] == [[], []]


async def told_to(city: City) -> int:
    return int(await city.courier.pool.fetchval("SELECT count(*) FROM notification"))


async def test_two_that_subscribe_to_each_other_keep_one_each(cities: list[City], listener: Listener) -> None:
    for city, other in (cities, cities[::-1]):
        await register(city.api, other.port)
        await subscribe(city.api, notification={"endpoint": {"uri": listener.url}})
    for city in cities * 3:
        await city.courier.look()
    assert [len(await city.subscriptions()) for city in cities] == [2, 2]
