"""Clauses 4.14, 5.5.10: tenants see nothing of each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from tests.callers import OPERATOR

from madang.base.city import HistorySettings
from madang.base.limits import TENANTS_MAX
from madang.cli.tenancy import TenantHouse
from madang.context.entity_maps import EntityMaps
from madang.context.subscriptions import Subscriptions
from madang.context.tenants import Tenants
from madang.engine.settings import Settings
from madang.federation.federation import Federation
from madang.history.past import open_past
from madang.people.gateway import Gateway
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.routes import NgsiLd
from madang.people.ngsi.tenants import TenantRouter
from madang.trust.audit.log import decode_leaf
from madang.trust.audit.recorder import Recorder

T1, T2 = {"ngsild-tenant": "one"}, {"ngsild-tenant": "two"}
ENTITY = {"id": "urn:x:1", "type": "T", "a": 1}


@pytest.fixture
async def tenants(
    broker: Broker, pool: asyncpg.Pool, dsn: str, tmp_path: Path, recorder: Recorder
) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway's door with tenants behind it; what they leave in the database is taken away."""
    settings = Settings(tmp_path, "yard", "yard.toml", dsn, "", "", False, False, 0)
    house = TenantHouse(settings, Tenants(pool), broker.alias, HistorySettings(), recorder)
    ngsi = NgsiLd(
        broker, Subscriptions(pool), open_past(pool), Federation(pool, broker.contexts), EntityMaps(pool), None
    )
    door = TenantRouter(ngsi, house.open)
    nothing: object = None
    app = Gateway(door, nothing, nothing, nothing, nothing, nothing, nothing, OPERATOR)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8600/ngsi-ld/v1/") as client:
        yield client
    await house.close()
    for tenant in await pool.fetch("SELECT id FROM tenant"):
        await pool.execute(f'DROP SCHEMA IF EXISTS "tenant_{tenant["id"]}" CASCADE')


async def test_making_a_tenant_is_on_record_once(tenants: httpx.AsyncClient, recorder: Recorder) -> None:
    await tenants.post("entities", json=ENTITY, headers=T1)
    await tenants.post("entities", json=ENTITY | {"id": "urn:x:2"}, headers=T1)
    leaves = [decode_leaf(one["leaf"]) for one in await recorder.log.page(10, None, None, None, None)]
    told = [(leaf["who"], leaf["what"], leaf["whom"], leaf["outcome"]) for leaf in leaves]
    assert told == [("anonymous", "tenant.create", "one", "accepted")]


async def test_a_create_makes_the_tenant_and_nobody_else_sees_it(tenants: httpx.AsyncClient) -> None:
    made = await tenants.post("entities", json=ENTITY, headers=T1)
    assert (made.status_code, made.headers["ngsild-tenant"]) == (201, "one")
    assert (await tenants.get("entities/urn:x:1", headers=T1)).json() == {
        "id": "urn:x:1",
        "type": "T",
        "a": {"type": "Property", "value": 1},
    }
    assert (await tenants.get("entities/urn:x:1")).status_code == 404
    assert (await tenants.post("entities", json=ENTITY, headers=T2)).status_code == 201
    assert (await tenants.delete("entities/urn:x:1", headers=T1)).status_code == 204
    assert (await tenants.get("entities/urn:x:1", headers=T2)).status_code == 200


@pytest.mark.parametrize("path", ["entities?type=T", "entities/urn:x:1", "types", "subscriptions"])
async def test_a_tenant_that_nobody_made_is_not_there(tenants: httpx.AsyncClient, path: str) -> None:
    answer = await tenants.get(path, headers=T1)
    assert (answer.status_code, answer.json()["type"]) == (404, "https://uri.etsi.org/ngsi-ld/errors/NonexistentTenant")


async def test_tenants_are_bounded(tenants: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    await pool.executemany("INSERT INTO tenant (name) VALUES ($1)", [(f"t{number}",) for number in range(TENANTS_MAX)])
    assert (await tenants.post("entities", json=ENTITY, headers=T1)).status_code == 403
