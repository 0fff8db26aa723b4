"""RFC 9110, 13 on NGSI-LD resources, and the type condition of clauses 5.6 and 5.7.1."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import MadangError
from madang.model.condition import ANY, Condition
from madang.model.entity import Entity
from madang.model.selection import Selection

HERE = "entities/urn:x:1"
ENTITY = {"id": "urn:x:1", "type": ["T", "U"], "speed": 5, "street": {"languageMap": {"fi": "katu"}}}
SUBSCRIPTION = {
    "id": "urn:x:s",
    "type": "Subscription",
    "entities": [{"type": "T"}],
    "notification": {"endpoint": {"uri": "http://127.0.0.1:9/n"}},
}
REGISTRATION = {
    "id": "urn:x:r",
    "type": "ContextSourceRegistration",
    "information": [{"entities": [{"type": "Z"}]}],
    "endpoint": "http://127.0.0.1:9",
}


@pytest.fixture
async def one(api: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await api.post("entities", json=ENTITY)).status_code == 201
    return api


async def tag(api: httpx.AsyncClient, path: str = HERE, **headers: str) -> str:
    return str((await api.get(path, headers=headers)).headers["etag"])


async def test_what_the_asker_has_is_not_sent_again(one: httpx.AsyncClient) -> None:
    held = await tag(one)
    again = [await one.get(HERE, headers={"if-none-match": text}) for text in (held, f'"x", W/{held}', "*")]
    assert [(answer.status_code, answer.content, answer.headers["etag"]) for answer in again] == [(304, b"", held)] * 3
    assert (await one.head(HERE, headers={"if-none-match": held})).status_code == 304
    await one.patch(f"{HERE}/attrs/speed", json={"value": 6})
    new = await one.get(HERE, headers={"if-none-match": held})
    assert (new.status_code, new.json()["speed"]["value"], new.headers["etag"] == held) == (200, 6, False)


async def test_each_representation_has_a_tag_of_its_own(one: httpx.AsyncClient) -> None:
    forms = ["", "?options=keyValues", "?options=sysAttrs", "?pick=speed"]
    tags = [await tag(one, HERE + form) for form in forms] + [await tag(one, accept="application/ld+json")]
    assert len(set(tags)) == len(tags)
    assert len({text.split("-")[0] for text in tags}) == 1


WRITES: list[tuple[str, str, Any]] = [
    ("PATCH", "", {"speed": 7}),
    ("PUT", "", {"type": "T", "speed": 7}),
    ("POST", "/attrs", {"new": 1}),
    ("PATCH", "/attrs", {"speed": 7}),
    ("PATCH", "/attrs/speed", {"value": 7}),
    ("PUT", "/attrs/speed", {"value": 7}),
    ("DELETE", "/attrs/speed", None),
    ("DELETE", "", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_a_write_under_a_condition(one: httpx.AsyncClient, method: str, path: str, body: Any) -> None:
    old = await tag(one)
    await one.patch(f"{HERE}/attrs/speed", json={"value": 6})
    now, other = await tag(one), await tag(one, f"{HERE}?options=keyValues")
    refused = [{"if-match": old}, {"if-match": f"W/{now}"}, {"if-match": '"0-0"'}, {"if-none-match": f'"a",{now}'}]
    refused += [{"if-none-match": "*"}, {"if-match": "nonsense"}]
    told = [(await one.request(method, HERE + path, json=body, headers=headers)).status_code for headers in refused]
    assert (told, await tag(one)) == ([412] * len(refused), now)
    done = await one.request(method, HERE + path, json=body, headers={"if-match": f"{old}, {other}"})
    assert done.status_code == 204


async def test_of_many_writers_of_the_same_version_one_succeeds(one: httpx.AsyncClient) -> None:
    held = await tag(one)
    writes = [one.patch(HERE, json={"speed": value}, headers={"if-match": held}) for value in range(20)]
    assert sorted([answer.status_code for answer in await asyncio.gather(*writes)]) == [204] + [412] * 19


async def test_what_is_not_there_is_in_no_version(one: httpx.AsyncClient) -> None:
    answer = await one.patch("entities/urn:x:2", json={"speed": 1}, headers={"if-match": "*"})
    assert (answer.status_code, answer.json()["title"]) == (412, "Precondition failed")


async def test_what_has_no_version_is_not_written_under_one(one: httpx.AsyncClient) -> None:
    assert (await one.delete("entities?type=T", headers={"if-match": "*"})).status_code == 412
    assert (await one.get(HERE)).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "change"),
    [
        ("subscriptions", SUBSCRIPTION, {"isActive": False}),
        ("csourceRegistrations", REGISTRATION, {"description": "d"}),
    ],
)
async def test_subscriptions_and_registrations_have_versions(
    api: httpx.AsyncClient, path: str, body: Any, change: Any
) -> None:
    assert (await api.post(path, json=body)).status_code == 201
    own = f"{path}/{body['id']}"
    old = await tag(api, own)
    assert (await api.get(own, headers={"if-none-match": old})).status_code == 304
    assert (await api.patch(own, json=change, headers={"if-match": old})).status_code == 204
    refused = [
        await api.patch(own, json=change, headers={"if-match": old}),
        await api.delete(own, headers={"if-match": old}),
        await api.delete(own, headers={"if-none-match": "*"}),
    ]
    assert [answer.status_code for answer in refused] == [412, 412, 412]
    assert (await api.delete(own, headers={"if-match": await tag(api, own)})).status_code == 204


@pytest.mark.parametrize("path", ["types/T", "attributes/speed", "temporal/entities/urn:x:1"])
async def test_other_single_resources_have_a_tag(one: httpx.AsyncClient, path: str) -> None:
    assert (await one.get(path, headers={"if-none-match": await tag(one, path)})).status_code == 304


@pytest.mark.parametrize(
    ("wanted", "status"), [("T", 204), ("V,U", 204), ("(T;U)", 204), ("V", 404), ("T;V", 404), ("*", 204)]
)
@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_a_type_condition(
    one: httpx.AsyncClient, method: str, path: str, body: Any, wanted: str, status: int
) -> None:
    answer = await one.request(method, HERE + path, json=body, params={"type": wanted})
    assert answer.status_code == status


async def test_an_entity_of_another_type_is_not_found(one: httpx.AsyncClient) -> None:
    told = [(await one.get(HERE, params={"type": name})).status_code for name in ("T", "V|U", "V")]
    assert told == [200, 200, 404]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["subscriptions/urn:x:s", "csourceRegistrations/urn:x:r"])
async def test_unknown_parameters_are_refused(api: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await api.request(method, f"{path}?nothing=1", json={} if method == "PATCH" else None)
    assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (400, "InvalidRequest")


VERSIONS = st.none() | st.frozensets(st.integers(0, 4), max_size=3)
TYPES = st.none() | st.builds(Selection, st.lists(st.tuples(st.sampled_from("TUV")), min_size=1).map(tuple))
CURRENT = st.none() | st.builds(Entity, st.just("urn:x:1"), st.lists(st.sampled_from("TU"), min_size=1), st.just({}))


@given(CURRENT, st.integers(1, 4), TYPES, VERSIONS, VERSIONS)
def test_a_condition_holds_when_each_of_its_parts_does(
    current: Entity | None,
    version: int,
    types: Selection | None,
    match: frozenset[int] | None,
    none: frozenset[int] | None,
) -> None:
    def holds(condition: Condition) -> bool:
        try:
            condition.check(current, version, "urn:x:1")
        except MadangError:
            return False
        return True

    whole = Condition(types, match, none)
    assert holds(whole) == all(map(holds, (Condition(types), Condition(None, match), Condition(None, None, none))))
    opposite = [holds(Condition(None, one)) for one in (frozenset({ANY}), none or frozenset())]
    assert [opposite[0], holds(Condition(None, None, none or frozenset()))] == [current is not None, not opposite[1]]
