"""The entity resources over HTTP, clause by clause, against a real database."""

from __future__ import annotations

import json

import httpx
import pytest

VEHICLE = {
    "id": "urn:ngsi-ld:Vehicle:h:1",
    "type": "Vehicle",
    "speed": {"type": "Property", "value": 31.5, "unitCode": "KMH", "observedAt": "2026-11-21T07:30:00Z"},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [24.94, 60.17]}},
    "line": {"type": "Relationship", "object": "urn:ngsi-ld:Line:h:4"},
    "label": {"type": "LanguageProperty", "languageMap": {"ko": "전차", "en": "tram"}},
}
SPEED_OUT = {"type": "Property", "value": 31.5, "unitCode": "KMH", "observedAt": "2026-11-21T07:30:00.000Z"}
VOCAB = "https://uri.etsi.org/ngsi-ld/default-context/"
LD = {"content-type": "application/ld+json"}
JSON = {"content-type": "application/json"}


async def make(api: httpx.AsyncClient, *entities: dict[str, object]) -> None:
    answer = await api.post("entityOperations/create", json=list(entities))
    assert answer.status_code == 201, answer.text


async def test_create_answers_where_and_get_gives_it_back(api: httpx.AsyncClient) -> None:
    made = await api.post("entities", json=VEHICLE)
    assert (made.status_code, made.headers["location"]) == (201, "/ngsi-ld/v1/entities/urn:ngsi-ld:Vehicle:h:1")
    found = await api.get("entities/urn:ngsi-ld:Vehicle:h:1")
    assert found.json() == VEHICLE | {"speed": SPEED_OUT}
    assert 'rel="http://www.w3.org/ns/json-ld#context"' in found.headers["link"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            "concise",
            {
                "id": VEHICLE["id"],
                "type": "Vehicle",
                "speed": {"value": 31.5, "unitCode": "KMH", "observedAt": "2026-11-21T07:30:00.000Z"},
                "location": {"type": "Point", "coordinates": [24.94, 60.17]},
                "line": {"object": "urn:ngsi-ld:Line:h:4"},
                "label": {"languageMap": {"ko": "전차", "en": "tram"}},
            },
        ),
        (
            "keyValues",
            {
                "id": VEHICLE["id"],
                "type": "Vehicle",
                "speed": 31.5,
                "location": {"type": "Point", "coordinates": [24.94, 60.17]},
                "line": "urn:ngsi-ld:Line:h:4",
                "label": {"languageMap": {"ko": "전차", "en": "tram"}},
            },
        ),
    ],
)
async def test_forms(api: httpx.AsyncClient, options: str, expected: dict[str, object]) -> None:
    await make(api, VEHICLE)
    assert (await api.get(f"entities/{VEHICLE['id']}", params={"options": options})).json() == expected


async def test_concise_input_is_the_same_entity(api: httpx.AsyncClient) -> None:
    concise = {
        "id": VEHICLE["id"],
        "type": "Vehicle",
        "speed": {"value": 31.5, "unitCode": "KMH", "observedAt": "2026-11-21T07:30:00Z"},
        "location": {"type": "Point", "coordinates": [24.94, 60.17]},
        "line": {"object": "urn:ngsi-ld:Line:h:4"},
        "label": {"languageMap": {"ko": "전차", "en": "tram"}},
    }
    assert (await api.post("entities", json=concise)).status_code == 201
    assert (await api.get(f"entities/{VEHICLE['id']}")).json() == VEHICLE | {"speed": SPEED_OUT}


async def test_system_times_and_language(api: httpx.AsyncClient) -> None:
    await make(api, VEHICLE)
    shown = (
        await api.get(f"entities/{VEHICLE['id']}", params={"options": "sysAttrs,keyValues", "lang": "ko-KR"})
    ).json()
    assert shown["label"] == "전차"
    assert shown["createdAt"] == shown["modifiedAt"]


async def test_contexts_in_body_and_link_name_the_same_things(api: httpx.AsyncClient) -> None:
    context = {"speed": "https://smartdatamodels.org/dataModel.Transportation/speed", "Car": "https://example.org/Car"}
    body = {"id": "urn:x:1", "type": "Car", "speed": 3, "@context": context}
    assert (await api.post("entities", content=json.dumps(body), headers=LD)).status_code == 201
    expanded = (await api.get("entities/urn:x:1")).json()
    assert expanded["type"] == "https://example.org/Car"
    assert expanded["https://smartdatamodels.org/dataModel.Transportation/speed"] == {"type": "Property", "value": 3}
    found = await api.get(
        "entities", params={"type": "https://example.org/Car"}, headers={"accept": "application/ld+json"}
    )
    assert found.json()[0]["@context"].endswith("ngsi-ld-core-context-v1.9.jsonld")


