"""Clauses 4.17, 4.19, 4.21, 4.23, 4.5.5: which entities are found, in which order, and what is shown of them."""

from __future__ import annotations

import re

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.model.context import CORE
from madang.model.projection import parse_projection
from madang.model.selection import parse_scopes, parse_types

ENTITIES = [
    {"id": "urn:x:1", "type": ["Home", "Vehicle"], "scope": "/Madrid/Gardens/North", "n": 3, "name": "b",
     "location": {"type": "Point", "coordinates": [24.0, 60.0]}},
    {"id": "urn:x:2", "type": "Home", "scope": ["/Madrid/Gardens", "/CompanyA"], "n": 10, "name": "B",
     "location": {"type": "Point", "coordinates": [24.2, 60.0]}},
    {"id": "urn:x:3", "type": "Vehicle", "scope": "/CompanyB/Fleet", "n": 2, "name": "ä",
     "location": {"type": "Point", "coordinates": [24.1, 60.0]}},
    {"id": "urn:x:4", "type": "Motorhome", "name": "a", "kind": {"vocab": "Big"}},
]  # fmt: skip


@pytest.fixture
async def city(api: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await api.post("entityOperations/create", json=ENTITIES)).status_code == 201
    return api


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"type": "Home|Motorhome"}, "124"),
        ({"type": "(Home;Vehicle)"}, "1"),
        ({"type": "(Home;Vehicle),Motorhome"}, "14"),
        ({"type": "*", "scopeQ": "/Madrid/Gardens"}, "2"),
        ({"type": "*", "scopeQ": "/Madrid/Gardens/#"}, "12"),
        ({"type": "*", "scopeQ": "/Madrid/+/North"}, "1"),
        ({"type": "*", "scopeQ": "/#"}, "123"),
        ({"type": "*", "scopeQ": "(/Madrid/Gardens;/CompanyA)|CompanyB/Fleet"}, "23"),
        ({"type": "*", "orderBy": "n"}, "3124"),
        ({"type": "*", "orderBy": "n;desc"}, "2134"),
        ({"type": "*", "orderBy": "name"}, "4321"),
        ({"type": "*", "orderBy": "location;dist-asc", "orderFrom": "[24.0,60.0]"}, "1324"),
        ({"type": "*", "orderBy": "location;dist-desc", "orderFrom": "[24.0,60.0]"}, "2314"),
        ({"type": "*", "orderBy": "location;dist-asc", "orderFrom": "[24.0,60.0]", "offset": "1", "limit": "2"}, "32"),
        ({"type": "*", "q": "kind==Big", "expandValues": "kind"}, "4"),
        ({"type": "*", "q": "n==3", "expandValues": "n"}, ""),
        ({"type": "*", "q": "n==3", "expandValues": "n", "jsonKeys": "n"}, "1"),
        ({"local": "true"}, "1234"),
    ],
)
async def test_queries(city: httpx.AsyncClient, params: dict[str, str], found: str) -> None:
    answer = await city.get("entities", params=params)
    assert [entity["id"] for entity in answer.json()] == [f"urn:x:{number}" for number in found]


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({"pick": "name"}, {"name": "b"}),
        ({"pick": "id,type"}, {"id": "urn:x:1", "type": ["Home", "Vehicle"]}),
        ({"omit": "location,scope,type"}, {"id": "urn:x:1", "n": 3, "name": "b"}),
        ({"attrs": "n"}, {"id": "urn:x:1", "type": ["Home", "Vehicle"], "n": 3}),
    ],
)
async def test_projection(city: httpx.AsyncClient, params: dict[str, str], shown: dict[str, object]) -> None:
    options = {"options": "keyValues"}
    assert (await city.get("entities/urn:x:1", params=params | options)).json() == shown


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("entities/urn:x:1?pick=nothing", 404, "ResourceNotFound"),
        ("entities/urn:x:1?attrs=nothing", 404, "ResourceNotFound"),
        ("entities/urn:x:1?pick=name&omit=name", 400, "BadRequestData"),
        ("entities/urn:x:1?pick=name&attrs=name", 400, "BadRequestData"),
        ("entities/urn:x:1?pick=a%7Bb", 400, "BadRequestData"),
        ("entities?type=(Home;Vehicle", 400, "BadRequestData"),
        ("entities?type=Home&scopeQ=%20", 400, "BadRequestData"),
        ("entities?type=Home&orderBy=n;up", 400, "BadRequestData"),
        ("entities?type=Home&orderBy=location;dist-asc", 400, "BadRequestData"),
        ("entities?type=Home&orderBy=name&collation=%22;drop", 400, "BadRequestData"),
        ("entities?id=urn:x:1", 400, "BadRequestData"),
        ("entities?type=Home&id=nothing", 400, "BadRequestData"),
        ("entities?type=*&local=false", 400, "BadRequestData"),
        ("entities?type=Home&geometryProperty=place", 400, "BadRequestData"),
        ("entities?type=Home&options=nothing", 400, "InvalidRequest"),
        ("entities?type=Home&format=nothing", 400, "InvalidRequest"),
        ("entities?type=Home&nothing=1", 400, "InvalidRequest"),
        ("entities?type=Home&join=sideways", 400, "BadRequestData"),
    ],
)
async def test_what_cannot_be_asked(city: httpx.AsyncClient, path: str, status: int, kind: str) -> None:
    answer = await city.get(path)
    assert (answer.status_code, answer.json()["type"]) == (status, f"https://uri.etsi.org/ngsi-ld/errors/{kind}")


