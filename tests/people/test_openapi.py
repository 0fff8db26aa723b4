"""The description names what there is, no more and no less."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import httpx
from tests.callers import GATE

from madang.people.manage import Management
from madang.people.ngsi.allowed import PARAMETERS
from madang.people.ngsi.routes import NgsiLd
from madang.people.ngsi.snapshot_door import Keeping
from madang.people.openapi.document import describe, path_of
from madang.people.openapi.operating import OPERATING, OPERATING_SCHEMAS
from madang.people.openapi.operations import MANAGEMENT, NGSI
from madang.people.openapi.parameters import QUERY
from madang.people.openapi.personal import PERSONAL, PERSONAL_SCHEMAS
from madang.people.openapi.schemas import SCHEMAS
from madang.people.personal.door import PersonalDoor
from madang.people.policies import PolicyDoor
from madang.people.sensorthings.asking import OPTIONS

NOTHING: Any = Mock()


def test_every_route_is_described_and_nothing_else() -> None:
    management = Management(
        {}, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, PolicyDoor(GATE, NOTHING, NOTHING)
    )
    assert (set(NGSI), set(MANAGEMENT | OPERATING), set(PERSONAL)) == (
        NgsiLd(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, Keeping(NOTHING, NOTHING, NOTHING)).routes,
        management.routes,
        PersonalDoor(NOTHING, NOTHING).routes,
    )


def test_every_parameter_is_described_and_nothing_else() -> None:
    known = set().union(
        OPTIONS, *PARAMETERS.values(), *(one.parameters for one in (MANAGEMENT | PERSONAL | OPERATING).values())
    )
    assert set(QUERY) == known


def test_parameters_are_of_routes_that_there_are() -> None:
    assert set(PARAMETERS) - set(NGSI) == set()


def test_every_schema_is_used_and_there() -> None:
    text = str(describe())
    assert {
        name for name in SCHEMAS | PERSONAL_SCHEMAS | OPERATING_SCHEMAS if f"'#/components/schemas/{name}'" not in text
    } == set()


def test_an_operation_as_it_is_told() -> None:
    told = describe()["paths"][path_of("/ngsi-ld/v1", "attributes/*")]["get"]
    json = {"schema": {"$ref": "#/components/schemas/Named"}}
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    assert told == {
        "operationId": "get /ngsi-ld/v1/attributes/{id}",
        "summary": "One attribute (6.28)",
        "tags": ["NGSI-LD"],
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}},
            {"name": "local", "in": "query", **QUERY["local"]},
            {"name": "options", "in": "query", **QUERY["options"]},
            {"$ref": "#/components/parameters/Link"},
            {"$ref": "#/components/parameters/NGSILD-EntityMap"},
            {"$ref": "#/components/parameters/NGSILD-Snapshot"},
            {"$ref": "#/components/parameters/NGSILD-Tenant"},
        ],
        "responses": {
            "200": {"description": "Named", "content": {"application/json": json, "application/ld+json": json}},
            "default": {
                "description": "what was wrong, as problem details (RFC 7807)",
                "content": {"application/json": problem, "application/problem+json": problem},
            },
        },
    }


async def test_it_is_served(api: httpx.AsyncClient) -> None:
    answer = await api.get("http://localhost:8600/openapi.json")
    assert (answer.status_code, answer.json()) == (200, describe())
    assert (await api.post("http://localhost:8600/openapi.json")).status_code == 405
