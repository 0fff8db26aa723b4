"""A prober without rights tries every door in every way it knows: nothing in the database is another afterwards.

The ways are those of web scanners: other spellings of a path, headers by which proxies are told to do something else, credentials
that are none. Every endpoint of /openapi.json and every page of identity is tried by each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, Mock

import asyncpg
import httpx
import pytest
from tests.callers import GATE, door
from tests.conftest import Nothing, keeping_of
from tests.people.test_matrix import BUILDING, OTHERS, address_of, body_of

from madang.base.clock import SystemClock
from madang.context.entity_maps import EntityMaps
from madang.context.observed import Observed
from madang.context.subscriptions import Subscriptions
from madang.federation.federation import Federation
from madang.history.past import open_past
from madang.people.explain import Explain
from madang.people.gateway import Gateway
from madang.people.identity.routes import IdentityDoors
from madang.people.manage import Management
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.routes import NgsiLd
from madang.people.ngsi.tenants import TenantRouter
from madang.people.openapi.document import describe
from madang.people.personal.door import PersonalDoor
from madang.people.policies import PolicyDoor
from madang.people.sensorthings.routes import SensorThings
from madang.trust.audit.recorder import Recorder
from madang.trust.caller import Caller
from madang.trust.consent.house import PersonalHouse
from madang.trust.consent.pseudonyms import Pseudonyms
from madang.trust.identity.house import Identity, open_identity

pytestmark = pytest.mark.engine
# What anybody may leave behind: maps of what they read, failed attempts, and that both are on record.
NOT_LOOKED_AT = {"entity_map", "entity_map_entry", "sign_in_attempt", "ceremony", "audit_entry", "audit_node"}
SPELLINGS = {
    "as it is": lambda path: path,
    "a slash more": lambda path: f"{path}/",
    "two slashes": lambda path: path.replace("/v1/", "/v1//"),
    "a dot": lambda path: path.replace("/v1/", "/v1/./"),
    "up and down": lambda path: path.replace("/v1/", "/v1/x/../"),
    "encoded": lambda path: path.replace("/v1/", "/v1%2F"),
    "in capitals": lambda path: path.upper(),
    "a suffix": lambda path: f"{path};.json",
    "an override": lambda path: f"{path}?_method=DELETE",
}
HEADERS: dict[str, dict[str, str]] = {
    "another method": {"x-http-method-override": "DELETE", "x-method-override": "PUT"},
    "another address": {"x-original-url": "/madang/v1/apps", "x-rewrite-url": "/madang/v1/apps"},
    "from here": {
        "x-forwarded-for": "127.0.0.1",
        "forwarded": "for=127.0.0.1;host=localhost",
        "x-real-ip": "127.0.0.1",
    },
    "as a user": {"x-forwarded-user": "admin", "remote-user": "admin", "x-user": "admin"},
    "a null token": {"authorization": "Bearer null"},
    "nobody's password": {"authorization": "Basic Og=="},
    "an unsigned token": {"authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."},
    "a made-up session": {"cookie": "madang-session-8600=admin; __Host-madang-session=admin"},
    "another tenant": {"ngsild-tenant": "elsewhere"},
}


@pytest.fixture
async def identity(pool: asyncpg.Pool, tmp_path: Path, recorder: Recorder) -> Identity:
    return open_identity(pool, tmp_path, "http://localhost:8600", "Yard", recorder, SystemClock())


@pytest.fixture(params=["reader"])
async def comer(
    request: pytest.FixtureRequest,
    broker: Broker,
    pool: asyncpg.Pool,
    dsn: str,
    api: httpx.AsyncClient,
    recorder: Recorder,
    identity: Identity,
) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever comes to a city without a credential, by a door of that role."""
    await api.post("entityOperations/create", json=[BUILDING, *OTHERS])
    await identity.people.add("mina", "Mina", None, {"administrator"})
    federation, past = Federation(pool, broker.contexts), open_past(pool)
    ngsi = NgsiLd(broker, Subscriptions(pool), past, federation, EntityMaps(pool), keeping_of(dsn, pool, broker))

    async def tenant(name: str, creator: str | None) -> Any:
        return ngsi

    async def nobody(token: str) -> Caller | None:
        return None

    async def answer(request: Any) -> Any:
        raise AssertionError("a door was opened")

    async def command(who: Caller, intent: dict[str, Any]) -> None:
        who.require("command", intent["kind"])
        raise AssertionError("a door was opened")

    guarded: Any = Mock(side_effect=AssertionError("a door was opened"))
    shut: Any = AsyncMock(side_effect=AssertionError("a door was opened"))
    desk: Any = Mock(submit=command, submit_many=shut)
    manage = Management(
        {}, Mock(install=shut, remove=shut, start=shut, stop=shut), desk, Mock(latest=shut), lambda: {"components": {}},
        AsyncMock(return_value=[]), Explain(broker).get,
        ngsi.intake.take, recorder, PolicyDoor(GATE, broker.store, AsyncMock(return_value=())), identity,
    )  # fmt: skip
    asking: Any = Mock(page=AsyncMock(return_value=[]))
    personal = PersonalDoor(PersonalHouse(pool, Pseudonyms(b"k"), SystemClock(), recorder, asking), asking)
    anonymous = door(request.param)
    app: Any = Gateway(
        TenantRouter(ngsi, tenant), manage, Nothing(), Nothing(), answer, guarded, nobody, anonymous,
        SensorThings(broker, past, Observed(pool)), IdentityDoors(identity, anonymous), personal,
    )  # fmt: skip
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8600") as client:
        yield client
    await ngsi.close()
    await federation.close()


