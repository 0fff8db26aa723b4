"""What all NGSI-LD requests have in common: media types, contexts, options (clauses 6.3.4 to 6.3.6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from madang.base.errors import BadRequest, LengthRequired, MadangError, NotAcceptable, UnsupportedMedia
from madang.base.limits import BATCH_MAX_ENTITIES
from madang.context.contexts import Contexts
from madang.model.context import CORE_URL, Context
from madang.people.http import Request, Response, encode

Given = Mapping[str, str]
"""Parameters of a request by name."""
LD = "application/ld+json"
JSON = "application/json"
GEO = "application/geo+json"
CONTEXT_RELATION = "http://www.w3.org/ns/json-ld#context"
_LINK = re.compile(r'<([^>]*)>\s*;[^,]*rel="?http://www\.w3\.org/ns/json-ld#context"?')


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


async def read_list(request: Request, contexts: Contexts) -> list[tuple[Any, Context | MadangError]]:
    """A batch: each item with its own context when ld+json, or with why it has none (clause 6.3.5).

    Raises BadRequest when the batch is empty or over the limit.
    """
    data, shared = await read_payload(request, contexts)
    if not isinstance(data, list) or not data:
        raise BadRequest("a batch is a JSON array with at least one item")
    if len(data) > BATCH_MAX_ENTITIES:
        raise BadRequest(f"a batch has at most {BATCH_MAX_ENTITIES} items")
    if request.media_type == LD:
        return [(item, await _own_context(item, shared, contexts)) for item in data]
    stray = BadRequest("an item with @context is application/ld+json")
    return [(item, stray if isinstance(item, dict) and "@context" in item else shared) for item in data]


async def _own_context(item: Any, shared: Context, contexts: Contexts) -> Context | MadangError:
    brought = isinstance(item, dict) and "@context" in item
    if isinstance(item, dict) and not brought:
        return BadRequest("application/ld+json needs an @context in each item")
    try:
        return await contexts.get(item["@context"]) if brought else shared
    except MadangError as error:
        return error


def options(given: Given) -> set[str]:
    """The words of the `options` parameter."""
    return set(filter(None, given.get("options", "").split(",")))


def accepted(request: Request) -> str:
    """The media type to answer in: JSON, JSON-LD or GeoJSON (clause 6.3.4). Raises NotAcceptable."""
    header = request.headers.get(b"accept")
    if header is None or header == b"*/*" or header == b"application/json":
        return JSON
    wishes = _wishes(header.decode("latin-1"))
    offers = [
        (weight, -rank, offer) for rank, offer in enumerate((JSON, LD, GEO)) if (weight := _weight(offer, wishes))
    ]
    if not offers:
        raise NotAcceptable("answers are application/json, application/ld+json or application/geo+json")
    return max(offers)[2]


def accepted_json(request: Request) -> str:
    """As `accepted`, where GeoJSON is none of the forms. Raises NotAcceptable."""
    media = accepted(request)
    if media == GEO:
        raise NotAcceptable("answers are application/json or application/ld+json")
    return media


def _weight(offer: str, wishes: list[tuple[float, str]]) -> float:
    """How much a media type is wanted: the most exact wish counts."""
    for wanted in (offer, "application/*", "*/*"):
        for weight, media in wishes:
            if media == wanted:
                return weight
    return 0.0


def _wishes(header: str) -> list[tuple[float, str]]:
    out = []
    for part in header.split(","):
        media, *rest = (piece.strip() for piece in part.split(";"))
        weights = [piece[2:] for piece in rest if piece.startswith("q=")]
        try:
            out.append((float(weights[0]) if weights else 1.0, media.lower()))
        except ValueError:
            raise BadRequest("Accept: not a weight") from None
    return out


def answer(request: Request, value: Any, context: Context, status: int = 200) -> Response:
    """A JSON answer with its context: in the body for ld+json, as Link header otherwise (clause 6.3.6)."""
    media = accepted(request)
    source = CORE_URL if context.source is None else context.source
    if media == LD or (media == GEO and b"body=json" not in request.headers.get(b"prefer", b"")):
        if isinstance(value, dict):
            value = value | {"@context": source}
        elif isinstance(value, list):
            value = [item | {"@context": source} if isinstance(item, dict) else item for item in value]
        return Response(status, encode(value), [(b"content-type", media.encode())])
    response = Response(status, encode(value), [(b"content-type", media.encode())])
    response.headers.append((b"link", context_link(context)))
    return response


@lru_cache(maxsize=1_024)
def context_link(context: Context) -> bytes:
    """The Link header that names the context of a JSON answer."""
    url = context.source if isinstance(context.source, str) else CORE_URL
    return f'<{url}>; rel="{CONTEXT_RELATION}"; type="application/ld+json"'.encode("latin-1", "replace")


def check_media(request: Request) -> None:
    """The preconditions of clause 6.3.4. Raises LengthRequired, UnsupportedMedia."""
    if request.method not in ("POST", "PATCH", "PUT"):
        return
    if b"content-length" not in request.headers:
        raise LengthRequired("a body needs a Content-Length")
    if not request.media_type:
        raise UnsupportedMedia("a body needs a content type")
