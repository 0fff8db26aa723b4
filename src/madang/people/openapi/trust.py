"""Bodies of the privacy resources, made from what their handlers read, and of the verdicts."""

from __future__ import annotations

from typing import Any

import msgspec

from madang.people.privacy import Checking, Masking, Releasing
from madang.trust.defence.verdict import KINDS

_, _READ = msgspec.json.schema_components([Masking, Checking, Releasing], ref_template="#/components/schemas/{name}")
_SPAN = {
    "type": "object",
    "properties": {
        "kind": {"type": "string"},
        "start": {"type": "integer"},
        "end": {"type": "integer"},
        "confidence": {"type": "number"},
        "rule": {"type": "string"},
    },
}
_TEXT = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "spans": {"type": "array", "items": _SPAN}},
}
TRUST_SCHEMAS: dict[str, dict[str, Any]] = {
    **_READ,
    "VerdictList": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "kind": {"enum": list(KINDS)},
                "subject": {"type": "string"},
                "at": {"type": "string", "format": "date-time"},
                "features": {"type": "array", "items": {"type": "object"}},
                "act": {"enum": ["tell", "throttle", "quarantine"]},
                "until": {"type": "string", "format": "date-time"},
                "releasedAt": {"type": ["string", "null"]},
                "releasedBy": {"type": ["string", "null"]},
            },
        },
    },
    "Masked": {
        "type": "object",
        "required": ["texts"],
        "properties": {
            "texts": {"type": "array", "items": _TEXT},
            "places": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
            "times": {"type": "array", "items": {"type": "string", "format": "date-time"}},
        },
    },
    "Anonymity": {
        "type": "object",
        "required": ["enough", "k", "l", "t", "small", "coarsen"],
        "properties": {
            "enough": {"type": "boolean"},
            "k": {"type": "integer"},
            "l": {"type": "object", "additionalProperties": {"type": "integer"}},
            "t": {"type": "object", "additionalProperties": {"type": "number"}},
            "small": {"type": "integer"},
            "coarsen": {"type": "array", "items": {"type": "object"}},
        },
    },
    "Released": {
        "type": "object",
        "required": ["value", "error_95", "epsilon", "left"],
        "properties": {
            "value": {},
            "error_95": {"type": ["number", "null"]},
            "epsilon": {"type": "number"},
            "left": {"type": "number"},
        },
    },
}