async def test_unreachable_context_is_a_504_with_the_url(api: httpx.AsyncClient) -> None:
    link = '<http://127.0.0.1:9/nothing.jsonld>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    answer = await api.get("entities/urn:x:1", headers={"link": link})
    assert (answer.status_code, answer.json()["type"]) == (
        504,
        "https://uri.etsi.org/ngsi-ld/errors/LdContextNotAvailable",
    )


async def test_append_update_merge_and_delete_attributes(api: httpx.AsyncClient) -> None:
    await make(api, VEHICLE)
    here = f"entities/{VEHICLE['id']}"
    assert (await api.post(f"{here}/attrs", json={"doors": 4})).status_code == 204
    kept = await api.post(f"{here}/attrs", params={"options": "noOverwrite"}, json={"doors": 5, "seats": 40})
    assert (kept.status_code, kept.json()) == (
        207,
        {
            "updated": [f"{VOCAB}seats"],
            "notUpdated": [{"attributeName": f"{VOCAB}doors", "reason": "the attribute exists already"}],
        },
    )
    partly = await api.patch(f"{here}/attrs", json={"doors": 6, "wings": "urn:ngsi-ld:null"})
    assert partly.json() == {
        "updated": [f"{VOCAB}doors"],
        "notUpdated": [{"attributeName": f"{VOCAB}wings", "reason": "no such attribute"}],
    }
    assert (await api.patch(f"{here}/attrs/speed", json={"value": 20})).status_code == 204
    assert (
        await api.patch(here, json={"seats": "urn:ngsi-ld:null", "line": {"object": "urn:ngsi-ld:Line:h:9"}})
    ).status_code == 204
    assert (await api.delete(f"{here}/attrs/label")).status_code == 204
    assert (await api.get(here, params={"options": "keyValues"})).json() == {
        "id": VEHICLE["id"],
        "type": "Vehicle",
        "speed": 20,
        "location": {"type": "Point", "coordinates": [24.94, 60.17]},
        "line": "urn:ngsi-ld:Line:h:9",
        "doors": 6,
    }
    assert (await api.get(here)).json()["speed"] == SPEED_OUT | {"value": 20}
    assert (await api.delete(here)).status_code == 204
    assert (await api.get(here)).status_code == 404


async def test_replace_keeps_the_type_when_none_is_given(api: httpx.AsyncClient) -> None:
    await make(api, VEHICLE)
    assert (await api.put(f"entities/{VEHICLE['id']}", json={"speed": 1})).status_code == 204
    shown = (await api.get(f"entities/{VEHICLE['id']}", params={"options": "keyValues"})).json()
    assert shown == {"id": VEHICLE["id"], "type": "Vehicle", "speed": 1}


async def test_dataset_ids_are_kept_apart(api: httpx.AsyncClient) -> None:
    two = [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:d:2"}]
    await make(api, {"id": "urn:x:1", "type": "T", "a": two})
    assert (await api.get("entities/urn:x:1", params={"options": "keyValues"})).json()["a"] == {
        "dataset": {"@none": 1, "urn:d:2": 2}
    }
    assert (await api.delete("entities/urn:x:1/attrs/a", params={"datasetId": "urn:d:2"})).status_code == 204
    assert (await api.get("entities/urn:x:1")).json()["a"] == {"type": "Property", "value": 1}


async def test_pages_with_count_and_links(api: httpx.AsyncClient) -> None:
    await make(api, *({"id": f"urn:x:{number}", "type": "T", "n": number} for number in range(5)))
    page = await api.get(
        "entities", params={"type": "T", "limit": 2, "offset": 2, "count": "true", "options": "keyValues"}
    )
    assert [entity["n"] for entity in page.json()] == [2, 3]
    assert page.headers["ngsild-results-count"] == "5"
    links = page.headers.get_list("link", split_commas=True)
    assert any('rel="next"' in link and "offset=4" in link for link in links)
    assert any('rel="prev"' in link and "offset=0" in link for link in links)
    counted = await api.get("entities", params={"type": "T", "limit": 0, "count": "true"})
    assert (counted.json(), counted.headers["ngsild-results-count"]) == ([], "5")


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"type": "A,B"}, ["urn:x:1", "urn:x:2", "urn:x:3"]),
        ({"type": "A|C"}, ["urn:x:1", "urn:x:3", "urn:x:4"]),
        ({"id": "urn:x:4,urn:x:9", "type": "C,D"}, ["urn:x:4"]),
        ({"type": "B", "idPattern": "^urn:x:[23]$"}, ["urn:x:2", "urn:x:3"]),
        ({"attrs": "extra"}, ["urn:x:2"]),
        ({"q": "n>1;n<4"}, ["urn:x:2", "urn:x:3"]),
        ({"q": "n==1|n==4"}, ["urn:x:1", "urn:x:4"]),
        ({"q": "n==1..2"}, ["urn:x:1", "urn:x:2"]),
        ({"q": "n!=1..2"}, ["urn:x:3", "urn:x:4"]),
        ({"q": "n==2,4"}, ["urn:x:2", "urn:x:4"]),
        ({"q": 'name~="^b.*"'}, ["urn:x:2"]),
        ({"q": 'name~="(?i)^B.*"'}, ["urn:x:2"]),
        ({"q": "(n==1|n==2);(n==2|n==3)"}, ["urn:x:2"]),
        ({"type": "A", "q": "n>=3"}, ["urn:x:3"]),
        (
            {"type": "*", "georel": "near;maxDistance==200", "geometry": "Point", "coordinates": "[24.001,60]"},
            ["urn:x:1"],
        ),
        (
            {
                "georel": "within",
                "geometry": "Polygon",
                "coordinates": "[[[24,59],[24.015,59],[24.015,61],[24,61],[24,59]]]",
            },
            ["urn:x:1"],
        ),
        ({"bbox": "24.015,59,24.035,61"}, ["urn:x:3", "urn:x:2"]),
        (
            {"georel": "intersects", "geometry": "LineString", "coordinates": "[[24.02,59.9],[24.02,60.1]]"},
            ["urn:x:2"],
        ),
    ],
)
async def test_queries(api: httpx.AsyncClient, params: dict[str, str], expected: list[str]) -> None:
    await make(
        api,
        *(
            {
                "id": f"urn:x:{number}",
                "type": kind,
                "n": number,
                "name": name,
                "location": {"type": "Point", "coordinates": [24 + number / 100 if number > 1 else 24.001, 60]},
            }
            | ({"extra": True} if number == 2 else {})
            for number, kind, name in [(1, "A", "apple"), (2, "B", "bread"), (3, ["A", "B"], "corn"), (4, "C", "date")]
        ),
    )
    found = await api.get("entities", params=params)
    assert [entity["id"] for entity in found.json()] == expected


