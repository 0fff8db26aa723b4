"""Good requests with one thing in them made wrong, and texts of the query language that nearly are some."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from tests.flow.fuzz import NOWHERE

PLACE = {"type": "Point", "coordinates": [24.94, 60.17]}
AREA = {"type": "Polygon", "coordinates": [[[24, 60], [25, 60], [25, 61], [24, 60]]]}
ENTITY: dict[str, Any] = {
    "id": "urn:x:1",
    "type": ["T", "U"],
    "scope": ["/a/b"],
    "temperature": {
        "type": "Property",
        "value": 20.5,
        "unitCode": "CEL",
        "observedAt": "2026-11-21T09:00:00Z",
        "accuracy": {"type": "Property", "value": {"deep": [1, None, {"er": "x"}]}},
    },
    "many": [
        {"type": "Property", "value": 1, "datasetId": "urn:d:1"},
        {"type": "Property", "value": 2, "datasetId": "urn:d:2", "expiresAt": "2126-11-21T09:00:00Z"},
    ],
    "near": {"type": "Relationship", "object": ["urn:x:2"], "objectType": ["T"]},
    "name": {"type": "LanguageProperty", "languageMap": {"ko": "나무", "en": ["tree", "wood"]}},
    "kind": {"type": "VocabProperty", "vocab": ["park"]},
    "raw": {"type": "JsonProperty", "json": {"a": [1]}},
    "list": {"type": "ListProperty", "valueList": [1, 2]},
    "links": {"type": "ListRelationship", "objectList": [{"object": "urn:x:2"}]},
    "location": {"type": "GeoProperty", "value": PLACE},
    "area": {"type": "GeoProperty", "value": AREA},
}
FRAGMENT = {name: value for name, value in ENTITY.items() if name not in ("id", "type")}
QUERY = {
    "type": "Query",
    "entities": [{"type": "T", "id": ["urn:x:1"], "idPattern": "^urn"}],
    "attrs": ["temperature"],
    "q": "temperature>1",
    "geoQ": {"georel": "near;maxDistance==100", "geometry": "Point", "coordinates": [24.94, 60.17]},
    "ordering": {"orderBy": ["temperature;desc"]},
    "scopeQ": "/a/#",
    "lang": "ko",
    "join": "inline",
    "joinLevel": 2,
    "containedBy": ["urn:x:2"],
    "datasetId": ["@none"],
    "expandValues": ["kind"],
    "jsonKeys": ["raw"],
}
TEMPORAL = QUERY | {
    "temporalQ": {
        "timerel": "between",
        "timeAt": "2026-11-20T00:00:00Z",
        "endTimeAt": "2126-11-20T00:00:00Z",
        "timeproperty": "modifiedAt",
        "lastN": 3,
        "aggrMethods": ["avg"],
        "aggrPeriodDuration": "PT1H",
    }
}
SUBSCRIPTION = {
    "id": "urn:s:1",
    "type": "Subscription",
    "subscriptionName": "s",
    "description": "d",
    "entities": [{"type": "T", "id": "urn:x:1", "idPattern": "^urn"}],
    "watchedAttributes": ["temperature"],
    "notificationTrigger": ["attributeUpdated"],
    "q": "temperature>1",
    "scopeQ": "/a/#",
    "geoQ": QUERY["geoQ"],
    "lang": "ko",
    "isActive": True,
    "throttling": 5,
    "expiresAt": "2126-11-20T00:00:00Z",
    "notification": {
        "attributes": ["temperature"],
        "format": "concise",
        "sysAttrs": True,
        "endpoint": {
            "uri": NOWHERE,
            "accept": "application/json",
            "timeout": 100,
            "cooldown": 100,
            "receiverInfo": [{"key": "a", "value": "b"}],
            "notifierInfo": [{"key": "MQTT-QoS", "value": "1"}],
        },
    },
}
INTENT = {
    "kind": "signal.stage",
    "target": "urn:ngsi-ld:TrafficSignalController:yard:1",
    "value": {"stage": 1},
    "reason": {"code": "why", "parameters": {"n": 1}},
    "rank": "efficiency",
    "expires_s": 20,
}
RAIN = INTENT | {"kind": "simulation.rain", "value": {"intensity_mm_h": 6, "duration_s": 600}}
TARGETS: list[tuple[str, str, Any]] = [
    ("POST", "/ngsi-ld/v1/entities", ENTITY),
    ("POST", "/ngsi-ld/v1/entityOperations/create", [ENTITY]),
    ("POST", "/ngsi-ld/v1/entityOperations/upsert", [ENTITY, ENTITY]),
    ("POST", "/ngsi-ld/v1/entityOperations/upsert?options=update", [ENTITY]),
    ("POST", "/ngsi-ld/v1/entityOperations/update", [ENTITY]),
    ("POST", "/ngsi-ld/v1/entityOperations/merge", [ENTITY]),
    ("POST", "/ngsi-ld/v1/entityOperations/delete", ["urn:x:none", "urn:x:none2"]),
    ("POST", "/ngsi-ld/v1/entityOperations/query?options=keyValues", QUERY),
    ("PUT", "/ngsi-ld/v1/entities/urn:x:1", FRAGMENT),
    ("PATCH", "/ngsi-ld/v1/entities/urn:x:1", FRAGMENT),
    ("POST", "/ngsi-ld/v1/entities/urn:x:1/attrs", FRAGMENT),
    ("PATCH", "/ngsi-ld/v1/entities/urn:x:1/attrs", FRAGMENT),
    ("PATCH", "/ngsi-ld/v1/entities/urn:x:1/attrs/temperature", ENTITY["temperature"]),
    ("PATCH", "/ngsi-ld/v1/entities/urn:x:1/attrs/many", ENTITY["many"][0]),
    ("PUT", "/ngsi-ld/v1/entities/urn:x:1/attrs/location", ENTITY["location"]),
    ("POST", "/ngsi-ld/v1/temporal/entities", ENTITY),
    ("POST", "/ngsi-ld/v1/temporal/entities/urn:x:1/attrs", FRAGMENT),
    ("POST", "/ngsi-ld/v1/temporal/entityOperations/query", TEMPORAL),
    ("POST", "/ngsi-ld/v1/subscriptions", SUBSCRIPTION),
    ("PATCH", "/ngsi-ld/v1/subscriptions/urn:s:1", SUBSCRIPTION),
    ("POST", "/ngsi-ld/v1/jsonldContexts", {"@context": [{"a": {"@id": "urn:a", "@type": "@id"}, "b": "urn:b"}]}),
    ("POST", "/madang/v1/commands", [INTENT, RAIN]),
    ("POST", "/madang/v1/apps", {"path": "nowhere"}),
]
SCALARS = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        1e308,
        10**30,
        "",
        "x",
        "urn:x:2",
        "urn:ngsi-ld:null",
        "\x00",
        "\ud7ff￾",
        "@none",
        "A" * 2_000,
    ]
)
JUNK = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "value", "object", "coordinates", "@value", "id", "x"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)


def places(body: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value in a body."""
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    return [here, *(place for key, value in inner for place in places(value, (*here, key)))]


