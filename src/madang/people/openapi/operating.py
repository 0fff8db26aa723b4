"""Incidents in the description."""

from __future__ import annotations

from typing import Any

import msgspec

from madang.operations.incidents.incident import SEVERITIES
from madang.people.openapi.operations import Operation, op
from madang.people.operations.interface import IncidentReport

_, _READ = msgspec.json.schema_components([IncidentReport], ref_template="#/components/schemas/{name}")
_TEXT: dict[str, Any] = {"type": "string"}
_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
_PERHAPS: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
_INCIDENT: dict[str, Any] = {
    "type": "object",
    "required": ["id", "kind", "severity", "title", "state", "openedAt"],
    "properties": {
        "id": {"type": "integer"},
        "kind": _TEXT,
        "severity": {"enum": list(SEVERITIES)},
        "title": _TEXT,
        "source": _TEXT,
        "reference": _TEXT,
        "location": {"type": ["object", "null"], "description": "a GeoJSON Point"},
        "state": {"enum": ["open", "acknowledged", "resolved"]},
        "owner": _TEXT,
        "level": {"type": "integer", "description": "how often it was escalated"},
        "mergedInto": {"type": ["integer", "null"]},
        "overdue": {"enum": [0, 1, 2], "description": "1: not taken in time; 2: not over in time"},
        "openedAt": _TIME,
        "acknowledgeBy": _TIME,
        "resolveBy": _TIME,
        "acknowledgedAt": _PERHAPS,
        "resolvedAt": _PERHAPS,
        "log": {"type": "array", "items": {"type": "object"}},
        "merged": {"type": "array", "items": {"type": "integer"}},
        "steps": {"type": "array", "items": _TEXT, "description": "what of the standard procedure is done"},
    },
}
_ENTITY: dict[str, Any] = {"type": "object", "required": ["id", "type"], "properties": {"id": _TEXT, "type": _TEXT}}
_CHANGE: dict[str, Any] = {
    "type": "object",
    "required": ["seq", "op", "at", "entity"],
    "properties": {
        "seq": {"type": "integer"},
        "op": {"enum": ["c", "u", "d"], "description": "created, updated, deleted"},
        "at": _TIME,
        "entity": _ENTITY | {"description": "what changed, in concise form; a removed attribute is null"},
    },
}
_REPLAY: dict[str, dict[str, Any]] = {
    "ReplaySpan": {"type": "object", "properties": {"since": _TIME, "until": _TIME}},
    "ReplayState": {
        "type": "object",
        "properties": {"at": _TIME, "entities": {"type": "array", "items": _ENTITY}},
    },
    "Replay": {
        "type": "object",
        "properties": {
            "since": _TIME,
            "until": _TIME | {"description": "up to when this is whole: earlier than asked where there was too much"},
            "changes": {"type": "array", "items": _CHANGE},
        },
    },
}
OPERATING_SCHEMAS: dict[str, dict[str, Any]] = {
    **_READ,
    **_REPLAY,
    "Incident": _INCIDENT,
    "IncidentList": {"type": "array", "items": {"$ref": "#/components/schemas/Incident"}},
}
OPERATING: dict[tuple[str, str], Operation] = {
    ("incidents", "GET"): op(
        "What is going on, the most urgent first; `state=all`: the latest of all", {200: "IncidentList"}, None, "state"
    ),
    ("incidents", "POST"): op("Tell of something", {201: "Incident"}, "IncidentReport"),
    ("incidents/*", "GET"): op("One incident with its log", {200: "Incident"}),
    ("incidents/*/acknowledge", "POST"): op("Take it", {200: "Incident"}),
    ("replay/span", "GET"): op("From when to when the past can be seen again", {200: "ReplaySpan"}),
    ("replay/state", "GET"): op("What was true at a moment", {200: "ReplayState"}, None, "types at"),
    ("replay", "GET"): op("What changed between two moments", {200: "Replay"}, None, "types since until every_s"),
}
