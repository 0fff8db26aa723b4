"""Telling the past and taking it back (clauses 5.6.11 to 5.6.16, 6.18 to 6.22)."""

from __future__ import annotations

import re
from typing import Any

import asyncpg
import httpx
import pytest

ID = "urn:ngsi-ld:Vehicle:h:1"
LD = {"content-type": "application/ld+json"}


def speed(value: object, minute: int, **members: object) -> dict[str, object]:
    return {"type": "Property", "value": value, "observedAt": f"2026-08-01T12:{minute:02}:00Z", **members}


VEHICLE = {"id": ID, "type": "Vehicle", "speed": [speed(120, 3), speed(80, 5)]}


def told(answer: httpx.Response) -> Any:
    """The body without instance ids."""
    body = answer.json()
    for attribute in [one for one in body.values() if isinstance(one, list)]:
        for instance in attribute:
            instance.pop("instanceId")
    return body


async def instance_ids(api: httpx.AsyncClient, name: str = "speed") -> list[str]:
    return [one["instanceId"] for one in (await api.get(f"temporal/entities/{ID}")).json()[name]]


async def test_create_answers_where_and_get_gives_it_back(api: httpx.AsyncClient) -> None:
    made = await api.post("temporal/entities", json=VEHICLE)
    assert (made.status_code, made.headers["location"]) == (201, f"/ngsi-ld/v1/temporal/entities/{ID}")
    assert told(await api.get(f"temporal/entities/{ID}")) == VEHICLE


async def test_what_is_told_of_the_past_is_not_true_now(api: httpx.AsyncClient) -> None:
    await api.post("temporal/entities", json=VEHICLE)
    assert (await api.get(f"entities/{ID}")).status_code == 404
    assert (await api.get("entities?type=Vehicle")).json() == []


async def test_the_past_of_what_is_there_leaves_the_present_alone(api: httpx.AsyncClient) -> None:
    await api.post("entities", json={"id": ID, "type": "Vehicle", "speed": speed(10, 9)})
    before = (await api.get(f"entities/{ID}?options=sysAttrs")).json()
    assert (await api.post("temporal/entities", json=VEHICLE)).status_code == 204
    assert (await api.get(f"entities/{ID}?options=sysAttrs")).json() == before
    assert told(await api.get(f"temporal/entities/{ID}"))["speed"] == [speed(120, 3), speed(80, 5), speed(10, 9)]


async def test_telling_again_corrects_what_was_observed_at_the_same_time(api: httpx.AsyncClient) -> None:
    await api.post("temporal/entities", json=VEHICLE)
    again = await api.post("temporal/entities", json=VEHICLE | {"speed": [speed(121, 3), speed(100, 7)]})
    assert (again.status_code, again.content) == (204, b"")
    assert told(await api.get(f"temporal/entities/{ID}"))["speed"] == [speed(121, 3), speed(80, 5), speed(100, 7)]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "InvalidRequest"),
        (b"{", "InvalidRequest"),
        (b"[]", "BadRequestData"),
        (b'{"type":"Vehicle"}', "BadRequestData"),
        (b'{"id":"no uri","type":"Vehicle"}', "BadRequestData"),
        (b'{"id":"urn:x:1"}', "BadRequestData"),
        (b'{"id":"urn:x:1","type":"T","a":[{"type":"Property"}]}', "BadRequestData"),
        (b'{"id":"urn:x:1","type":"T","a":[null]}', "BadRequestData"),
        (b'{"id":"urn:x:1","type":"T","a":[{"type":"Property","value":1,"observedAt":"soon"}]}', "BadRequestData"),
    ],
)
async def test_what_cannot_be_told(api: httpx.AsyncClient, body: bytes, kind: str) -> None:
    answer = await api.post("temporal/entities", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (400, f"https://uri.etsi.org/ngsi-ld/errors/{kind}")


async def test_append_adds_instances_to_what_is_known(api: httpx.AsyncClient) -> None:
    await api.post("temporal/entities", json=VEHICLE)
    added = await api.post(f"temporal/entities/{ID}/attrs", json={"fuel": [speed(7, 1)], "speed": speed(60, 9)})
    assert added.status_code == 204
    assert told(await api.get(f"temporal/entities/{ID}")) == VEHICLE | {
        "fuel": [speed(7, 1)],
        "speed": [speed(120, 3), speed(80, 5), speed(60, 9)],
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", f"temporal/entities/{ID}/attrs", 404),
        ("POST", "temporal/entities//attrs", 400),
        ("POST", "temporal/entities/no-uri/attrs", 400),
        ("GET", f"temporal/entities/{ID}", 404),
        ("GET", "temporal/entities/no-uri", 400),
        ("DELETE", f"temporal/entities/{ID}", 404),
        ("DELETE", "temporal/entities/no-uri", 400),
        ("DELETE", "temporal/entities/", 405),
        ("DELETE", f"temporal/entities/{ID}/attrs/speed", 404),
        ("DELETE", "temporal/entities//attrs/speed", 400),
        ("DELETE", f"temporal/entities/{ID}/attrs/sp(eed", 400),
        ("DELETE", f"temporal/entities/{ID}/attrs/speed/urn:ngsi-ld:Instance:1-00000000-0", 404),
        ("DELETE", f"temporal/entities/{ID}/attrs/speed/none", 400),
        ("DELETE", f"temporal/entities/{ID}/attrs//urn:x:1", 400),
        ("PATCH", f"temporal/entities/{ID}/attrs//urn:x:1", 400),
        ("PATCH", f"temporal/entities/{ID}/attrs/speed/urn:x:1", 404),
        ("GET", "temporal/nothing", 404),
    ],
)
async def test_what_is_not_there(api: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    assert (await api.request(method, path, json={"speed": speed(1, 1)})).status_code == status


async def test_delete_leaves_no_row(api: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    await api.post("temporal/entities", json=VEHICLE)
    await api.post("entities", json={"id": ID, "type": "Vehicle", "speed": speed(10, 9)})
    assert (await api.delete(f"temporal/entities/{ID}")).status_code == 204
    assert (await api.get(f"temporal/entities/{ID}")).status_code == 404
    assert await pool.fetchval("SELECT count(*) FROM history WHERE entity_id = $1", ID) == 0


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ("", [speed(80, 5, datasetId="urn:d:a")]),
        ("datasetId=urn:d:a", [speed(120, 3)]),
        ("datasetId=%40none", [speed(80, 5, datasetId="urn:d:a")]),
        ("deleteAll=true", None),
    ],
)
async def test_an_attribute_is_taken_back_by_data_set(
    api: httpx.AsyncClient, pool: asyncpg.Pool, asked: str, left: list[object] | None
) -> None:
    instances = [speed(120, 3), speed(80, 5, datasetId="urn:d:a")]
    await api.post("temporal/entities", json=VEHICLE | {"speed": instances, "fuel": [speed(7, 1)]})
    assert (await api.delete(f"temporal/entities/{ID}/attrs/speed?{asked}")).status_code == 204
    assert told(await api.get(f"temporal/entities/{ID}")).get("speed") == left
    stored = await pool.fetchval("SELECT change::text FROM history")
    held = [bool(re.search(rf'"value":\s*{value}\b', stored)) for value in (120, 80)]
    assert held == [str(value) in str(left) for value in (120, 80)]


