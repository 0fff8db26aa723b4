"""Bodies as JSON Schema, as far as every body of the kind has it in common."""

from __future__ import annotations

from typing import Any

from madang.base.limits import DEVICE_GRACE_MAX_S
from madang.trust.identity.clients import GRANTS, PRINCIPALS, SCOPES

Schema = dict[str, Any]
URI = {"type": "string", "format": "uri"}
TIME = {"type": "string", "format": "date-time"}
TYPES = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
PLACE = {
    "type": "object",
    "required": ["type", "coordinates"],
    "properties": {
        "type": {"enum": ["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]},
        "coordinates": {"type": "array"},
    },
    "examples": [{"type": "Point", "coordinates": [24.94, 60.17]}],
}
_LANGUAGES = {"type": "object", "properties": {"ko": {"type": "string"}, "en": {"type": "string"}}}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str) -> Schema:
    return {"type": "array", "items": ref(name)}


def _object(required: str = "", **properties: Schema) -> Schema:
    return {"type": "object", "required": required.split(), "properties": properties}


SCHEMAS: dict[str, Schema] = {
    "Attribute": {
        "description": "normalized, concise (a bare value, or an object with value), or an array of data sets",
        "oneOf": [
            _object(
                "type",
                type={"enum": ["Property", "Relationship", "GeoProperty", "LanguageProperty", "VocabProperty"]},
                value={},
                object={"oneOf": [URI, {"type": "array", "items": URI}]},
                languageMap=_LANGUAGES,
                observedAt=TIME,
                datasetId=URI,
                unitCode={"type": "string"},
            ),
            {"type": ["number", "string", "boolean"]},
        ],
    },
    "Fragment": {
        "type": "object",
        "properties": {"id": URI, "type": TYPES, "location": PLACE},
        "additionalProperties": ref("Attribute"),
    },
    "Entity": {
        "type": "object",
        "required": ["id", "type"],
        "properties": {"id": URI, "type": TYPES, "location": PLACE},
        "additionalProperties": ref("Attribute"),
    },
    "Shown": {"type": "object", "description": "an entity in the form asked for, or GeoJSON"},
    "ShownList": {"oneOf": [{"type": "array", "items": ref("Shown")}, ref("Shown")]},
    "EntityBatch": _list("Entity") | {"minItems": 1},
    "Ids": {"type": "array", "items": URI, "minItems": 1},
    "Query": _object(
        "type",
        type={"const": "Query"},
        entities={"type": "array", "items": _object("type", type={"type": "string"}, id=URI), "minItems": 1},
        attrs={"type": "array", "items": {"type": "string"}},
        q={"type": "string"},
        scopeQ={"type": "string"},
        geoQ=_object("georel geometry coordinates", georel={"type": "string"}, geometry={"type": "string"}),
        temporalQ=_object("timerel timeAt", timerel={"enum": ["before", "after", "between"]}, timeAt=TIME),
    ),
    "Subscription": _object(
        "type notification",
        id=URI,
        type={"const": "Subscription"},
        entities={"type": "array", "items": _object("type", type={"type": "string"}), "minItems": 1},
        watchedAttributes={"type": "array", "items": {"type": "string"}, "minItems": 1},
        q={"type": "string"},
        throttling={"type": "number"},
        isActive={"type": "boolean"},
        notification=_object("endpoint", endpoint=_object("uri", uri=URI, accept={"type": "string"})),
    ),
    "SourceSubscription": _object(
        "type notification",
        id=URI,
        type={"const": "Subscription"},
        entities={"type": "array", "items": _object("type", type={"type": "string"}), "minItems": 1},
        watchedAttributes={"type": "array", "items": {"type": "string"}, "minItems": 1},
        csf={"type": "string"},
        geoQ=_object("georel geometry coordinates", georel={"type": "string"}, geometry={"type": "string"}),
        temporalQ=_object("timerel timeAt", timerel={"enum": ["before", "after", "between"]}, timeAt=TIME),
        timeInterval={"type": "number"},
        throttling={"type": "number"},
        expiresAt=TIME,
        isActive={"type": "boolean"},
        notification=_object("endpoint", endpoint=_object("uri", uri=URI, accept={"type": "string"})),
    ),
    "Notification": _object(
        "type data", id=URI, type={"const": "Notification"}, data={"type": "array", "items": ref("Shown")}
    ),
    "SubscriptionFragment": {"type": "object"},
    "SubscriptionList": _list("Subscription"),
    "Registration": _object(
        "type information endpoint",
        id=URI,
        type={"const": "ContextSourceRegistration"},
        information={"type": "array", "minItems": 1},
        endpoint=URI,
        mode={"enum": ["inclusive", "exclusive", "redirect", "auxiliary"]},
        operations={"type": "array", "items": {"type": "string"}},
    ),
    "RegistrationFragment": {"type": "object"},
    "RegistrationList": _list("Registration"),
    "EntityMap": _object(
        "id type expiresAt entityMap linkedMaps",
        id=URI,
        type={"const": "EntityMap"},
        expiresAt=TIME,
        entityMap={"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
        linkedMaps={"type": "object", "additionalProperties": URI},
    ),
    "EntityMapFragment": _object(type={"const": "EntityMap"}, expiresAt=TIME),
    "Snapshot": _object(
        "type",
        id=URI,
        type={"const": "Snapshot"},
        snapshotQueries={"type": "array", "items": ref("Query"), "minItems": 1},
        snapshotTemporalQueries={"type": "array", "items": ref("Query"), "minItems": 1},
        snapshotLifetime={"type": "string", "examples": ["P1D"]},
        snapshotPriority={"type": "integer", "minimum": 1, "maximum": 10},
        endpoint=URI,
        snapshotStatus={"enum": ["preparing", "success", "partial", "empty", "failure"]},
    ),
    "SnapshotFragment": _object(
        type={"const": "Snapshot"},
        snapshotLifetime={"type": "string", "examples": ["P1D"]},
        snapshotPriority={"type": "integer", "minimum": 1, "maximum": 10},
        endpoint=URI,
    ),
    "SensorThing": {"type": "object", "description": "a member of a set, cut to `$select`"},
    "SensorThingsSet": _object("value", value={"type": "array", "items": {"type": "object"}}),
    "BatchResult": _object("success errors", success={"type": "array"}, errors={"type": "array"}),
    "UpdateResult": _object("updated notUpdated", updated={"type": "array"}, notUpdated={"type": "array"}),
    "Named": _object("id type", id=URI, type={"type": "string"}),
    "NamedList": {"oneOf": [ref("Named"), _list("Named")]},
    "Context": {"type": "object"},
    "ContextDocument": {"type": "object", "required": ["@context"], "properties": {"@context": {"type": "object"}}},
    "ContextList": {"type": "array", "items": {"type": ["string", "object"]}},
    "City": _object("id name bbox tiles simulated", id={"type": "string"}, name={"type": "object"}),
    "Status": _object("city_time wall_time components counters", city_time=TIME, wall_time=TIME),
    "Explanation": _object(
        "source sql rows_estimated cost_estimated indexes plan",
        source={"enum": ["memory", "database"]},
        sql={"type": "string"},
        rows_estimated={"type": "number"},
        cost_estimated={"type": "number"},
        indexes={"type": "array", "items": {"type": "string"}},
        plan={"type": "object"},
    ),
    "DeadLetterList": {"type": "array", "items": _object("at source reason bytes payload", at=TIME)},
    "Intent": _object(
        "kind target reason",
        kind={"type": "string", "examples": ["signal.stage", "signal.release", "simulation.rain"]},
        target=URI,
        value={"type": "object"},
        reason={"oneOf": [{"type": "string"}, _object("code", code={"type": "string"})]},
        rank={"enum": ["efficiency", "transit_priority", "emergency", "life_safety"]},
        expires_s={"type": "number", "exclusiveMinimum": 0, "maximum": 3_600},
    ),
    "Intents": {"oneOf": [ref("Intent"), _list("Intent") | {"minItems": 1, "maxItems": 200}]},
    "Receipt": _object("id kind target status", id=URI, status={"enum": ["accepted", "refused", "done", "failed"]}),
    "Receipts": {"oneOf": [ref("Receipt"), _list("Receipt")]},
    "ReceiptList": _list("Receipt"),
    "App": _object("id", id={"type": "string"}),
    "AppList": _list("App"),
    "AppReceipt": _object(
        "app version at versions events cleared exported",
        app={"type": "string"},
        version={"type": "string"},
        at={"type": "string"},
        versions={"type": "array", "items": {"type": "string"}},
        events={"type": "integer"},
        cleared={"type": "object", "additionalProperties": {"type": "integer"}},
        exported={"type": ["object", "null"]},
    ),
    "Scope": _object(
        "action purpose",
        action={"enum": ["read", "write", "command"]},
        purpose=_object("ko en", ko={"type": "string"}, en={"type": "string"}),
        type={"type": "string"},
        kind={"type": "string"},
        attributes={"type": ["array", "null"], "items": {"type": "string"}},
        area={"type": "string"},
        retention_days={"type": ["integer", "null"]},
        rings={"type": ["array", "null"]},
    ),
    "ScopeList": _list("Scope"),
    "AppUpdate": _object("waits asks", waits={"type": "boolean"}, asks={"type": "array", "items": ref("Scope")}),
    "Install": _object("path", path={"type": "string"}),
    "AuditList": {
        "type": "array",
        "items": _object(
            "seq hash leaf entry",
            seq={"type": "integer"},
            hash={"type": "string"},
            leaf={"type": "string"},
            entry={"type": "object"},
        ),
    },
    "AuditCheckpoint": _object(
        "note key witnesses",
        note={"type": "string"},
        key={"type": "string"},
        witnesses={
            "type": "array",
            "items": _object(
                "key note trouble",
                key={"type": "string"},
                note={"type": ["string", "null"]},
                trouble={"type": ["string", "null"]},
            ),
        },
    ),
    "Text": {"type": "string"},
    "AuditProof": _object("proof", proof={"type": "array", "items": {"type": "string"}}),
    "PolicySet": _object(
        "hash policies groups departments areas",
        hash={"type": "string"},
        policies={"type": "array", "items": {"type": "object"}},
        groups={"type": "object"},
        departments={"type": "object"},
        areas={"type": "array", "items": {"type": "string"}},
    ),
    "PolicyQuestion": _object(
        "principal action",
        principal=_object(
            "kind",
            kind={"enum": ["anonymous", "person", "app", "device", "peer"]},
            id={"type": "string"},
            roles={"type": "array", "items": {"type": "string"}},
            tenant={"type": "string"},
            department={"type": "string"},
            purpose={"type": "string"},
        ),
        action={"enum": ["read", "history", "write", "manage", "command"]},
        resource=_object("", **{name: {"type": "string"} for name in ("service", "command", "entity", "type")}),
        tenant={"type": "string"},
        grants={"type": ["array", "null"], "items": {"type": "object"}},
    ),
    "Simulated": _object(
        "decision rules hash",
        decision={"enum": ["allow", "deny", "some"]},
        rules={"type": "array", "items": {"type": "string"}},
        hash={"type": "string"},
    ),
    "Device": _object(
        "id",
        id={"type": "string"},
        name={"type": "string"},
        topics={"type": "array", "items": {"type": "string"}},
        permissions={"type": "array", "items": ref("Permission")},
    ),
    "DeviceList": _list("Device"),
    "DeviceChange": _object(
        "name topics",
        name={"type": "string"},
        topics={"type": "array", "items": {"type": "string"}},
        permissions={"type": "array", "items": ref("Permission")},
    ),
    "Permission": _object(
        "action subject",
        action={"enum": ["read", "write", "command"]},
        subject={"type": "string"},
        attributes={"type": ["array", "null"], "items": {"type": "string"}},
    ),
    "Grace": _object(grace_s={"type": "integer", "minimum": 0, "maximum": DEVICE_GRACE_MAX_S}),
    "Secret": _object("id secret", id={"type": "string"}, secret={"type": "string"}),
    "Client": _object(
        "name",
        name={"type": "string"},
        confidential={"type": "boolean"},
        principal={"enum": list(PRINCIPALS)},
        grants={"type": "array", "items": {"enum": list(GRANTS)}},
        scopes={"type": "array", "items": {"enum": list(SCOPES)}},
        redirect_uris={"type": "array", "items": URI},
        logout_uris={"type": "array", "items": URI},
        roles={"type": "array", "items": {"type": "string"}},
        permissions={"type": "array", "items": ref("Permission")},
        tenant={"type": "string"},
    ),
    "ClientList": _list("Client"),
    "ClientChange": _object(
        "",
        name={"type": "string"},
        grants={"type": "array", "items": {"enum": list(GRANTS)}},
        scopes={"type": "array", "items": {"enum": list(SCOPES)}},
        redirect_uris={"type": "array", "items": URI},
        logout_uris={"type": "array", "items": URI},
        roles={"type": "array", "items": {"type": "string"}},
        permissions={"type": "array", "items": ref("Permission")},
        tenant={"type": "string"},
    ),
    "Keys": _object("keys", keys={"type": "array", "items": {"type": "object"}}),
    "Problem": _object(
        "type title status",
        type={"type": "string"},
        title={"type": "string"},
        status={"type": "integer"},
        detail={"type": "string"},
    ),
}
