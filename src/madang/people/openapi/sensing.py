"""The SensorThings paths of the description (OGC 18-088): sets, their members, and where those lead."""

from __future__ import annotations

from typing import Any

from madang.people.openapi.parameters import path_parameter, query_parameter
from madang.people.openapi.schemas import ref
from madang.people.sensorthings.asking import OPTIONS
from madang.people.sensorthings.mapping import NAVIGATION, ONE_OF, SETS
from madang.people.sensorthings.routes import PREFIX

_SHAPING = ("$select", "$expand")


def sensorthings_paths(problem: dict[str, Any]) -> dict[str, Any]:
    """Paths with their one method. `problem` describes every answer that is an error."""

    def get(summary: str, schema: str, path: str, options: list[str]) -> dict[str, Any]:
        named = [path_parameter("id")] if "{id}" in path else []
        return {
            "get": {
                "operationId": f"get {path}",
                "summary": summary,
                "tags": ["SensorThings"],
                "parameters": [*named, *map(query_parameter, options)],
                "responses": {
                    "200": {"description": schema, "content": {"application/json": {"schema": ref(schema)}}},
                    "default": problem,
                },
            }
        }

    every = sorted(OPTIONS)
    out = {PREFIX: get("The sets there are", "SensorThingsSet", PREFIX, [])}
    for name in SETS:
        several, one = f"{PREFIX}/{name}", f"{PREFIX}/{name}('{{id}}')"
        out[several] = get(f"{name}, in pages", "SensorThingsSet", several, every)
        out[one] = get(f"One of {name}", "SensorThing", one, list(_SHAPING))
        for way in NAVIGATION[name]:
            path, single = f"{one}/{way}", way in ONE_OF
            schema, options = ("SensorThing", list(_SHAPING)) if single else ("SensorThingsSet", every)
            out[path] = get(f"{way} of one of {name}", schema, path, options)
    return out
