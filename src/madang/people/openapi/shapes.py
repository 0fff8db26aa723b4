"""The twin's paths of the description."""

from __future__ import annotations

from typing import Any

_JSON = {"application/json": {"schema": {"type": "object"}}}
_QUESTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "sun": ("Where the sun stands every ten minutes of a local day", ("date",)),
    "sunlight": (
        "Hours of direct sunlight on a point above the ground, and which buildings take it",
        ("height", "date"),
    ),
    "view": (
        "Whether one point is seen from another, and what hides it",
        ("height", "toLongitude", "toLatitude", "toHeight"),
    ),
    "skyline": ("The horizon around a point, as buildings make it", ("height",)),
}
"""What is asked of a place, with the parameters beside longitude and latitude."""
_LISTS = frozenset({"sun", "skyline"})
_GLB = {"model/gltf-binary": {"schema": {"type": "string", "format": "binary"}}}


def twin_paths(problem: dict[str, Any]) -> dict[str, Any]:
    """`problem` describes every answer that is an error."""
    return {
        "/twin/tileset.json": {"get": _reading("tileset.json", "The city's buildings as 3D Tiles 1.1", _JSON, problem)},
        "/twin/tiles/{level}/{name}": {
            "get": _reading("tiles", "One tile (CELL.glb), or the tileset below one (CELL.json)", _GLB | _JSON, problem)
            | {"parameters": [_place("level", "integer"), _place("name", "string")]}
        },
        **{f"/twin/{name}": {"get": _asking(name, *told, problem)} for name, told in _QUESTIONS.items()},
    }


def _asking(name: str, summary: str, parameters: tuple[str, ...], problem: dict[str, Any]) -> dict[str, Any]:
    answer = {"application/json": {"schema": {"type": "array" if name in _LISTS else "object"}}}
    told = [_parameter(one) for one in ("longitude", "latitude", *parameters)]
    return _reading(name, summary, answer, problem) | {"parameters": told}


def _parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "format": "date"} if name == "date" else {"type": "number"}
    return {"name": name, "in": "query", "required": True, "schema": schema}


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