async def everything(pool: asyncpg.Pool) -> dict[str, str]:
    """What each table holds."""
    tables = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    names = [one["tablename"] for one in tables if one["tablename"] not in NOT_LOOKED_AT]
    sql = "SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') AS held FROM \"{}\" AS t"
    return {name: (await pool.fetchrow(sql.format(name)))["held"] for name in names}


def writes(identity: Identity) -> Iterator[tuple[str, str]]:
    """`(method, path)` of whatever is not only read."""
    for path, methods in describe()["paths"].items():
        yield from ((method.upper(), path) for method in methods if method != "get")
    for path, methods in IdentityDoors(identity, door("reader")).table.items():
        yield from ((method, f"/{path}") for method in methods if method != "GET")


async def probe(comer: httpx.AsyncClient, identity: Identity, way: str) -> set[int]:
    """The statuses of all that is tried."""
    spell, headers = SPELLINGS.get(way, SPELLINGS["as it is"]), HEADERS.get(way, {})
    form = {"login": "mina", "password": "x" * 12, "token": "x", "csrf": "x", "answer": "yes", "sure": "yes"}
    statuses = set()
    for method, path in writes(identity):
        address = spell(address_of(path).replace("*", "urn:x:b"))
        for body in ({"json": body_of(path, method)}, {"data": form}):
            statuses.add((await comer.request(method, address, headers=headers, **body)).status_code)
    return statuses


@pytest.mark.parametrize("way", [*SPELLINGS, *HEADERS])
async def test_nobody_changes_anything(
    comer: httpx.AsyncClient, pool: asyncpg.Pool, identity: Identity, way: str
) -> None:
    before = await everything(pool)
    assert {status for status in await probe(comer, identity, way) if status >= 500} == set()
    assert await everything(pool) == before


@pytest.mark.parametrize("comer", ["operator"], indirect=True)
async def test_the_prober_would_see_it(comer: httpx.AsyncClient, pool: asyncpg.Pool, identity: Identity) -> None:
    before = await everything(pool)
    assert 500 in await probe(comer, identity, "as it is")  # a door was opened
    after = await everything(pool)
    assert {"entity", "history"} <= {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize("way", HEADERS)
async def test_nobody_reads_the_inside(comer: httpx.AsyncClient, way: str) -> None:
    inside = [
        "audit",
        "audit/checkpoint",
        "explain?type=Building",
        "policies",
        "devices",
        "clients",
        "me",
        "persons",
        "erasures",
    ]
    answers = [await comer.get(f"/madang/v1/{path}", headers=HEADERS[way]) for path in inside]
    assert {answer.status_code for answer in answers} <= {401, 403}
    pages = ["account", "administration", "administration/devices", "administration/clients"]
    assert {(await comer.get(f"/{path}", headers=HEADERS[way])).status_code for path in pages} == {303}
