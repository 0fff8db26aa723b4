"""Every principal on every endpoint: who gets past the gate stands in the tables below, which know nothing of the policies.

`+` is let through (whatever the answer then is), `-` is refused by 401 or 403. The endpoints are those of /openapi.json."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, Mock
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
from tests.callers import GATE, OPERATOR, app, caller, door
from tests.conftest import Nothing, keeping_of

from madang.base.city import CityConfig
from madang.base.clock import SystemClock
from madang.base.errors import NonexistentTenant
from madang.cli.portal import open_portal
from madang.context.entity_maps import EntityMaps
from madang.context.observed import Observed
from madang.context.subscriptions import Subscriptions
from madang.federation.federation import Federation
from madang.history.past import open_past
from madang.history.replay import Replay
from madang.lake.datasets.house import open_data
from madang.people.datasets import DatasetsDoor
from madang.people.explain import Explain
from madang.people.gateway import Gateway
from madang.people.http import Request, Response
from madang.people.lake import LakeDoor
from madang.people.manage import Management
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.routes import NgsiLd
from madang.people.ngsi.tenants import TenantRouter
from madang.people.openapi.document import describe
from madang.people.personal.door import PersonalDoor
from madang.people.policies import PolicyDoor
from madang.people.replay import ReplayDoor
from madang.people.sensorthings.routes import SensorThings
from madang.people.store.tmf.door import TmfDoor
from madang.people.twin.door import TwinDoor
from madang.store.house import open_store
from madang.trust.audit.recorder import Recorder
from madang.trust.caller import Caller
from madang.trust.consent.house import PersonalHouse
from madang.trust.consent.pseudonyms import Pseudonyms
from madang.trust.policy.subjects import Grant

GRANTS = (Grant("read", "Building"), Grant("write", "Building"), Grant("command", "sign.text"))
WHO = {
    "administrator": caller("administrator"),
    "operator": caller("operator"),
    "duty-officer": caller("duty-officer"),
    "analyst": caller("analyst"),
    "department": caller("department"),
    "auditor": caller("auditor"),
    "citizen": caller("citizen"),
    "kiosk": caller("kiosk"),
    "peer": caller("peer", "peer"),
    "app": app("org.example.app", *GRANTS),
    "device": caller("device", "device", GRANTS),
    "reader": door("reader"),
    "door": OPERATOR,  # who comes by the demo's door
    "nobody": caller("", "anonymous"),
    "unknown role": caller("gardener"),
    "stranger": caller("administrator", tenant="elsewhere").at(""),  # who administers another tenant
}
ALL = "+"
RIGHTS = {
    #                    adm op  duty ana dep aud cit kio pee app dev rea door nob unk str
    "anybody":           "+   +   +   +   +   +   +   +   +   +   +   +   +   +   +   +",
    "read public":       "+   +   +   +   +   +   +   +   +   +   +   +   +   -   -   -",
    "past public":       "+   +   +   +   +   +   -   -   -   +   +   +   +   -   -   -",
    "read internal":     "+   +   +   +   +   +   -   -   -   -   -   +   +   -   -   -",
    "past internal":     "+   +   +   +   +   +   -   -   -   -   -   +   +   -   -   -",
    "read incidents":    "+   +   +   -   -   +   -   -   -   -   -   -   +   -   -   -",
    "write incidents":   "+   +   +   -   -   -   -   -   -   -   -   -   +   -   -   -",
    "read persons":      "+   +   +   -   -   +   -   -   -   -   -   +   +   -   -   -",
    "write public":      "+   +   -   -   -   -   -   -   -   +   +   -   +   -   -   -",
    "write internal":    "+   +   -   -   -   -   -   -   -   -   -   -   +   -   -   -",
    "take back the past": "+   +   -   -   -   -   -   -   -   -   -   -   +   -   -   -",
    "read subscriptions": "+   +   +   -   -   +   -   -   -   -   -   +   +   -   -   -",
    "write subscriptions": "+   +   -   -   -   -   -   -   -   -   -   -   +   -   -   -",
    "read contexts":     "+   +   +   +   +   +   +   +   +   -   -   +   +   -   -   -",
    "write contexts":    "+   +   -   -   -   -   -   -   -   -   -   -   +   -   -   -",
    "sensorthings":      "+   +   +   +   +   +   +   +   +   -   -   +   +   -   -   -",
    "read status":       "+   +   +   +   +   +   -   -   -   -   -   +   +   -   -   -",
    "read commands":     "+   +   +   -   -   +   -   -   -   -   -   +   +   -   -   -",
    "command":           "+   +   +   -   -   -   -   -   -   +   +   -   +   -   -   -",
    "manage apps":       "+   +   -   -   -   -   -   -   -   -   -   -   +   -   -   -",
    "read the inside":   "+   +   -   -   -   +   -   -   -   -   -   -   +   -   -   -",
    "privacy":           "+   +   -   +   -   -   -   -   -   -   -   -   +   -   -   -",
    "read datasets":     "+   +   +   +   +   +   -   -   -   -   -   +   +   -   -   -",
    "manage datasets":   "+   +   -   -   -   -   -   -   -   -   -   -   +   -   -   -",
    "ask the lake":      "+   +   +   +   +   +   -   -   -   +   -   +   +   -   -   -",
    "one's own":         "+   +   +   +   +   +   +   +   -   -   -   -   -   -   +   +",
    "what people show":  "-   -   -   -   -   -   -   -   -   +   -   -   -   -   -   -",
    "charges":          "+   +   -   -   -   -   -   -   -   +   -   -   +   -   -   -",
    "read devices":      "+   +   -   -   -   +   -   -   -   -   -   -   +   -   -   -",
    "manage devices":    "+   +   -   -   -   -   -   -   -   -   -   -   +   -   -   -",
    "read clients":      "+   -   -   -   -   +   -   -   -   -   -   -   -   -   -   -",
    "manage clients":    "+   -   -   -   -   -   -   -   -   -   -   -   -   -   -   -",
    "read policies":     "+   -   -   -   -   +   -   -   -   -   -   -   -   -   -   -",
}  # fmt: skip
N, M, S, T = "/ngsi-ld/v1", "/madang/v1", "/sensorthings/v1.1", "/tmf-api"
OFFERED = ("category", "productOffering", "productOfferingPrice", "productSpecification")
OWNED = (
    "productOrderingManagement/v4/productOrder",
    "productInventory/v4/product",
    "customerBillManagement/v4/customerBill",
    "customerBillManagement/v4/appliedCustomerBillingRate",
)
ENDPOINTS = {
    f"GET {N}/entities": "read public",
    f"POST {N}/entities": "write public",
    f"DELETE {N}/entities": "write public",
    f"GET {N}/entities/{{id}}": "anybody",  # what is hidden is not found: see below
    f"PUT {N}/entities/{{id}}": "write public",
    f"PATCH {N}/entities/{{id}}": "write public",
    f"DELETE {N}/entities/{{id}}": "write public",
    f"POST {N}/entities/{{id}}/attrs": "write public",
    f"PATCH {N}/entities/{{id}}/attrs": "write public",
    f"PATCH {N}/entities/{{id}}/attrs/{{name}}": "write public",
    f"PUT {N}/entities/{{id}}/attrs/{{name}}": "write public",
    f"DELETE {N}/entities/{{id}}/attrs/{{name}}": "write public",
    f"POST {N}/entityOperations/create": "write public",
    f"POST {N}/entityOperations/upsert": "write public",
    f"POST {N}/entityOperations/update": "write public",
    f"POST {N}/entityOperations/merge": "write public",
    f"POST {N}/entityOperations/delete": "write public",
    f"POST {N}/entityOperations/query": "read public",
    f"GET {N}/types": "anybody",
    f"GET {N}/types/{{id}}": "anybody",
    f"GET {N}/attributes": "anybody",
    f"GET {N}/attributes/{{id}}": "anybody",
    f"GET {N}/jsonldContexts": "read contexts",
    f"POST {N}/jsonldContexts": "write contexts",
    f"GET {N}/jsonldContexts/{{id}}": "read contexts",
    f"DELETE {N}/jsonldContexts/{{id}}": "write contexts",
    f"GET {N}/info/sourceIdentity": "anybody",
    f"GET {N}/subscriptions": "read subscriptions",
    f"POST {N}/subscriptions": "write subscriptions",
    f"GET {N}/subscriptions/{{id}}": "read subscriptions",
    f"PATCH {N}/subscriptions/{{id}}": "write subscriptions",
    f"DELETE {N}/subscriptions/{{id}}": "write subscriptions",
    f"GET {N}/csourceRegistrations": "read subscriptions",
    f"POST {N}/csourceRegistrations": "write subscriptions",
    f"GET {N}/csourceRegistrations/{{id}}": "read subscriptions",
    f"PATCH {N}/csourceRegistrations/{{id}}": "write subscriptions",
    f"DELETE {N}/csourceRegistrations/{{id}}": "write subscriptions",
    f"GET {N}/csourceSubscriptions": "read subscriptions",
    f"POST {N}/csourceSubscriptions": "write subscriptions",
    f"GET {N}/csourceSubscriptions/{{id}}": "read subscriptions",
    f"PATCH {N}/csourceSubscriptions/{{id}}": "write subscriptions",
    f"DELETE {N}/csourceSubscriptions/{{id}}": "write subscriptions",
    f"GET {N}/entityMaps": "read public",
    f"POST {N}/entityMaps": "read public",
    f"GET {N}/entityMaps/{{id}}": "anybody",
    f"PATCH {N}/entityMaps/{{id}}": "anybody",
    f"DELETE {N}/entityMaps/{{id}}": "anybody",
    f"POST {N}/snapshots": "write subscriptions",
    f"DELETE {N}/snapshots": "write subscriptions",
    f"GET {N}/snapshots/{{id}}": "read subscriptions",
    f"PATCH {N}/snapshots/{{id}}": "write subscriptions",
    f"DELETE {N}/snapshots/{{id}}": "write subscriptions",
    f"POST {N}/snapshots/{{id}}/clone": "write subscriptions",
    f"GET {N}/temporal/entityMaps": "past public",
    f"POST {N}/temporal/entityMaps": "past public",
    f"GET {N}/temporal/entities": "past public",
    f"POST {N}/temporal/entities": "write public",
    f"GET {N}/temporal/entities/{{id}}": "anybody",
    f"DELETE {N}/temporal/entities/{{id}}": "take back the past",
    f"POST {N}/temporal/entities/{{id}}/attrs": "write public",
    f"DELETE {N}/temporal/entities/{{id}}/attrs/{{name}}": "take back the past",
    f"PATCH {N}/temporal/entities/{{id}}/attrs/{{name}}/{{instanceId}}": "take back the past",
    f"DELETE {N}/temporal/entities/{{id}}/attrs/{{name}}/{{instanceId}}": "take back the past",
    f"POST {N}/temporal/entityOperations/query": "past public",
    f"GET {M}/city": "anybody",
    f"GET {M}/status": "read status",
    f"GET {M}/deadletters": "read commands",
    f"GET {M}/explain": "read the inside",
    f"GET {M}/commands": "read commands",
    f"POST {M}/commands": "command",
    f"GET {M}/commands/{{id}}": "read commands",
    f"POST {M}/notifications/{{id}}": "anybody",  # the token in the path is the right
    f"GET {M}/apps": "read commands",
    f"POST {M}/apps": "manage apps",
    f"GET {M}/apps/available": "read commands",
    f"GET {M}/apps/{{id}}": "read commands",
    f"DELETE {M}/apps/{{id}}": "manage apps",
    f"PUT {M}/apps/{{id}}/grants": "manage apps",
    f"POST {M}/apps/{{id}}/versions": "manage apps",
    f"POST {M}/apps/{{id}}/accept": "manage apps",
    f"POST {M}/apps/{{id}}/decline": "manage apps",
    f"POST {M}/apps/{{id}}/rollback": "manage apps",
    f"POST {M}/apps/{{id}}/start": "manage apps",
    f"POST {M}/apps/{{id}}/stop": "manage apps",
    f"GET {M}/audit": "read the inside",
    f"GET {M}/audit/checkpoint": "read the inside",
    f"GET {M}/audit/proof/inclusion": "read the inside",
    f"GET {M}/audit/proof/consistency": "read the inside",
    f"POST {M}/charges": "charges",
    f"GET {M}/charges/{{id}}": "charges",
    **{f"GET {T}/productCatalogManagement/v4/{name}{one}": "anybody" for name in OFFERED for one in ("", "/{id}")},
    **{f"GET {T}/{name}{one}": "one's own" for name in OWNED for one in ("", "/{id}")},
    f"POST {T}/productOrderingManagement/v4/productOrder": "one's own",
    f"GET {T}/usageManagement/v4/usage": "read commands",
    f"GET {T}/usageManagement/v4/usage/{{id}}": "read commands",
    f"GET {M}/verdicts": "manage apps",
    f"POST {M}/verdicts/{{id}}/release": "manage apps",
    f"GET {M}/incidents": "read incidents",
    f"POST {M}/incidents": "write incidents",
    f"GET {M}/incidents/{{id}}": "read incidents",
    f"POST {M}/incidents/{{id}}/acknowledge": "write incidents",
    f"POST {M}/privacy/mask": "privacy",
    f"POST {M}/privacy/check": "privacy",
    f"POST {M}/privacy/release": "privacy",
    f"POST {M}/witness/add-checkpoint": "anybody",  # the signature of a log that is vouched for is the right
    f"GET {M}/devices": "read devices",
    f"POST {M}/devices": "manage devices",
    f"GET {M}/devices/{{id}}": "read devices",
    f"PATCH {M}/devices/{{id}}": "manage devices",
    f"DELETE {M}/devices/{{id}}": "manage devices",
    f"POST {M}/devices/{{id}}/secret": "manage devices",
    f"GET {M}/clients": "read clients",
    f"POST {M}/clients": "manage clients",
    f"GET {M}/clients/{{id}}": "read clients",
    f"PATCH {M}/clients/{{id}}": "manage clients",
    f"DELETE {M}/clients/{{id}}": "manage clients",
    f"POST {M}/clients/{{id}}/secret": "manage clients",
    f"POST {M}/signing-keys": "manage clients",
    f"GET {M}/policies": "read policies",
    f"POST {M}/policies/simulate": "read policies",
    f"GET {M}/me": "one's own",
    f"DELETE {M}/me": "one's own",
    f"GET {M}/me/items": "one's own",
    f"GET {M}/me/items/{{id}}": "one's own",
    f"PUT {M}/me/items/{{id}}/{{name}}": "one's own",
    f"DELETE {M}/me/items/{{id}}/{{name}}": "one's own",
    f"GET {M}/me/apps": "one's own",
    f"GET {M}/me/consents": "one's own",
    f"POST {M}/me/consents": "one's own",
    f"PATCH {M}/me/consents/{{id}}": "one's own",
    f"DELETE {M}/me/consents/{{id}}": "one's own",
    f"GET {M}/me/reads": "one's own",
    f"GET {M}/me/erasures": "one's own",
    f"GET {M}/me/export": "one's own",
    f"GET {M}/persons": "what people show",
    f"GET {M}/persons/{{id}}": "what people show",
    f"GET {M}/erasures": "what people show",
    f"POST {M}/erasures/{{id}}": "what people show",
    f"GET {M}/replay/span": "read status",
    f"GET {M}/replay/state": "past public",
    f"GET {M}/replay": "past public",
    "POST /lake/sql": "ask the lake",
    "GET /twin/tileset.json": "read public",
    "GET /twin/tiles/{level}/{name}": "read public",
    **{f"GET /twin/{name}": "read public" for name in ("sun", "sunlight", "view", "skyline")},
    "GET /open/datasets/{id}/data.{form}": "anybody",
    "GET /open/datasets/{id}/versions/{version}/data.{form}": "anybody",
    "GET /open/datasets/{id}/about.{form}": "anybody",
    "GET /open/catalog.{form}": "anybody",
    "GET /open/indicators/{set}.{form}": "anybody",
    "GET /open/feed.atom": "anybody",
    "GET /open/feed.rss": "anybody",
    "GET /api/3/action/{action}": "anybody",
    "GET /ogc": "anybody",
    "GET /ogc/conformance": "anybody",
    "GET /ogc/collections": "anybody",
    "GET /ogc/collections/{collection}": "anybody",
    "GET /ogc/collections/{collection}/items": "anybody",
    "GET /ogc/collections/{collection}/items/{feature}": "anybody",
    "GET /lake/datasets": "read datasets",
    "POST /lake/datasets": "manage datasets",
    "GET /lake/datasets/{id}": "read datasets",
    "PUT /lake/datasets/{id}": "manage datasets",
    "GET /lake/datasets/{id}/files": "read datasets",
    "POST /lake/datasets/{id}/files": "manage datasets",
    "GET /lake/datasets/{id}/feed": "read datasets",
    "PUT /lake/datasets/{id}/feed": "manage datasets",
    "DELETE /lake/datasets/{id}/feed": "manage datasets",
    "GET /lake/datasets/{id}/publications": "read datasets",
    "POST /lake/datasets/{id}/publications": "manage datasets",
    "POST /lake/datasets/{id}/publications/{version}/approve": "manage datasets",
    "POST /lake/datasets/{id}/publications/{version}/decline": "manage datasets",
    "POST /lake/datasets/{id}/withdraw": "manage datasets",
    "GET /lake/arrivals": "read datasets",
    "GET /lake/arrivals/{id}": "read datasets",
    "POST /lake/arrivals/{id}/release": "manage datasets",
    "POST /lake/arrivals/{id}/reject": "manage datasets",
    "GET /metrics": "anybody",
    "GET /version": "anybody",
    "GET /openapi.json": "anybody",
    "GET /tiles/city.pmtiles": "anybody",
}
"""The last four are no part of the description."""
ENDPOINTS |= {f"GET {path}": "sensorthings" for path in describe()["paths"] if path.startswith(S)}
BUILDING = {"id": "urn:x:b", "type": "Building", "height": 3}
OTHERS = [{"id": "urn:x:n", "type": "Note", "text": "x"}, {"id": "urn:x:p", "type": "Person", "name": "x"}]
FRAGMENT = {"type": "Property", "value": 4}
PAST = {"id": "urn:x:b", "type": "Building", "height": [{"value": 4, "observedAt": "2026-01-01T00:00:00Z"}]}
QUERY = {"type": "Query", "entities": [{"type": "Building"}]}
TIME = {"timerel": "after", "timeAt": "2000-01-01T00:00:00Z", "timeproperty": "modifiedAt"}
BODIES: dict[str, Any] = {
    "/entities": BUILDING | {"id": "urn:x:new"},
    "/entities/{id}": {"type": "Building", "height": 4},
    "/entities/{id}/attrs": {"height": 4},
    "/entities/{id}/attrs/{name}": FRAGMENT,
    "/entityOperations/create": [BUILDING | {"id": "urn:x:new"}],
    "/entityOperations/delete": ["urn:x:b"],
    "/temporal/entities": PAST,
    "/temporal/entities/{id}/attrs": {"height": PAST["height"]},
    "/temporal/entityOperations/query": QUERY | {"temporalQ": TIME},
    "/temporal/entityMaps": QUERY | {"temporalQ": TIME},
    "/lake/sql": {"sql": "SELECT 1"},
    "/commands": {"kind": "sign.text", "target": "urn:x:s", "value": {}, "reason": "x"},
}


def expected() -> Iterator[tuple[str, str, bool]]:
    """`(who, endpoint, let through)`."""
    for endpoint, right in ENDPOINTS.items():
        for who, mark in zip(WHO, RIGHTS[right].split(), strict=True):
            yield who, endpoint, mark == ALL


def test_the_table_names_every_endpoint_and_no_other() -> None:
    told = {f"{method.upper()} {path}" for path, methods in describe()["paths"].items() for method in methods}
    beside = {"GET /metrics", "GET /version", "GET /openapi.json", "GET /tiles/city.pmtiles"}
    assert set(ENDPOINTS) - beside == told


def body_of(path: str, method: str) -> Any:
    for shape, body in BODIES.items():
        if path.endswith(shape):
            return body
    return [BUILDING] if "entityOperations/" in path and "query" not in path else QUERY


def address_of(path: str) -> str:
    places = {
        "{id}": "urn:x:b",
        "{name}": "height",
        "{instanceId}": "urn:x:i",
        "{set}": "Things",
        "{navigation}": "Datastreams",
        "{level}": "16",
    }
    for place, name in places.items():
        path = path.replace(place, name)
    return path


def parameters_of(method: str, path: str) -> dict[str, str]:
    """Those of a question about buildings that the endpoint knows."""
    told = describe()["paths"].get(path, {}).get(method.lower(), {}).get("parameters", [])
    known = {one.get("name") for one in told}
    return {name: value for name, value in ({"type": "Building", "types": "Building"} | TIME).items() if name in known}


@pytest.fixture
async def city(
    broker: Broker, pool: asyncpg.Pool, dsn: str, api: httpx.AsyncClient, recorder: Recorder, tmp_path: Path
) -> AsyncIterator[Gateway]:
    """A gateway whose tokens are the names of `WHO`."""
    await api.post("entityOperations/create", json=[BUILDING, *OTHERS])
    federation, past = Federation(pool, broker.contexts), open_past(pool)
    keeping = keeping_of(dsn, pool, broker)
    ngsi = NgsiLd(broker, Subscriptions(pool), past, federation, EntityMaps(pool), keeping)

    async def tenant(name: str, creator: str | None) -> Any:
        if name != "elsewhere":
            raise NonexistentTenant(f"no tenant {name}")
        return ngsi

    async def by_token(token: str) -> Caller | None:
        return WHO.get(token.replace("_", " "))

    async def answer(request: Request) -> Response:
        return Response(200)

    async def submit(who: Caller, intent: dict[str, Any]) -> dict[str, Any]:
        who.require("command", intent["kind"])
        return {}

    desk: Any = AsyncMock()
    desk.submit, desk.page.return_value, desk.get.return_value = submit, [], {}
    apps: Any = AsyncMock()
    apps.page.return_value, apps.install.side_effect = [], RuntimeError
    letters: Any = AsyncMock()
    letters.latest.return_value = []
    explain, policies = Explain(broker), PolicyDoor(GATE, broker.store, AsyncMock(return_value=()))
    manage = Management(
        {},
        apps,
        desk,
        letters,
        lambda: {"components": {}},
        AsyncMock(return_value=[]),
        explain.get,
        answer,
        recorder,
        policies,
        replay=ReplayDoor(broker, Replay(pool)),
    )
    files: Any = Mock()
    files.handle = answer
    things = SensorThings(broker, past, Observed(pool))
    asking: Any = Mock(page=AsyncMock(return_value=[]))
    personal = PersonalDoor(PersonalHouse(pool, Pseudonyms(b"k"), SystemClock(), recorder, asking), asking)
    config = CityConfig("yard", {"ko": "마당", "en": "Yard"}, "Asia/Seoul", "")
    store = await open_store(pool, tmp_path, config, "", apps, SystemClock())
    data = open_data(pool, tmp_path, "yard", SystemClock(), AsyncMock(return_value=[]))
    lake = LakeDoor(pool, tmp_path / "no.sock", recorder, DatasetsDoor(data, recorder))
    yield Gateway(
        TenantRouter(ngsi, tenant),
        manage,
        files,
        Nothing(),
        answer,
        AsyncMock(),
        by_token,
        OPERATOR,
        things,
        personal=personal,
        further={
            "tmf-api": TmfDoor(store, recorder),
            "lake": lake,
            "twin": TwinDoor(pool, ZoneInfo("Asia/Seoul")),
            **open_portal(data, lake, "http://localhost:8600", {"ko": "마당"}).mounts,
        },
    )
    await ngsi.close()
    await federation.close()


async def ask(city: Gateway, who: str, endpoint: str, **more: Any) -> httpx.Response:
    method, path = endpoint.split(" ", 1)
    headers = {"authorization": f"Bearer {who.replace(' ', '_')}"} | more.pop("headers", {})
    transport = httpx.ASGITransport(app=city)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8600") as client:
        given = {"params": parameters_of(method, path), "json": body_of(path, method)} | more
        return await client.request(method, address_of(path), headers=headers, **given)


async def test_a_path_with_what_no_text_can_hold_breaks_no_door(city: Gateway) -> None:
    """Of every endpoint with a name in its path, read by who may read everything."""
    paths = sorted({re.sub(r"\{\w+\}", "%00", one) for one in ENDPOINTS if one.startswith("GET ") and "{" in one})
    transport = httpx.ASGITransport(app=city)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8600") as client:
        found = {one: (await client.get(one.removeprefix("GET "))).status_code for one in paths}
    assert {one: status for one, status in found.items() if status not in (400, 401, 403, 404)} == {}
    assert len(found) > 40


@pytest.mark.parametrize("right", RIGHTS)
async def test_who_gets_past_the_gate(city: Gateway, api: httpx.AsyncClient, right: str) -> None:
    wanted = [(who, endpoint, through) for who, endpoint, through in expected() if ENDPOINTS[endpoint] == right]
    found = []
    for who, endpoint, _ in wanted:
        await api.post("entityOperations/upsert", json=[BUILDING])
        found.append((who, endpoint, (await ask(city, who, endpoint)).status_code not in (401, 403)))
    assert found == wanted


@pytest.mark.parametrize(
    ("right", "endpoint", "parameters"),
    [
        ("read internal", f"GET {N}/entities", {"type": "Note"}),
        ("past internal", f"GET {N}/temporal/entities", {"type": "Note"} | TIME),
        ("read persons", f"GET {N}/entities", {"type": "Person"}),
        ("read persons", f"GET {N}/temporal/entities", {"type": "Person"} | TIME),
        ("read persons", f"GET {N}/entityMaps", {"type": "Person"}),
    ],
)
async def test_who_finds_what_is_not_public(city: Gateway, right: str, endpoint: str, parameters: Any) -> None:
    found = [(await ask(city, who, endpoint, params=parameters)).text for who in WHO]
    seen = ["urn:x:n" in text or "urn:x:p" in text for text in found]
    assert seen == [mark == ALL for mark in RIGHTS[right].split()]


@pytest.mark.parametrize(
    ("right", "path"),
    [
        ("read public", "entities/urn:x:b"),
        ("read internal", "entities/urn:x:n"),
        ("read persons", "entities/urn:x:p"),
        ("past public", "temporal/entities/urn:x:b"),
        ("past internal", "temporal/entities/urn:x:n"),
        ("read persons", "temporal/entities/urn:x:p"),
        ("read internal", "types/Note"),
        ("read persons", "types/Person"),
        ("read internal", "attributes/text"),
    ],
)
async def test_what_is_hidden_is_as_if_it_were_not(city: Gateway, right: str, path: str) -> None:
    found = [await ask(city, who, f"GET {N}/{path}", params={}) for who in WHO]
    absent = [await ask(city, who, f"GET {N}/{path.replace('urn:x:', 'urn:y:')}x", params={}) for who in WHO]
    assert [one.status_code for one in found] == [200 if mark == ALL else 404 for mark in RIGHTS[right].split()]
    pairs = [(one.json(), none.json()) for one, none in zip(found, absent, strict=True) if one.status_code == 404]
    assert [one for one, none in pairs if one | {"detail": ""} != none | {"detail": ""}] == []


@pytest.mark.parametrize(("body", "right"), [(BUILDING, "write public"), (OTHERS[0], "write internal")])
async def test_who_may_write_what(city: Gateway, body: Any, right: str) -> None:
    fragment = {name: value for name, value in body.items() if name != "id"}
    found = [
        (await ask(city, who, f"PATCH {N}/entities/{body['id']}", json=fragment, params={})).status_code for who in WHO
    ]
    assert found == [204 if mark == ALL else 403 for mark in RIGHTS[right].split()]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("who", [name for name in WHO if name not in ("administrator", "operator", "door")])
async def test_a_refused_write_does_not_tell_what_is_there(city: Gateway, who: str, method: str) -> None:
    one, none = [
        await ask(city, who, f"{method} {N}/entities/{name}", json={"text": "x"}, params={})
        for name in ("urn:x:n", "urn:y:n")
    ]
    assert (one.status_code, none.status_code) == (403, 403)


@pytest.mark.parametrize("tenant", ["elsewhere", "nowhere"])
async def test_a_tenant_is_closed_to_those_of_others(city: Gateway, tenant: str) -> None:
    headers = {"ngsild-tenant": tenant}
    doors = {"door": {"elsewhere": 200, "nowhere": 404}, "reader": {"elsewhere": 200, "nowhere": 404}}
    native = {"stranger": {"elsewhere": 200}}
    found = {who: (await ask(city, who, f"GET {N}/entities", headers=headers)).status_code for who in WHO}
    assert found == {who: (doors | native).get(who, {}).get(tenant, 403) for who in WHO}


def test_an_administrator_is_one_of_his_own_tenant() -> None:
    own = caller("administrator", tenant="elsewhere")
    found = [own.at(tenant).may("read", "audit") for tenant in ("elsewhere", "", "third")]
    assert found == [True, False, False]