async def test_instances_are_chosen_by_dataset(api: httpx.AsyncClient) -> None:
    names = [{"type": "Property", "value": "a"}, {"type": "Property", "value": "b", "datasetId": "urn:d:b"}]
    await api.post("entities", json={"id": "urn:x:1", "type": "T", "name": names, "other": 1})
    both = {"options": "keyValues", "datasetId": "@none,urn:d:b"}
    one = {"options": "keyValues", "datasetId": "urn:d:b"}
    assert (await api.get("entities/urn:x:1", params=both)).json() == {
        "id": "urn:x:1",
        "type": "T",
        "name": {"dataset": {"@none": "a", "urn:d:b": "b"}},
        "other": 1,
    }
    assert (await api.get("entities/urn:x:1", params=one)).json() == {"id": "urn:x:1", "type": "T", "name": "b"}


NAMES = st.lists(st.sampled_from(["A", "B", "C"]), min_size=1, max_size=3)


@given(choices=st.lists(NAMES, min_size=1, max_size=4), types=st.sets(st.sampled_from(["A", "B", "C"])))
def test_a_type_selection_means_what_it_says(choices: list[list[str]], types: set[str]) -> None:
    selection = parse_types("|".join(f"({';'.join(choice)})" for choice in choices), CORE)
    assert selection is not None
    assert selection.accepts(types.__contains__) == any(set(choice) <= types for choice in choices)
    assert not selection.accepts(types.__contains__) or not types.isdisjoint(selection.words)


@given(levels=st.lists(st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,5}", fullmatch=True), min_size=1, max_size=4))
def test_a_tree_of_scopes_holds_itself_and_what_is_below(levels: list[str]) -> None:
    scope = "/" + "/".join(levels)
    ((pattern,),) = parse_scopes(f"{scope}/#").choices
    ((exact,),) = parse_scopes(scope).choices
    assert [bool(re.search(pattern, one)) for one in (scope, f"{scope}/x", f"{scope}x", f"/0{scope}")] == [
        True,
        True,
        False,
        False,
    ]
    assert [bool(re.search(exact, one)) for one in (scope, f"{scope}/x")] == [True, False]


@given(text=st.text(alphabet="ab{},|", max_size=20))
def test_a_projection_is_read_whole_or_refused(text: str) -> None:
    from madang.base.errors import BadRequest

    try:
        projection = parse_projection(text, CORE, "pick")
    except BadRequest as error:
        assert error.status == 400
    else:
        assert projection.names
