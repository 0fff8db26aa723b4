"""`/tuf`: the store's packages and what is signed about them, for TUF clients of this city and of others (TUF 1.0.34, clause 5)."""

from __future__ import annotations

from madang.base.errors import NotFound
from madang.people.http import Request, Response, pick_method
from madang.store.registry.repository import Repository

_JSON = [(b"content-type", b"application/json")]
_BYTES = [(b"content-type", b"application/octet-stream")]


class PackagesDoor:
    """A mount of the gateway. Public: what is served is signed, and says itself who may be believed."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def handle(self, request: Request) -> Response:
        return await pick_method(request, {"GET": self._get})(request)

    async def _get(self, request: Request) -> Response:
        request.caller.require("read", "files")
        match request.parts:
            case ["metadata", name]:
                return Response(200, await self._repository.metadata(name), list(_JSON))
            case ["targets", publisher, name]:
                return Response(200, await self._repository.target(publisher, name), list(_BYTES))
        raise NotFound("no such file")
