"""From an NGSI-LD request to contexts, queries and forms (clauses 6.3.4 to 6.3.12, 6.4.3)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from madang.base.errors import BadRequest, NotAcceptable, UnsupportedMedia
from madang.base.limits import BATCH_MAX_ENTITIES, QUERY_DEFAULT_PAGE, QUERY_MAX_OFFSET, QUERY_MAX_PAGE
from madang.context.contexts import Contexts
from madang.context.store import Query
from madang.model.context import CORE_URL, Context
from madang.model.geometry import GeoQuery, box_query, parse_geo_query
from madang.model.query import Node, check_pattern, parse_query
from madang.model.render import Form
from madang.people.http import Request, Response, decode_json, encode

LD = "application/ld+json"
JSON = "application/json"
GEO = "application/geo+json"
CONTEXT_RELATION = "http://www.w3.org/ns/json-ld#context"
_LINK = re.compile(r'<([^>]*)>\s*;[^,]*rel="?http://www\.w3\.org/ns/json-ld#context"?')
_FORMATS = {"normalized": "normalized", "concise": "concise", "simplified": "simplified", "keyValues": "simplified"}


def link_context(request: Request) -> str | None:
    """The URL of the Link header that names a JSON-LD context."""
    header = request.headers.get(b"link")
    if header is None:
        return None
    found = _LINK.search(header.decode("latin-1"))
    return found.group(1) if found else None


async def read_payload(request: Request, contexts: Contexts) -> tuple[Any, Context]:
    """The JSON body and its context: in the body for ld+json, by Link header otherwise (clause 6.3.5)."""
    data = await request.json()
    if request.media_type == LD:
        if link_context(request):
            raise BadRequest("application/ld+json brings its own @context: no Link header then")
        if isinstance(data, list):
            return data, await contexts.get(None)
        if not isinstance(data, dict) or "@context" not in data:
            raise BadRequest("application/ld+json needs an @context in the body")
        return data, await contexts.get(data["@context"])
    if isinstance(data, dict) and "@context" in data:
        raise BadRequest("a body with @context is application/ld+json")
    return data, await contexts.get(link_context(request))


async def read_list(request: Request, contexts: Contexts) -> list[tuple[Any, Context]]:
    """A batch: each item with its own context when ld+json. Raises BadRequest when empty or over the limit."""
    data, shared = await read_payload(request, contexts)
    if not isinstance(data, list) or not data:
        raise BadRequest("a batch is a JSON array with at least one item")
    if len(data) > BATCH_MAX_ENTITIES:
        raise BadRequest(f"a batch has at most {BATCH_MAX_ENTITIES} items")
    if request.media_type != LD:
        return [(item, shared) for item in data]
    return [(item, await contexts.get(item.get("@context") if isinstance(item, dict) else None)) for item in data]


def options(request: Request) -> set[str]:
    return set(filter(None, request.query.get("options", "").split(",")))


def accepted(request: Request) -> str:
    """The media type to answer in: JSON, JSON-LD or GeoJSON. Raises NotAcceptable."""
    header = request.headers.get(b"accept")
    if header is None or header == b"*/*" or header == b"application/json":
        return JSON
    wishes = sorted(_wishes(header.decode("latin-1")), reverse=True)
    for _, media in wishes:
        if media in ("*/*", "application/*"):
            return JSON
        if media in (JSON, LD, GEO):
            return media
    raise NotAcceptable("answers are application/json, application/ld+json or application/geo+json")


def _wishes(header: str) -> list[tuple[float, str]]:
    out = []
    for part in header.split(","):
        media, *rest = (piece.strip() for piece in part.split(";"))
        weights = [piece[2:] for piece in rest if piece.startswith("q=")]
        try:
            out.append((float(weights[0]) if weights else 1.0, media.lower()))
        except ValueError:
            raise BadRequest("Accept: not a weight") from None
    return [wish for wish in out if wish[0] > 0]


def form_of(request: Request, context: Context) -> Form:
    """The representation asked for by `options`, `format`, `attrs`, `pick`, `omit`, `lang`, `datasetId`."""
    query = request.query
    if not query:
        return Form(context=context)
    asked = options(request) | ({query["format"]} if "format" in query else set())
    unknown = query.get("format")
    if unknown is not None and unknown not in _FORMATS:
        raise BadRequest(f"format: not one of {', '.join(_FORMATS)}")
    chosen = next((_FORMATS[name] for name in _FORMATS if name in asked), "normalized")
    keep = _names(query.get("pick") or query.get("attrs"), context)
    return Form(
        chosen,
        "sysAttrs" in asked,
        frozenset(keep) if keep else None,
        frozenset(_names(query.get("omit"), context)),
        query.get("lang"),
        None,
        context,
    )


def _names(text: str | None, context: Context) -> tuple[str, ...]:
    if not text:
        return ()
    return tuple(context.expand(name) for name in text.split(",") if name not in ("id", "type"))


@lru_cache(maxsize=1024)
def _parsed(text: str, context: Context) -> Node:
    return parse_query(text, context)


def query_of(request: Request, context: Context) -> Query:
    """The entity query of `GET /entities` (clause 6.4.3.2). Raises BadRequest."""
    given = request.query
    query = Query(
        ids=tuple(filter(None, given.get("id", "").split(","))),
        id_pattern=_pattern(given.get("idPattern")),
        types=tuple(_type_names(given.get("type", ""), context)),
        attrs=_names(given.get("attrs"), context),
        q=_parsed(given["q"], context) if given.get("q") else None,
        geo=_geo(given, context),
        limit=_number(given, "limit", QUERY_DEFAULT_PAGE, 0, QUERY_MAX_PAGE),
        offset=_number(given, "offset", 0, 0, QUERY_MAX_OFFSET),
        count=given.get("count") == "true" or "count" in options(request),
    )
    if not query.limit and not query.count:
        raise BadRequest("limit: 0 only together with count=true")
    return query


def _type_names(text: str, context: Context) -> list[str]:
    if not text or text == "*":
        return []
    if any(sign in text for sign in ";()"):
        raise BadRequest("type: only lists of types (A,B or A|B) are taken")
    return [context.expand(name) for name in re.split(r"[,|]", text)]


def _pattern(text: str | None) -> str | None:
    if text is not None:
        check_pattern(text)
    return text


def _number(given: dict[str, str], name: str, default: int, low: int, high: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text[:12]) <= high:
        raise BadRequest(f"{name}: a whole number from {low} to {high}")
    return int(text)


def _geo(given: dict[str, str], context: Context) -> GeoQuery | None:
    if "bbox" in given:
        return box_query(given["bbox"])
    if not any(name in given for name in ("georel", "geometry", "coordinates")):
        return None
    if not all(given.get(name) for name in ("georel", "geometry", "coordinates")):
        raise BadRequest("a geo-query needs georel, geometry and coordinates")
    return geo_query(given["georel"], given["geometry"], given["coordinates"], given.get("geoproperty"), context)


def geo_query(georel: Any, geometry: Any, coordinates: Any, attribute: Any, context: Context) -> GeoQuery:
    """From parameters or the `geoQ` member of a subscription. Raises BadRequest."""
    if not isinstance(georel, str) or not isinstance(geometry, str):
        raise BadRequest("georel and geometry must be strings")
    if isinstance(coordinates, str):
        coordinates = decode_json(coordinates.encode())
    name = context.expand(attribute) if isinstance(attribute, str) else "location"
    return parse_geo_query(georel, geometry, coordinates, name)


def answer(request: Request, value: Any, context: Context, status: int = 200) -> Response:
    """A JSON answer with its context: in the body for ld+json, as Link header otherwise (clause 6.3.6)."""
    media = accepted(request)
    source = CORE_URL if context.source is None else context.source
    if media == LD:
        if isinstance(value, dict):
            value = value | {"@context": source}
        elif isinstance(value, list):
            value = [item | {"@context": source} if isinstance(item, dict) else item for item in value]
        return Response(status, encode(value), [(b"content-type", LD.encode())])
    response = Response(status, encode(value), [(b"content-type", media.encode())])
    url = source if isinstance(source, str) else CORE_URL
    link = f'<{url}>; rel="{CONTEXT_RELATION}"; type="application/ld+json"'
    response.headers.append((b"link", link.encode("latin-1", "replace")))
    return response


def check_media(request: Request) -> None:
    """Raises UnsupportedMedia for a body nobody asked for in a form nobody reads."""
    if request.method in ("POST", "PATCH", "PUT") and not request.media_type:
        raise UnsupportedMedia("a body needs a content type")
