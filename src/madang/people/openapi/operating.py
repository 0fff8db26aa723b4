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
OPERATING_SCHEMAS: dict[str, dict[str, Any]] = {
    **_READ,
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
}
