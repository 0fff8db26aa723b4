"""The OpenAPI 3.1 document, made of the tables of operations, parameters and schemas."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import Any

from madang import __version__
from madang.people.http import Request, Response, pick_method
from madang.people.ngsi.allowed import PARAMETERS
from madang.people.openapi.asking import LAKE_SCHEMAS, lake_paths
from madang.people.openapi.keeping import DATASET_SCHEMAS, dataset_paths
from madang.people.openapi.operating import OPERATING, OPERATING_SCHEMAS
from madang.people.openapi.operations import MANAGEMENT, NGSI, Operation
from madang.people.openapi.parameters import HEADERS, path_parameter, query_parameter
from madang.people.openapi.personal import PERSONAL, PERSONAL_SCHEMAS
from madang.people.openapi.publishing import portal_paths
from madang.people.openapi.schemas import SCHEMAS, ref
from madang.people.openapi.selling import SELLING_SCHEMAS, tmf_paths
from madang.people.openapi.sensing import sensorthings_paths
from madang.people.openapi.shapes import twin_paths
from madang.people.openapi.trust import TRUST_SCHEMAS

NGSI_PREFIX, MANAGEMENT_PREFIX = "/ngsi-ld/v1", "/madang/v1"
_PLACES = ("id", "name", "instanceId")
_JSON, _LD, _GEO = "application/json", "application/ld+json", "application/geo+json"
_MERGE = "application/merge-patch+json"
_WITH_GEO = frozenset({"entities", "entities/*", "entityOperations/query"})
_PROBLEM = {
    "description": "what was wrong, as problem details (RFC 7807)",
    "content": {media: {"schema": ref("Problem")} for media in (_JSON, "application/problem+json")},
}


SCHEMES: dict[str, Any] = {
    "app": {"type": "http", "scheme": "bearer", "description": "an app's token"},
    "person": {"type": "openIdConnect", "openIdConnectUrl": "/.well-known/openid-configuration"},
    "device": {"type": "http", "scheme": "basic", "description": "a device's id and secret"},
}


def path_of(prefix: str, shape: str) -> str:
    """The path template of a shape: `entities/*` is `/ngsi-ld/v1/entities/{id}`."""
    for name in _PLACES:
        shape = shape.replace("*", f"{{{name}}}", 1)
    return f"{prefix}/{shape}"


def describe() -> dict[str, Any]:
    """The whole document. Every path and parameter in it is one that the gateway knows."""
    paths: dict[str, Any] = {}
    ngsi = ((NGSI_PREFIX, *one) for one in NGSI.items())
    manage = ((MANAGEMENT_PREFIX, *one) for one in (MANAGEMENT | PERSONAL | OPERATING).items())
    for prefix, (shape, method), operation in chain(ngsi, manage):
        standard = prefix == NGSI_PREFIX
        known = PARAMETERS.get((shape, method), set()) if standard else operation.parameters
        described = _operation(prefix, shape, method, operation, set(known))
        paths.setdefault(path_of(prefix, shape), {})[method.lower()] = described
    paths |= sensorthings_paths(_PROBLEM) | tmf_paths(_PROBLEM) | lake_paths(_PROBLEM) | twin_paths(_PROBLEM)
    paths |= dataset_paths(_PROBLEM) | portal_paths(_PROBLEM)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Madang",
            "version": __version__,
            "summary": "ETSI NGSI-LD (GS CIM 009 V1.9.1), OGC SensorThings 1.1 to read, and the management of a city",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS
            | TRUST_SCHEMAS
            | PERSONAL_SCHEMAS
            | SELLING_SCHEMAS
            | LAKE_SCHEMAS
            | DATASET_SCHEMAS
            | OPERATING_SCHEMAS,
            "parameters": HEADERS,
            "securitySchemes": SCHEMES,
        },
        "security": [{}, *({name: []} for name in SCHEMES)],
    }


def _operation(prefix: str, shape: str, method: str, operation: Operation, known: set[str]) -> dict[str, Any]:
    standard = prefix == NGSI_PREFIX
    named: list[dict[str, Any]] = [path_parameter(name) for name in _PLACES[: shape.count("*")]]
    named += [query_parameter(name) for name in sorted(known)]
    named += [{"$ref": f"#/components/parameters/{name}"} for name in HEADERS] if standard else []
    out: dict[str, Any] = {
        "operationId": f"{method.lower()} {path_of(prefix, shape)}",
        "summary": operation.summary,
        "tags": ["NGSI-LD" if standard else "management"],
        "parameters": named,
        "responses": {
            str(status): _answer(
                name, [operation.media] if operation.media else _media(standard, _GEO if shape in _WITH_GEO else None)
            )
            for status, name in operation.answers.items()
        }
        | {"default": _PROBLEM},
    }
    if operation.body is not None:
        media = [operation.media] if operation.media else _media(standard, _MERGE if method == "PATCH" else None)
        out["requestBody"] = {"required": True, "content": {one: {"schema": ref(operation.body)} for one in media}}
    return out


def _media(standard: bool, further: str | None) -> list[str]:
    return [_JSON, *([_LD] if standard else []), *([further] if standard and further else [])]


def _answer(name: str | None, media: list[str]) -> dict[str, Any]:
    if name is None:
        return {"description": "done"}
    return {"description": name, "content": {one: {"schema": ref(name)} for one in media}}


@lru_cache(maxsize=1)
def _document() -> Response:
    return Response.json(describe(), media=b"application/vnd.oai.openapi+json;version=3.1")


async def serve(request: Request) -> Response:
    """GET /openapi.json. Raises MethodNotAllowed."""
    return await pick_method(request, {"GET": _get})(request)


async def _get(request: Request) -> Response:
    return _document()
