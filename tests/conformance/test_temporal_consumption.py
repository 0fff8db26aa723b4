"""Asking the past (clauses 4.5.7, 4.5.9, 4.5.19, 4.11, 5.7.3, 5.7.4, 6.18, 6.24)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

A, B, BUS = "urn:ngsi-ld:Vehicle:h:a", "urn:ngsi-ld:Vehicle:h:b", "urn:ngsi-ld:Bus:h:c"
AFTER = "timerel=after&timeAt=2026-08-01T00:00:00Z"


def seen(value: object, hour: int, **members: object) -> dict[str, object]:
    return {"type": "Property", "value": value, "observedAt": f"2026-08-01T{hour:02}:00:00Z", **members}


def point(lon: float, lat: float, hour: int) -> dict[str, object]:
    where = {"type": "Point", "coordinates": [lon, lat]}
    return {"type": "GeoProperty", "value": where, "observedAt": f"2026-08-01T{hour:02}:00:00Z"}


PAST = [
    {
        "id": A,
        "type": "Vehicle",
        "speed": [seen(10, 8), seen(20, 9), seen(60, 11)],
        "fuel": [seen(7, 8)],
        "location": [point(24.9, 60.1, 8), point(25.9, 60.9, 9)],
    },
    {"id": B, "type": "Vehicle", "speed": [seen(95, 10), seen(5, 10, datasetId="urn:d:x")]},
    {
        "id": BUS,
        "type": "Bus",
        "line": [{"type": "Relationship", "object": "urn:l:4", "observedAt": "2026-08-01T08:00:00Z"}],
    },
]


@pytest.fixture
async def past(api: httpx.AsyncClient) -> httpx.AsyncClient:
    for entity in PAST:
        assert (await api.post("temporal/entities", json=entity)).status_code == 201
    return api


async def ask(api: httpx.AsyncClient, path: str) -> Any:
    answer = await api.get(f"temporal/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def values(api: httpx.AsyncClient, asked: str, name: str = "speed") -> list[object]:
    found = (await ask(api, f"entities/{A}?{asked}")).get(name, [])
    return [one["value"] for one in found]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", [10, 20, 60]),
        ("timerel=after&timeAt=2026-08-01T09:00:00Z", [60]),
        ("timerel=before&timeAt=2026-08-01T09:00:00Z", [10]),
        ("timerel=between&timeAt=2026-08-01T08:00:00Z&endTimeAt=2026-08-01T11:00:00Z", [20]),
        ("timerel=after&timeAt=2026-08-01T10:59:00%2B02:00", [20, 60]),
        ("lastN=2", [20, 60]),
        ("lastN=1&timerel=before&timeAt=2026-08-01T10:00:00Z", [20]),
        ("timeproperty=modifiedAt&timerel=before&timeAt=2000-01-01T00:00:00Z", []),
        ("timeproperty=createdAt&timerel=after&timeAt=2000-01-01T00:00:00Z", [10, 20, 60]),
        ("timeproperty=deletedAt", []),
    ],
)
async def test_the_temporal_query_chooses_instances(past: httpx.AsyncClient, asked: str, expected: list[int]) -> None:
    assert await values(past, asked) == expected


@pytest.mark.parametrize(
    "asked",
    [
        "timerel=after",
        "timerel=since&timeAt=2026-08-01T09:00:00Z",
        "timerel=between&timeAt=2026-08-01T09:00:00Z",
        "timeAt=2026-08-01T09:00:00Z",
        "timerel=after&timeAt=noon",
        "timeproperty=expiresAt",
        "lastN=0",
        "lastN=some",
        "options=aggregatedValues",
        "options=aggregatedValues&aggrMethods=median",
        "options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=1h",
        "attrs=speed&pick=speed",
        "attrs=speed&omit=fuel",
        "pick=speed&omit=speed",
        "options=everything",
        "format=xml",
    ],
)
async def test_a_temporal_query_that_is_not_whole_is_refused(past: httpx.AsyncClient, asked: str) -> None:
    assert (await past.get(f"temporal/entities/{A}?{asked}")).status_code == 400


async def test_values_with_their_times(past: httpx.AsyncClient) -> None:
    assert await ask(past, f"entities/{A}?options=temporalValues&pick=speed,type&lastN=2") == {
        "type": "Vehicle",
        "speed": {"type": "Property", "values": [[20, "2026-08-01T09:00:00Z"], [60, "2026-08-01T11:00:00Z"]]},
    }
    assert await ask(past, f"entities/{BUS}?format=temporalValues&options=sysAttrs&pick=line") == {
        "line": {"type": "Relationship", "objects": [["urn:l:4", "2026-08-01T08:00:00Z"]]}
    } | {key: (await ask(past, f"entities/{BUS}?options=sysAttrs"))[key] for key in ("createdAt", "modifiedAt")}


async def test_each_data_set_is_a_series(past: httpx.AsyncClient) -> None:
    assert (await ask(past, f"entities/{B}?options=temporalValues"))["speed"] == [
        {"type": "Property", "values": [[95, "2026-08-01T10:00:00Z"]]},
        {"type": "Property", "datasetId": "urn:d:x", "values": [[5, "2026-08-01T10:00:00Z"]]},
    ]
    chosen = await ask(past, f"entities/{B}?options=temporalValues&datasetId=urn:d:x")
    assert chosen["speed"] == {"type": "Property", "datasetId": "urn:d:x", "values": [[5, "2026-08-01T10:00:00Z"]]}


async def test_aggregates_by_period(past: httpx.AsyncClient) -> None:
    asked = "options=aggregatedValues&aggrMethods=avg,totalCount&aggrPeriodDuration=PT2H&attrs=speed"
    assert await ask(past, f"entities/{A}?{asked}") == {
        "id": A,
        "type": "Vehicle",
        "speed": {
            "type": "Property",
            "avg": [
                [15.0, "2026-08-01T08:00:00Z", "2026-08-01T10:00:00Z"],
                [60.0, "2026-08-01T10:00:00Z", "2026-08-01T12:00:00Z"],
            ],
            "totalCount": [
                [2, "2026-08-01T08:00:00Z", "2026-08-01T10:00:00Z"],
                [1, "2026-08-01T10:00:00Z", "2026-08-01T12:00:00Z"],
            ],
        },
    }


async def test_periods_are_counted_from_where_the_query_starts(past: httpx.AsyncClient) -> None:
    asked = "options=aggregatedValues&aggrMethods=max&aggrPeriodDuration=P1M&attrs=speed"
    asked += "&timerel=between&timeAt=2026-06-15T00:00:00Z&endTimeAt=2026-12-01T00:00:00Z"
    assert (await ask(past, f"entities/{A}?{asked}"))["speed"] == {
        "type": "Property",
        "max": [[60, "2026-07-15T00:00:00Z", "2026-08-15T00:00:00Z"]],
    }


async def test_members_are_picked_and_omitted(past: httpx.AsyncClient) -> None:
    assert set(await ask(past, f"entities/{A}?pick=id,fuel")) == {"id", "fuel"}
    assert set(await ask(past, f"entities/{A}?omit=type,speed,location")) == {"id", "fuel"}
    assert set(await ask(past, f"entities/{A}?attrs=fuel")) == {"id", "type", "fuel"}
    assert (await past.get(f"temporal/entities/{A}?attrs=nothing")).status_code == 404
    assert (await past.get(f"temporal/entities/{A}?omit=id,type,speed,fuel,location")).status_code == 404


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("type=Vehicle", [A, B]),
        ("type=Vehicle,Bus", [BUS, A, B]),
        ("attrs=line", [BUS]),
        (f"type=Vehicle&id={B}", [B]),
        ("type=Vehicle&idPattern=.*a$", [A]),
        ("q=speed>90", [B]),
        ("type=Vehicle&q=speed>90|fuel==7", [A, B]),
        ("georel=near;maxDistance==1000&geometry=Point&coordinates=[25.9,60.9]", [A]),
        ("type=Vehicle&georel=near;maxDistance==1000&geometry=Point&coordinates=[0,0]", []),
        ("local=true", [BUS, A, B]),
        ("type=Vehicle&limit=1", [A]),
        ("type=Vehicle&limit=1&offset=1", [B]),
        ("type=Vehicle&orderBy=speed", [A, B]),
        ("type=Vehicle&orderBy=id;desc", [B, A]),
        ("type=Bus,Vehicle&orderBy=type;desc,id;desc", [B, A, BUS]),
        ("type=Vehicle&attrs=speed&datasetId=urn:d:x", [B]),
    ],
)
async def test_entities_are_found_by_their_past(past: httpx.AsyncClient, asked: str, expected: list[str]) -> None:
    assert [one["id"] for one in await ask(past, f"entities?{AFTER}&{asked}")] == expected


async def test_only_the_time_asked_for_counts(past: httpx.AsyncClient) -> None:
    found = await ask(past, "entities?timerel=before&timeAt=2026-08-01T09:30:00Z&q=speed>5&pick=id,speed")
    assert [(one["id"], [each["value"] for each in one["speed"]]) for one in found] == [(A, [10, 20])]


@pytest.mark.parametrize("asked", [AFTER, f"{AFTER}&id={A}", "type=Vehicle", f"{AFTER}&type=Vehicle&orderBy=id;up"])
async def test_a_query_says_what_and_when(past: httpx.AsyncClient, asked: str) -> None:
    assert (await past.get(f"temporal/entities?{asked}")).status_code == 400


async def test_pages_of_entities_are_counted_and_linked(past: httpx.AsyncClient) -> None:
    answer = await past.get(f"temporal/entities?{AFTER}&type=Vehicle&limit=1&count=true")
    assert [one["id"] for one in answer.json()] == [A]
    assert answer.headers["ngsild-results-count"] == "2"
    assert 'offset=1>;rel="next"' in answer.headers["link"]


async def test_a_query_in_the_body(past: httpx.AsyncClient) -> None:
    when = {"timerel": "between", "timeAt": "2026-08-01T07:00:00Z", "endTimeAt": "2026-08-01T09:30:00Z", "lastN": 1}
    query = {"type": "Query", "entities": [{"type": "Vehicle"}, {"type": "Bus"}], "attrs": ["speed"], "temporalQ": when}
    answer = await past.post("temporal/entityOperations/query?options=temporalValues", json=query)
    expected = [{"id": A, "type": "Vehicle", "speed": {"type": "Property", "values": [[20, "2026-08-01T09:00:00Z"]]}}]
    assert (answer.status_code, answer.json()) == (200, expected)


async def test_aggregates_asked_for_in_the_body(past: httpx.AsyncClient) -> None:
    when = {"timerel": "after", "timeAt": "2026-08-01T00:00:00Z", "aggrMethods": ["sum"], "aggrPeriodDuration": "P1D"}
    query = {"type": "Query", "entities": [{"id": A, "type": "Vehicle"}], "attrs": ["speed"], "temporalQ": when}
    answer = await past.post("temporal/entityOperations/query?options=aggregatedValues", json=query)
    assert answer.json()[0]["speed"]["sum"] == [[90, "2026-08-01T00:00:00Z", "2026-08-02T00:00:00Z"]]


async def test_every_write_leaves_its_past(api: httpx.AsyncClient) -> None:
    await api.post("entities", json={"id": A, "type": "Vehicle", "speed": seen(1, 1), "name": "a"})
    await api.patch(f"entities/{A}/attrs", json={"speed": seen(2, 2)})
    await api.patch(f"entities/{A}/attrs", json={"speed": seen(3, 3)})
    assert await values(api, "") == [1, 2, 3]
    assert await values(api, "", "name") == ["a"]
    assert await values(api, "timeproperty=observedAt", "name") == []


@pytest.mark.parametrize(
    ("attribute", "told"),
    [
        ({"type": "Property", "value": 1}, {"type": "Property", "value": "urn:ngsi-ld:null"}),
        ({"type": "Relationship", "object": "urn:x:1"}, {"type": "Relationship", "object": "urn:ngsi-ld:null"}),
        (
            {"type": "LanguageProperty", "languageMap": {"en": "x"}},
            {"type": "LanguageProperty", "languageMap": {"@none": "urn:ngsi-ld:null"}},
        ),
        (
            {"type": "Property", "value": 1, "datasetId": "urn:d:x"},
            {"type": "Property", "value": "urn:ngsi-ld:null", "datasetId": "urn:d:x"},
        ),
    ],
)
async def test_what_was_deleted_says_when(
    api: httpx.AsyncClient, attribute: dict[str, object], told: dict[str, object]
) -> None:
    await api.post("entities", json={"id": A, "type": "Vehicle", "thing": attribute, "other": 1})
    await api.delete(f"entities/{A}/attrs/thing?deleteAll=true")
    (tombstone,) = (await ask(api, f"entities/{A}?timeproperty=deletedAt"))["thing"]
    assert {key: tombstone[key] for key in told} == told
    assert set(tombstone) == {*told, "deletedAt", "instanceId"}


async def test_an_entity_that_is_gone_keeps_its_past(api: httpx.AsyncClient) -> None:
    await api.post("entities", json={"id": A, "type": "Vehicle", "speed": seen(1, 1), "scope": "/a"})
    await api.delete(f"entities/{A}")
    gone = await ask(api, f"entities/{A}?timeproperty=deletedAt&options=temporalValues")
    assert gone["speed"]["values"][0][0] == "urn:ngsi-ld:null"
    assert gone["scope"]["values"][0][0] == []
    assert "deletedAt" in await ask(api, f"entities/{A}?options=sysAttrs")
    assert [one["id"] for one in await ask(api, f"entities?{AFTER}&type=Vehicle")] == [A]


async def test_an_evolution_of_scopes(api: httpx.AsyncClient) -> None:
    scopes = [{"type": "Property", "value": ["/a", "/b"], "observedAt": "2026-08-01T08:00:00Z"}]
    await api.post("temporal/entities", json={"id": A, "type": "Vehicle", "scope": scopes})
    assert await values(api, "", "scope") == [["/a", "/b"]]


@pytest.mark.parametrize(
    "path", ["temporal/entities?type=Vehicle&timerel=after&timeAt=2020-01-01T00:00:00Z", f"temporal/entities/{A}"]
)
async def test_the_past_has_no_geojson(past: httpx.AsyncClient, path: str) -> None:
    assert (await past.get(path, headers={"accept": "application/geo+json"})).status_code == 406
