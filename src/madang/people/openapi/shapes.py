"""The twin's paths of the description."""

from __future__ import annotations

from typing import Any

_JSON = {"application/json": {"schema": {"type": "object"}}}
_GLB = {"model/gltf-binary": {"schema": {"type": "string", "format": "binary"}}}


def twin_paths(problem: dict[str, Any]) -> dict[str, Any]:
    """`problem` describes every answer that is an error."""
    return {
        "/twin/tileset.json": {"get": _reading("tileset.json", "The city's buildings as 3D Tiles 1.1", _JSON, problem)},
        "/twin/tiles/{level}/{name}": {
            "get": _reading("tiles", "One tile (CELL.glb), or the tileset below one (CELL.json)", _GLB | _JSON, problem)
            | {"parameters": [_place("level", "integer"), _place("name", "string")]}
        },
    }


def _reading(name: str, summary: str, content: dict[str, Any], problem: dict[str, Any]) -> dict[str, Any]:
    answers = {"200": {"description": "what was asked for", "content": content}, "304": {"description": "as it was"}}
    return {
        "operationId": f"get /twin/{name}",
        "summary": summary,
        "tags": ["Twin"],
        "responses": answers | {"default": problem},
    }


def _place(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": kind}}
