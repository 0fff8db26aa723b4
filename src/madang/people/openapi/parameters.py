"""What each query parameter takes, as JSON Schema. Which resource knows which is `ngsi.allowed.PARAMETERS`."""

from __future__ import annotations

from typing import Any

from madang.base.limits import JOIN_MAX_LEVEL, QUERY_DEFAULT_PAGE, QUERY_MAX_OFFSET, QUERY_MAX_PAGE
from madang.context.catalogue import KINDS
from madang.history.aggregate import METHODS
from madang.history.window import TIME_PROPERTIES
from madang.people.sensorthings.asking import DEFAULT_TOP

Schema = dict[str, Any]


def _text(description: str, **more: Any) -> Schema:
    return {"schema": {"type": "string", **more}, "description": description}


def _word(description: str, *words: str) -> Schema:
    return _text(description, enum=list(words))


def _flag(description: str) -> Schema:
    return {"schema": {"type": "boolean", "default": False}, "description": description}


def _whole(description: str, low: int, high: int, default: int | None = None) -> Schema:
    schema: Schema = {"type": "integer", "minimum": low, "maximum": high}
    return {"schema": schema if default is None else schema | {"default": default}, "description": description}


QUERY: dict[str, Schema] = {
    "form": _word("of what is taken away", "json", "csv"),
    "item": _word("the kind of item", "place", "journey", "mobility", "device"),
    "purpose": _text("what it is for, a word of the app's manifest"),
    "$count": _flag("tell the number of all in `@iot.count`"),
    "$expand": _text("comma-separated navigation properties to show inside, one level"),
    "$filter": _text("comparisons of properties, `and`, `or`, parentheses", examples=["result gt 5"]),
    "$orderby": _text("comma-separated properties, each `asc` or `desc`", examples=["name desc"]),
    "$resultFormat": _text("taken and without effect: answers are JSON"),
    "$select": _text("comma-separated properties to show", examples=["name"]),
    "$skip": _whole("how many to pass over", 0, QUERY_MAX_OFFSET, 0),
    "$top": _whole("how many at most", 0, QUERY_MAX_PAGE, DEFAULT_TOP),
    "aggrMethods": _text(f"comma-separated: {', '.join(sorted(METHODS))} (clause 4.5.19)", examples=["avg,max"]),
    "aggrPeriodDuration": _text("an ISO 8601 duration; without it one period over all", examples=["PT1H"]),
    "after": _text("the last id of the page before"),
    "at": _text("the moment", format="date-time"),
    "attrs": _text("comma-separated names: entities with any of them, and no other attributes"),
    "before": _whole("only what is older than this place of the list", 0, 10**18 - 1),
    "bbox": _text("west,south,east,north in degrees", examples=["24.9,60.1,25.0,60.2"]),
    "clear": _text("comma-separated types that the app alone made, whose entities go with it", examples=["AirAlert"]),
    "collation": _text("an ICU collation of PostgreSQL", examples=["ko"]),
    "containedBy": _text("comma-separated ids that linked entities must not be"),
    "coordinates": _text("GeoJSON coordinates of `geometry`", examples=["[24.94,60.17]"]),
    "count": _flag("tell the number of all in `NGSILD-Results-Count`"),
    "csf": _text("which registrations are asked: a query over their members", examples=["tenant==\"port\""]),
    "datasetId": _text("comma-separated data sets; `@none` is the default one"),
    "deleteAll": _flag("all data sets of the attribute"),
    "details": _flag("with what is behind each name"),
    "drop": _text("comma-separated attributes to take away"),
    "endTimeAt": _text("the end of `between`", format="date-time"),
    "entityMap": _flag("answer by an entity map and tell where it is, in `NGSILD-EntityMap`"),
    "entityMapLifetime": _text("how long a new entity map is wanted, an ISO 8601 duration", examples=["PT10M"]),
    "every_s": _text("changes of one entity within so many seconds are told as one; 0 without it", examples=["1"]),
    "expandValues": _text("comma-separated attributes whose values in `q` are terms of the context"),
    "format": _text("form of the answer, before `options`: normalized, concise, simplified, keyValues; of the past also"
                    " temporalValues, aggregatedValues"),
    "geometry": _word("kind of `coordinates`", "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon",
                      "MultiPolygon"),
    "geometryProperty": _text("the GeoProperty that becomes `geometry` of GeoJSON"),
    "geoproperty": _text("the GeoProperty asked; `location` without it"),
    "georel": _text("near;maxDistance==METRES, near;minDistance==METRES, within, contains, intersects, equals, disjoint,"
                    " overlaps", examples=["near;maxDistance==500"]),
    "id": _text("comma-separated ids"),
    "idPattern": _text("a regular expression over ids"),
    "index": _whole("the place of the entry", 0, 10**18 - 1),
    "join": _word("how linked entities are shown", "inline", "flat", "@none"),
    "joinLevel": _whole("how far links are followed", 1, JOIN_MAX_LEVEL, 1),
    "jsonKeys": _text("comma-separated attributes whose values are no JSON-LD: expandValues does not touch them"),
    "keep": _text("comma-separated attributes to keep, all others go"),
    "kind": _word("only contexts of this kind", *KINDS),
    "lang": _text("the language of a LanguageProperty, by RFC 5646", examples=["ko"]),
    "lastN": _whole("the newest of each attribute", 1, 1_000_000),
    "limit": _whole("how many at most; 0 only with count=true", 0, QUERY_MAX_PAGE, QUERY_DEFAULT_PAGE),
    "local": _flag("ask this broker only, no other"),
    "new": _whole("size of the larger tree", 1, 10**18 - 1),
    "observedAt": _text("the time of attributes that bring none", format="date-time"),
    "offset": _whole("how many to pass over", 0, QUERY_MAX_OFFSET, 0),
    "old": _whole("size of the smaller tree", 1, 10**18 - 1),
    "omit": _text("comma-separated members not to show"),
    "options": _text("comma-separated: forms, sysAttrs, count, noOverwrite, update", examples=["keyValues"]),
    "orderBy": _text("name;desc,other, or location;dist-asc with orderFrom", examples=["speed;desc"]),
    "orderFrom": _text("GeoJSON coordinates from which distance counts", examples=["[24.94,60.17]"]),
    "orderGeometry": _text("kind of `orderFrom`; Point without it"),
    "pick": _text("comma-separated members to show"),
    "q": _text("the query language of clause 4.9", examples=["temperature>30;category==\"park\""]),
    "reload": _flag("load a cached context again in place of deleting it"),
    "scopeQ": _text("the scope query of clause 4.19", examples=["/city/+/north;/indoor/#"]),
    "since": _text("the first moment", format="date-time"),
    "size": _whole("of the tree, as a checkpoint tells it", 1, 10**18 - 1),
    "splitEntities": _flag("attributes of an entity may lie in several brokers: conditions are asked of the whole"),
    "state": _word("all: also what is over", "all"),
    "status": _word("only receipts of this status", "accepted", "refused", "done", "failed"),
    "target": _text("only receipts about this entity"),
    "tenant": _text("the tenant whose subscription it is"),
    "timeAt": _text("the moment of `timerel`", format="date-time"),
    "timeproperty": _word("which time counts", *TIME_PROPERTIES),
    "timerel": _word("relation to `timeAt`", "before", "after", "between"),
    "types": _text("comma-separated types", examples=["Vehicle,TrafficSignalController"]),
    "type": _text("A,B or A|B or (A;B)|C, or *", examples=["Vehicle"]),
    "what": _text("only entries of this action", examples=["app.install"]),
    "who": _text("only entries of this caller", examples=["anonymous"]),
    "whom": _text("only entries about this"),
    "until": _text("the last moment", format="date-time"),
    "via": _text("taken and without effect: the header `Via` is what counts"),
}  # fmt: skip


def query_parameter(name: str) -> Schema:
    """One parameter of a query string."""
    return {"name": name, "in": "query", **QUERY[name]}


def path_parameter(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


HEADERS: dict[str, Schema] = {
    "Link": {
        "name": "Link",
        "in": "header",
        "schema": {"type": "string"},
        "description": 'the context of names: <URL>; rel="http://www.w3.org/ns/json-ld#context"',
    },
    "NGSILD-EntityMap": {
        "name": "NGSILD-EntityMap",
        "in": "header",
        "schema": {"type": "string"},
        "description": "the entity map to answer by, as an earlier answer named it (clause 6.4.3.2)",
    },
    "NGSILD-Snapshot": {
        "name": "NGSILD-Snapshot",
        "in": "header",
        "schema": {"type": "string"},
        "description": "the snapshot to read or write; what is true now without it (clause 6.3.22)",
    },
    "NGSILD-Tenant": {
        "name": "NGSILD-Tenant",
        "in": "header",
        "schema": {"type": "string"},
        "description": "another tenant; the city itself without it (clause 6.3.14)",
    },
}
