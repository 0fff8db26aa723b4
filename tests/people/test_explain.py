"""Operators see how a query would be answered, and nobody else does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.callers import door
from tests.conftest import Nothing

from madang.base.errors import BadRequest, Forbidden
from madang.context.snapshot import Snapshot
from madang.people.explain import Explain, indexes
from madang.people.http import Request
from madang.people.ngsi.broker import Broker


async def ask(broker: Broker, query: str, role: str | None = "operator") -> dict[str, Any]:
    scope = {"method": "GET", "headers": [], "query_string": query.encode(), "path": "/madang/v1/explain"}
    request = Request(scope, Nothing, ["explain"], door(role or ""))  # type: ignore[arg-type]
    return httpx.Response(200, content=(await Explain(broker).get(request)).body).json()


@pytest.mark.parametrize(
    ("query", "sql"),
    [
        (
            "type=T",
            "SELECT id, types, body, created_at, modified_at, seq FROM entity WHERE (type = ANY($1) OR "
            "(cardinality(types) > 1 AND types && $1::text[])) ORDER BY id LIMIT $2 OFFSET $3",
        ),
        (
            "bbox=1,2,3,4&q=n>1&count=true",
            "SELECT id, body->$1::text AS place, body->$2::text AS far FROM ("
            "SELECT id AS near_id FROM entity WHERE band IS NOT NULL"
            " AND band BETWEEN $3::int AND $4::int AND west BETWEEN $5::float8 AND $6::float8"
            " UNION ALL SELECT id AS near_id FROM entity WHERE band IS NOT NULL"
            " AND band BETWEEN $7::int AND $8::int AND west BETWEEN $9::float8 AND $10::float8"
            " UNION ALL SELECT id AS near_id FROM entity WHERE band IS NOT NULL"
            " AND band BETWEEN $11::int AND $12::int AND west BETWEEN $13::float8 AND $14::float8"
            " UNION ALL SELECT id AS near_id FROM entity WHERE band IS NOT NULL"
            " AND band BETWEEN $15::int AND $16::int AND west BETWEEN $17::float8 AND $18::float8"
            ") AS near JOIN entity ON id = near_id WHERE entity.body @@ $19::jsonpath"
            " AND place && box(point($20::float8, $21::float8), point($22::float8, $23::float8))"
            " ORDER BY type, band, west, id LIMIT $24",
        ),
    ],
)
async def test_the_statement_is_told_without_values(broker: Broker, query: str, sql: str) -> None:
    told = await ask(broker, query)
    plan = told.pop("plan")
    assert told == {
        "source": "database",
        "sql": sql,
        "rows_estimated": plan["Plan Rows"],
        "cost_estimated": plan["Total Cost"],
        "indexes": sorted(set(indexes(plan))),
    }


async def test_what_memory_holds_is_told(broker: Broker, api: httpx.AsyncClient, snapshot: Snapshot | None) -> None:
    if_held = {True: "database", False: "memory"}[snapshot is None]
    await api.post("entities", json={"id": "urn:x:1", "type": "T"})
    before = (await ask(broker, "type=T"))["source"]
    for _ in range(3):
        await api.get("entities", params={"type": "T"})
    assert (before, (await ask(broker, "type=T"))["source"]) == ("database", if_held)


async def test_what_cannot_be_asked_cannot_be_explained(broker: Broker) -> None:
    with pytest.raises(BadRequest):
        await ask(broker, "q=(")
    with pytest.raises(BadRequest):
        await ask(broker, "type=T&nonsense=1")


@pytest.mark.parametrize("role", ["reader", "device", None])
async def test_operators_only(broker: Broker, role: str | None) -> None:
    with pytest.raises(Forbidden):
        await ask(broker, "type=T", role)


def test_indexes_are_found_wherever_they_are() -> None:
    plan = {"Plans": [{"Index Name": "a", "Plans": [{"Index Name": "b"}]}, {"Node Type": "Seq Scan"}]}
    assert list(indexes(plan)) == ["a", "b"]
