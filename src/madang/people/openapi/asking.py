"""The lake's path of the description."""

from __future__ import annotations

from typing import Any

import msgspec

from madang.people.lake import MEDIA, Asked
from madang.people.openapi.schemas import ref

_, LAKE_SCHEMAS = msgspec.json.schema_components([Asked], ref_template="#/components/schemas/{name}")
LAKE_SCHEMAS["LakeAnswer"] = {
    "type": "object",
    "properties": {
        "columns": {"type": "array", "items": {"type": "string"}},
        "rows": {"type": "array", "items": {"type": "array"}},
        "truncated": {"type": "boolean"},
    },
}


def lake_paths(problem: dict[str, Any]) -> dict[str, Any]:
    """`problem` describes every answer that is an error."""
    content: dict[str, Any] = {media: {"schema": {"type": "string"}} for media in MEDIA.values()}
    content[MEDIA["json"]] = {"schema": ref("LakeAnswer")}
    asking = {
        "operationId": "post /lake/sql",
        "summary": "Ask of all that was, in SQL",
        "tags": ["Lake"],
        "requestBody": {"required": True, "content": {"application/json": {"schema": ref("Asked")}}},
        "responses": {"200": {"description": "the rows, as they come", "content": content}, "default": problem},
    }
    return {"/lake/sql": {"post": asking}}
