"""The paths of the lake's data sets in the description."""

from __future__ import annotations

from typing import Any

import msgspec

from madang.lake.datasets.dataset import Arrival, Dataset
from madang.lake.feeds.feed import Feed
from madang.lake.publishing.publication import Publication
from madang.people.datasets import Decision, Version
from madang.people.openapi.schemas import ref

Json = dict[str, Any]
_, DATASET_SCHEMAS = msgspec.json.schema_components(
    [Dataset, Arrival, Feed, Decision, Publication, Version], ref_template="#/components/schemas/{name}"
)
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_VERSION = {"name": "version", "in": "path", "required": True, "schema": {"type": "integer"}}
_LIMIT = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}}
_NAMED = {
    "after": {"name": "after", "in": "query", "schema": {"type": "string"}},
    "state": {
        "name": "state",
        "in": "query",
        "schema": {"type": "string", "enum": ["waiting", "quarantined", "loaded", "rejected"]},
    },
    "name": {"name": "name", "in": "query", "required": True, "schema": {"type": "string"}},
    "hints": {"name": "hints", "in": "query", "schema": {"type": "string"}},
    "limit": _LIMIT,
}


def dataset_paths(problem: Json) -> Json:
    """`problem` describes every answer that is an error."""

    def operation(method: str, path: str, summary: str, status: str, *named: str, **more: Any) -> Json:
        body, answer = more.get("body"), more.get("answer")
        out: Json = {"operationId": f"{method} {path}", "summary": summary, "tags": ["Lake"]}
        parameters = [_ID] * ("{id}" in path) + [_VERSION] * ("{version}" in path) + [_NAMED[name] for name in named]
        out |= {"parameters": parameters} if parameters else {}
        if body is not None:
            out["requestBody"] = {"required": True, "content": body}
        told: Json = {"description": summary}
        told |= {"content": {"application/json": {"schema": answer}}} if answer else {}
        return out | {"responses": {status: told, "default": problem}}

    def sent(name: str) -> Json:
        return {"application/json": {"schema": ref(name)}}

    def many(name: str) -> Json:
        return {"type": "array", "items": ref(name)}

    file = {"application/octet-stream": {"schema": {"type": "string", "contentEncoding": "binary"}}}
    made = {"application/json": {"schema": {"allOf": [{"type": "object", "required": ["id"]}]}}}
    sets, one, comes = "/lake/datasets", "/lake/datasets/{id}", "/lake/arrivals/{id}"
    return {
        sets: {
            "get": operation("get", sets, "Data sets, by id", "200", "limit", "after", answer=many("Dataset")),
            "post": operation("post", sets, "Make one", "201", body=made),
        },
        one: {
            "get": operation("get", one, "One of them", "200", answer=ref("Dataset")),
            "put": operation("put", one, "Say what it is", "204", body=sent("Described")),
        },
        f"{one}/files": {
            "get": operation("get", f"{one}/files", "Files that came for it", "200", "limit", answer=many("Arrival")),
            "post": operation("post", f"{one}/files", "Send it a file", "202", "name", "hints", body=file),
        },
        f"{one}/feed": {
            "get": operation(
                "get", f"{one}/feed", "Where it is pulled from", "200", answer={"type": ["object", "null"]}
            ),
            "put": operation("put", f"{one}/feed", "Pull it from there", "204", body=sent("Wanted")),
            "delete": operation("delete", f"{one}/feed", "Pull it no more", "204"),
        },
        f"{one}/publications": {
            "get": operation(
                "get", f"{one}/publications", "Versions, and what the gate found", "200", answer=many("Publication")
            ),
            "post": operation("post", f"{one}/publications", "Have a version checked", "202", body=sent("Version")),
        },
        f"{one}/publications/{{version}}/approve": {
            "post": operation(
                "post", f"{one}/publications/{{version}}/approve", "Publish it", "204", body=sent("Decision")
            )
        },
        f"{one}/publications/{{version}}/decline": {
            "post": operation(
                "post", f"{one}/publications/{{version}}/decline", "Do not publish it", "204", body=sent("Decision")
            )
        },
        f"{one}/withdraw": {
            "post": operation("post", f"{one}/withdraw", "Publish it no more", "204", body=sent("Decision"))
        },
        "/lake/arrivals": {
            "get": operation(
                "get", "/lake/arrivals", "Files that came", "200", "limit", "state", answer=many("Arrival")
            )
        },
        comes: {"get": operation("get", comes, "What became of a file", "200", answer=ref("Arrival"))},
        f"{comes}/release": {
            "post": operation("post", f"{comes}/release", "Let it out of quarantine", "204", body=sent("Decision"))
        },
        f"{comes}/reject": {
            "post": operation("post", f"{comes}/reject", "Keep it out for good", "204", body=sent("Decision"))
        },
    }