def put(body: Any, place: tuple[Any, ...], junk: Any) -> Any:
    """A copy with junk in that place."""
    if not place:
        return junk
    out = copy.copy(body)
    out[place[0]] = put(body[place[0]], place[1:], junk)
    return out


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A body of which one value is junk."""
    method, path, body = draw(st.sampled_from(TARGETS))
    return {"method": method, "url": path, "json": put(body, draw(st.sampled_from(places(body))), draw(JUNK))}


_WORDS = (
    "temperature name near kind scope location id type createdAt modifiedAt observedAt T U @none /a/b # + * ko urn:x:1"
    ' == != >= <= > < ~= !~= .. , ; | ( ) [ ] { } . : / " \' \\ 1 -1 1e9 1e999 true false null "x" "(" (?i) ^.*$'
    " [[:x:]] desc asc dist-asc dist-desc near within maxDistance==1 minDistance==-1 Point Polygon [1,2] [200,0]"
    " [[[0,0],[1,1],[0,1],[0,0]]] 2026-11-21T09:00:00Z 2026-11-21 P1M PT1H P0D before after between avg sumsq 나 \x00"
    " %00 \ud7ff \\u0000 \\d{1000} (a+)+ (a|a)* $1 ' OR 1=1 -- temperature.value temperature[x.y] near{T:name}"
)
WORDS = st.sampled_from(_WORDS.split(" "))
TEXTS = st.lists(WORDS | st.text(max_size=3), max_size=7).map("".join)
_NOW = (
    "q scopeQ type orderBy orderFrom orderGeometry collation pick omit attrs georel geometry coordinates geoproperty bbox id"
    " idPattern lang datasetId join joinLevel containedBy limit offset expandValues options format"
)
_PAST = "timerel timeAt endTimeAt timeproperty lastN aggrMethods aggrPeriodDuration"
ASKED = [*_NOW.split(" "), *_PAST.split(" ")]
WHOLE: list[dict[str, str]] = [
    {"type": "T"},
    {"type": "T", "georel": "near;maxDistance==10", "geometry": "Point", "coordinates": "[24.94,60.17]"},
    {"type": "T", "orderBy": "location;dist-asc", "orderFrom": "[24.94,60.17]"},
    {"type": "T", "q": "temperature>1", "join": "inline", "joinLevel": "2"},
]
TIMES = {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z", "timeproperty": "modifiedAt"}
AGGREGATED = TIMES | {"options": "aggregatedValues", "aggrMethods": "avg", "aggrPeriodDuration": "PT1H"}
PATHS: list[tuple[str, dict[str, str]]] = [
    ("/ngsi-ld/v1/entities", {}),
    ("/ngsi-ld/v1/temporal/entities", TIMES),
    ("/ngsi-ld/v1/temporal/entities", AGGREGATED),
]


@st.composite
def asked(draw: st.DrawFn) -> dict[str, Any]:
    """Parameters of a query, one or two of which are texts that may mean something."""
    path, times = draw(st.sampled_from(PATHS))
    given = draw(st.sampled_from(WHOLE)) | times
    names = draw(st.lists(st.sampled_from(ASKED[: None if times else -7]), min_size=1, max_size=2))
    return {"method": "GET", "url": path, "params": given | {name: draw(TEXTS) for name in names}}