async def test_geojson(api: httpx.AsyncClient) -> None:
    await make(api, VEHICLE)
    found = await api.get(
        "entities",
        params={"type": "Vehicle", "options": "keyValues", "attrs": "speed"},
        headers={"accept": "application/geo+json"},
    )
    assert found.json() == {
        "@context": "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld",
        "type": "FeatureCollection",
        "features": [
            {
                "id": VEHICLE["id"],
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [24.94, 60.17]},
                "properties": {"type": "Vehicle", "speed": 31.5},
            }
        ],
    }


async def test_batches_say_what_went_wrong_by_item(api: httpx.AsyncClient) -> None:
    answer = await api.post(
        "entityOperations/upsert", json=[VEHICLE, {"id": "no uri", "type": "T"}, {"id": "urn:x:2", "type": "T"}]
    )
    assert answer.status_code == 207
    assert answer.json()["success"] == [VEHICLE["id"], "urn:x:2"]
    assert [(one["entityId"], one["error"]["status"]) for one in answer.json()["errors"]] == [("no uri", 400)]
    again = await api.post(
        "entityOperations/upsert", params={"options": "update"}, json=[{"id": "urn:x:2", "type": "T", "a": 1}]
    )
    assert again.status_code == 204
    gone = await api.post("entityOperations/delete", json=["urn:x:2", "urn:x:3"])
    assert (gone.status_code, gone.json()["success"]) == (207, ["urn:x:2"])


async def test_post_query(api: httpx.AsyncClient) -> None:
    await make(api, VEHICLE)
    body = {"type": "Query", "entities": [{"type": "Vehicle"}], "q": "speed>30", "geoQ": {
        "georel": "near;maxDistance==10", "geometry": "Point", "coordinates": [24.94, 60.17]}}  # fmt: skip
    found = await api.post("entityOperations/query", json=body, params={"options": "keyValues"})
    assert [entity["id"] for entity in found.json()] == [VEHICLE["id"]]


SUBSCRIPTION = (
    b'{"type":"Subscription","entities":[{"type":"T"}],"notification":{"endpoint":{"uri":"http://x.org"},%s}}'
)


