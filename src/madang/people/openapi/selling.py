"""The store in the description: charges of apps, and the face by TM Forum's open APIs."""

from __future__ import annotations

from typing import Any

from madang.people.openapi.parameters import path_parameter
from madang.people.openapi.schemas import ref
from madang.people.store.tmf.door import RESOURCES

TMF_PREFIX = "/tmf-api"
_TEXT: dict[str, Any] = {"type": "string"}
_SHAPING = [("fields", _TEXT)]
_PAGING = [("offset", {"type": "integer", "minimum": 0}), ("limit", {"type": "integer", "minimum": 0})]
SELLING_SCHEMAS: dict[str, dict[str, Any]] = {
    "ChargeAsked": {
        "type": "object",
        "required": ["title", "amount", "payee"],
        "additionalProperties": False,
        "properties": {
            "title": {"type": "object", "required": ["ko", "en"], "additionalProperties": _TEXT},
            "amount": _TEXT | {"description": "a decimal number, tax included"},
            "payee": _TEXT | {"description": "the publisher id of whoever serves the customer"},
            "currency": _TEXT | {"description": "ISO 4217"},
        },
    },
    "Charge": {
        "type": "object",
        "properties": {
            "id": _TEXT,
            "address": _TEXT | {"description": "the page where whoever opens it pays"},
            "state": {"enum": ["open", "paying", "paid", "failed"]},
        },
    },
    "TmfResource": {
        "type": "object",
        "required": ["id", "href"],
        "description": "as TM Forum's open API of that name describes it",
        "properties": {"id": _TEXT, "href": _TEXT, "@type": _TEXT},
    },
    "TmfResourceList": {"type": "array", "items": ref("TmfResource")},
    "TmfProductOrder": {
        "type": "object",
        "required": ["productOrderItem"],
        "properties": {
            "productOrderItem": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1,
                "items": {
                    "type": "object",
                    "required": ["id", "action", "productOffering"],
                    "properties": {
                        "id": _TEXT,
                        "action": {"enum": ["add"]},
                        "quantity": {"enum": [1]},
                        "productOffering": {"type": "object", "required": ["id"], "properties": {"id": _TEXT}},
                    },
                },
            },
            "relatedParty": {
                "type": "array",
                "items": {"type": "object", "properties": {"id": _TEXT, "role": _TEXT}},
            },
        },
    },
}


def tmf_paths(problem: dict[str, Any]) -> dict[str, Any]:
    """Lists, single resources, and the one that can be made. `problem` describes every answer that is an error."""

    def told(status: str, schema: str) -> dict[str, Any]:
        content = {"application/json": {"schema": ref(schema)}}
        return {status: {"description": schema, "content": content}, "default": problem}

    out: dict[str, Any] = {}
    for api, name in RESOURCES:
        path = f"{TMF_PREFIX}/{api}/v4/{name}"
        shaping = [_query(*one) for one in _SHAPING]
        paging = [_query(*one) for one in _PAGING]
        out[path] = {
            "get": _described("get", path, f"{name}, in pages", [*shaping, *paging], told("200", "TmfResourceList"))
        }
        single = f"{path}/{{id}}"
        one = _described("get", single, f"One {name}", [path_parameter("id"), *shaping], told("200", "TmfResource"))
        out[single] = {"get": one}
    orders = f"{TMF_PREFIX}/productOrderingManagement/v4/productOrder"
    made = _described("post", orders, "Order one app", [], told("201", "TmfResource"))
    made["requestBody"] = {"required": True, "content": {"application/json": {"schema": ref("TmfProductOrder")}}}
    out[orders]["post"] = made
    return out


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _described(
    method: str, path: str, summary: str, parameters: list[dict[str, Any]], responses: dict[str, Any]
) -> dict[str, Any]:
    return {
        "operationId": f"{method} {path}", "summary": summary, "tags": ["TM Forum"], "parameters": parameters, "responses": responses
    }  # fmt: skip