async def test_one_instance_is_taken_back_and_the_others_keep_their_ids(api: httpx.AsyncClient) -> None:
    await api.post("temporal/entities", json=VEHICLE)
    first, second = await instance_ids(api)
    assert (await api.delete(f"temporal/entities/{ID}/attrs/speed/{first}")).status_code == 204
    assert await instance_ids(api) == [second]
    assert (await api.delete(f"temporal/entities/{ID}/attrs/speed/{first}")).status_code == 404


async def test_an_instance_goes_with_its_repetitions(api: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    """A change of one data set writes the others down again; erasing must find them."""
    both = [speed(1, 1, datasetId="urn:d:a"), speed(2, 2, datasetId="urn:d:b")]
    await api.post("entities", json={"id": ID, "type": "Vehicle", "speed": both})
    await api.post(f"entities/{ID}/attrs", json={"speed": [speed(3, 3, datasetId="urn:d:b")]})
    (first, *_) = await instance_ids(api)
    assert (await api.delete(f"temporal/entities/{ID}/attrs/speed/{first}")).status_code == 204
    assert told(await api.get(f"temporal/entities/{ID}"))["speed"] == [both[1], speed(3, 3, datasetId="urn:d:b")]
    rows = await pool.fetch("SELECT change::text FROM history")
    assert [row["change"].count("urn:d:a") for row in rows] == [0, 0]


async def test_what_an_erased_value_was_is_erased_too(api: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    await api.post("entities", json={"id": ID, "type": "Vehicle", "speed": speed(4711, 1)})
    await api.post(f"entities/{ID}/attrs", json={"speed": speed(2, 2)})
    assert "4711" in await pool.fetchval("SELECT string_agg(before::text, '') FROM history")
    assert (await api.delete(f"temporal/entities/{ID}/attrs/speed?deleteAll=true")).status_code == 204
    assert await pool.fetchval("SELECT count(*) FROM history WHERE history::text LIKE '%4711%'") == 0


async def test_an_instance_is_changed_where_it_lies(api: httpx.AsyncClient) -> None:
    await api.post("temporal/entities", json=VEHICLE)
    ids = await instance_ids(api)
    changed = await api.patch(f"temporal/entities/{ID}/attrs/speed/{ids[0]}", json={"value": 121, "unitCode": "KMH"})
    assert (changed.status_code, changed.content) == (204, b"")
    assert await instance_ids(api) == ids
    expected = [speed(121, 3, unitCode="KMH"), speed(80, 5)]
    assert told(await api.get(f"temporal/entities/{ID}"))["speed"] == expected


async def test_an_instance_id_belongs_to_one_attribute(api: httpx.AsyncClient) -> None:
    await api.post("temporal/entities", json=VEHICLE | {"fuel": [speed(7, 1)]})
    (fuel,) = await instance_ids(api, "fuel")
    assert (await api.delete(f"temporal/entities/{ID}/attrs/speed/{fuel}")).status_code == 404


async def test_the_courier_does_not_carry_what_was_told_of_the_past(api: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    await api.post("temporal/entities", json=VEHICLE)
    assert await pool.fetchval("SELECT string_agg(op::text, '') FROM history") == "t"


async def test_what_is_not_carried_yet_is_not_edited(
    api: httpx.AsyncClient, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("madang.history.editing.HISTORY_EDIT_WAIT_S", 0.0)
    await api.post("temporal/entities", json=VEHICLE)
    await pool.execute("INSERT INTO bus_cursor VALUES ('bus', 0)")
    assert (await api.delete(f"temporal/entities/{ID}")).status_code == 503
    await pool.execute("UPDATE bus_cursor SET seq = 1000")
    assert (await api.delete(f"temporal/entities/{ID}")).status_code == 204


async def test_names_are_those_of_the_context(api: httpx.AsyncClient) -> None:
    context = {"tempo": "https://example.org/speed"}
    await api.post(
        "temporal/entities", json={"@context": context, "id": ID, "type": "V", "tempo": speed(1, 1)}, headers=LD
    )
    assert told(await api.get(f"temporal/entities/{ID}")) == {
        "id": ID,
        "type": "V",
        "https://example.org/speed": [speed(1, 1)],
    }
