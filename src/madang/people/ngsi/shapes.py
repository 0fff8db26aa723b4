"""Paths of the resource tree by their shape, and what requests of a shape have in common."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from madang.people.conditional import tagged
from madang.people.http import Handler, Request, Response, methods_of

VERSIONED = frozenset(
    {
        "entities/*",
        "entities/*/attrs",
        "entities/*/attrs/*",
        "subscriptions/*",
        "csourceRegistrations/*",
        "csourceSubscriptions/*",
    }
)
"""What a write may ask to be in a version."""
TAGGED = frozenset(
    {"types/*", "attributes/*", "jsonldContexts/*", "temporal/entities/*", "entityMaps/*", "snapshots/*"}
)
"""Single resources without a version: their tag says what they show."""


class Through(Protocol):
    """A handler that answers by an entity map where one is wanted, and leaves the rest to the handler without."""

    def __call__(self, request: Request, without: Handler) -> Awaitable[Response]: ...


Table = dict[str, dict[str, Handler]]


def may_want_map(request: Request) -> bool:
    """Whether it is worth a closer look: nearly no request wants a map."""
    return b"ngsild-entitymap" in request.headers or b"entityMap" in request.raw_query or request.method == "POST"


def shape_of(parts: list[str]) -> str:
    """The path with `*` for each id or name."""
    if len(parts) == 2 and parts[0] == "entities":
        return "entities/*"
    if parts[:2] == ["temporal", "entities"]:
        return "/".join("*" if index in (2, 4, 5) else part for index, part in enumerate(parts))
    if len(parts) == 1 or (parts and parts[0] in ("entityOperations", "info", "temporal")):
        return "/".join(parts)
    return "/".join("*" if index % 2 else part for index, part in enumerate(parts))


async def with_tag_of(handler: Handler, request: Request) -> Response:
    """What the handler answers, with its tag."""
    return tagged(request, await handler(request))


def allowing(handlers: dict[str, Handler]) -> Handler:
    """The handler of OPTIONS."""

    async def tell(request: Request) -> Response:
        return Response(204, b"", [(b"allow", ", ".join(methods_of(handlers)).encode())])

    return tell