@pytest.mark.parametrize("attribute", [{"type": ["T"], "value": 1}, [{"type": ["T"]}], {"value": {"type": [{}]}}])
async def test_a_type_that_is_no_word_is_a_value_like_another(api: httpx.AsyncClient, attribute: object) -> None:
    made = await api.post("entities", json={"id": "urn:x:1", "type": "T", "a": attribute})
    found = await api.get("entities", params={"type": "T", "q": "a>1"})
    assert (made.status_code, found.json()) == (201, [])


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "status"),
    [
        ("POST", "entities", JSON, b"{", 400),
        ("POST", "entities", JSON, b'{"id":"urn:x:1"}', 400),
        ("POST", "entities", JSON, b'{"id":"nothing","type":"T"}', 400),
        ("POST", "entities", JSON, b'{"id":"urn:x:1","type":"T","a":null}', 400),
        ("POST", "entities", JSON, b'{"id":"urn:x:1","type":"T","a":"\\u0000"}', 400),
        ("POST", "entities", JSON, b'{"id":"urn:x:1","type":"T","a b":1}', 400),
        ("POST", "entities", JSON, '{"id":"urn:x:1","type":"T","a":"한글"}'.encode("cp949"), 400),
        ("POST", "entities", JSON, b"[" * 200_000, 400),
        ("POST", "entities", JSON, b'{"id":"urn:x:1","type":"T","a":' + b'{"b":' * 100 + b"1" + b"}" * 101, 400),
        ("POST", "entities", JSON, b'{"id":"urn:x:1","type":"T","a":"' + b"x" * 2_000_000 + b'"}', 413),
        (
            "POST",
            "entities",
            JSON,
            b'{"id":"urn:x:1","type":"T","location":{"type":"Point","coordinates":[200,0]}}',
            400,
        ),
        (
            "POST",
            "entities",
            JSON,
            b'{"id":"urn:x:1","type":"T","a":{"type":"Property","value":1,"observedAt":"yesterday"}}',
            400,
        ),
        ("POST", "entities", JSON, b'{"id":"urn:x:1","type":"T","a":{"object":"urn:x:2","objectType":[1]}}', 400),
        ("POST", "entities", JSON, b'{"id":"urn:x:1","type":"T","a":{"object":"urn:x:2","objectType":{}}}', 400),
        ("POST", "subscriptions", JSON, SUBSCRIPTION % b'"format":[]', 400),
        ("POST", "subscriptions", JSON, SUBSCRIPTION % b'"endpoint":{"uri":"http://x.org","accept":{}}', 400),
        ("POST", "entities", LD, b'{"id":"urn:x:1","type":"T"}', 400),
        ("POST", "entities", JSON, b'{"id":"urn:x:1","type":"T","@context":"https://x.org/c"}', 400),
        ("POST", "entities", {"content-type": "text/plain"}, b"hello", 415),
        ("POST", "entities", {}, b"{}", 415),
        ("PUT", "entities", JSON, b"{}", 405),
        ("GET", "entities", {}, b"", 400),
        ("GET", "entities?type=T&limit=-1", {}, b"", 400),
        ("GET", "entities?type=T&limit=100000", {}, b"", 400),
        ("GET", "entities?q=a==", {}, b"", 400),
        ("GET", "entities?q=" + "(" * 100 + "a" + ")" * 100, {}, b"", 403),
        ("GET", "entities?q=a~=(x%2B)%2B", {}, b"", 403),
        ("GET", "entities?type=T&georel=near&geometry=Point&coordinates=[1,1]", {}, b"", 400),
        ("GET", "entities?type=T", {"accept": "text/html"}, b"", 406),
        ("GET", "entities/urn:x:1", {}, b"", 404),
        ("GET", "nothing", {}, b"", 404),
        ("DELETE", "entities/urn:x:1", {}, b"", 404),
    ],
)
async def test_wrong_requests(
    api: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], content: bytes, status: int
) -> None:
    answer = await api.request(method, path, headers=headers, content=content)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/json"


async def test_a_body_over_the_limit_is_refused_before_it_is_read(api: httpx.AsyncClient) -> None:
    async def endless():
        for _ in range(64):
            yield b" " * 1024 * 1024

    answer = await api.post("entities", headers=JSON | {"content-length": "2"}, content=endless())
    assert answer.status_code == 413
    unmeasured = await api.post("entities", headers=JSON, content=endless())
    assert unmeasured.status_code == 411


async def test_a_second_create_is_a_conflict(api: httpx.AsyncClient) -> None:
    await make(api, VEHICLE)
    answer = await api.post("entities", json=VEHICLE)
    assert (answer.status_code, answer.json()["type"]) == (409, "https://uri.etsi.org/ngsi-ld/errors/AlreadyExists")


async def test_another_sites_page_cannot_write(api: httpx.AsyncClient) -> None:
    assert (await api.post("entities", json=VEHICLE, headers={"origin": "https://evil.example"})).status_code == 403
    assert (await api.post("entities", json=VEHICLE, headers={"host": "evil.example"})).status_code == 403
    assert (await api.post("entities", json=VEHICLE, headers={"origin": "http://localhost:8600"})).status_code == 201


async def test_a_wrong_token_opens_nothing(api: httpx.AsyncClient) -> None:
    assert (await api.get("entities?type=T", headers={"authorization": "Bearer nobody"})).status_code == 401
    assert (await api.get("entities?type=T", headers={"authorization": "Bearer app"})).status_code == 403
