"""The paths of published data in the description: everybody may read them."""

from __future__ import annotations

from typing import Any

from madang.people.portal.shown import FORMS, INDICATORS

Json = dict[str, Any]
_CKAN = ("id", "q", "fq", "rows", "start", "limit", "offset", "resource_id")
_NUMBERS = frozenset({"limit", "offset", "page", "rows", "start"})
_NUMBER = {"type": "integer", "minimum": 0}
_NAMES = ("set", "id", "form", "version", "action", "collection", "feature")
_ABOUT = ["jsonld", "rdf", "ttl"]


def portal_paths(problem: Json) -> Json:
    """`problem` describes every answer that is an error."""

    def get(path: str, summary: str, media: str, *asked: str, forms: list[str] | None = None) -> Json:
        """`asked`: parameters of the query; `forms`: what `{form}` can be."""
        parameters = [_placed(name, forms) for name in _NAMES if f"{{{name}}}" in path] + [
            _asked(name) for name in asked
        ]
        content = {one: {"schema": {"type": "object" if "json" in one else "string"}} for one in media.split()}
        told: Json = {"operationId": f"get {path}", "summary": summary, "tags": ["Open data"]}
        told |= {"parameters": parameters} if parameters else {}
        return {
            path: {
                "get": told | {"responses": {"200": {"description": summary, "content": content}, "default": problem}}
            }
        }

    rdf = "application/ld+json text/turtle application/rdf+xml"
    files = " ".join(FORMS.values())
    features = "application/geo+json"
    indicators = " ".join(media.decode().partition(";")[0] for media in INDICATORS.values())
    return (
        get("/open/datasets/{id}/data.{form}", "The latest version as a file", files, forms=sorted(FORMS))
        | get("/open/datasets/{id}/versions/{version}/data.{form}", "An earlier one", files, forms=sorted(FORMS))
        | get("/open/datasets/{id}/about.{form}", "DCAT-AP of one", rdf, forms=_ABOUT)
        | get("/open/catalog.{form}", "DCAT-AP of all, by pages", rdf, "page", forms=_ABOUT)
        | get(
            "/open/indicators/{set}.{form}",
            "A set of indicators: JSON-stat, SDMX-ML, PDF",
            indicators,
            "lang",
            forms=sorted(INDICATORS),
        )
        | get("/open/feed.atom", "What is new", "application/atom+xml")
        | get("/open/feed.rss", "What is new", "application/rss+xml")
        | get(
            "/api/3/action/{action}",
            "CKAN's action API",
            "application/json",
            "id",
            "q",
            "fq",
            "rows",
            "start",
            "limit",
            "offset",
            "resource_id",
        )
        | get("/ogc", "OGC API", "application/json")
        | get("/ogc/conformance", "What it conforms to", "application/json")
        | get("/ogc/collections", "Data sets with places, and the catalogue", "application/json", "limit", "offset")
        | get("/ogc/collections/{collection}", "One of them", "application/json")
        | get(
            "/ogc/collections/{collection}/items", "Its features, or records", features, "limit", "offset", "bbox", "q"
        )
        | get("/ogc/collections/{collection}/items/{feature}", "One feature, or record", features)
    )


def _placed(name: str, forms: list[str] | None) -> Json:
    schema: Json = {"type": "string"} | ({"enum": forms} if forms and name == "form" else {})
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _asked(name: str) -> Json:
    return {"name": name, "in": "query", "schema": _NUMBER if name in _NUMBERS else {"type": "string"}}
