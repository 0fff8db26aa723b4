"""/madang/v1/apps: the life of apps for programs; the pages of this folder show it to people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from madang.base.errors import BadRequest, UnsupportedMedia
from madang.base.limits import APP_PACKAGE_MAX_BYTES
from madang.people.acts import acted
from madang.people.http import Handler, Request, Response
from madang.runtime.apps import Apps
from madang.runtime.installing import Source
from madang.runtime.manifest import Scope
from madang.runtime.overview import one_of, overview
from madang.trust.audit.recorder import Recorder

T = TypeVar("T")
Act = Callable[[str], Coroutine[Any, Any, Any]]
PACKAGE = "application/octet-stream"
_JSON = frozenset({"application/json"})


class AppsInterface:
    """Handlers. `components`: the processes as the supervisor told them last; `folders`: first-party apps of this machine."""

    def __init__(
        self,
        apps: Apps,
        recorder: Recorder,
        components: Callable[[], dict[str, Any]],
        folders: Callable[[], Awaitable[list[dict[str, Any]]]],
    ) -> None:
        self._apps, self._recorder, self._components, self._folders = apps, recorder, components, folders
        self.table: dict[str, dict[str, Handler]] = {
            "apps": {"GET": self._list, "POST": self._install},
            "apps/available": {"GET": self._available},
            "apps/*": {"GET": self._get, "DELETE": self._remove},
            "apps/*/start": {"POST": self._doing("app.start", lambda app_id: self._apps.enable(app_id))},
            "apps/*/stop": {"POST": self._doing("app.stop", lambda app_id: self._apps.disable(app_id))},
            "apps/*/grants": {"PUT": self._regrant},
            "apps/*/versions": {"POST": self._update},
            "apps/*/accept": {"POST": self._doing("app.update", lambda app_id: self._apps.accept(app_id))},
            "apps/*/decline": {"POST": self._doing("app.decline", lambda app_id: self._apps.decline(app_id))},
            "apps/*/rollback": {"POST": self._doing("app.rollback", lambda app_id: self._apps.rollback(app_id))},
        }

    async def _list(self, request: Request) -> Response:
        request.caller.require("read", "apps")
        return Response.json(await overview(self._apps, self._components()))

    async def _available(self, request: Request) -> Response:
        request.caller.require("read", "apps")
        return Response.json(await self._folders())

    async def _get(self, request: Request) -> Response:
        request.caller.require("read", "apps")
        found = await self._apps.find(request.parts[1])
        versions = await self._apps.versions(found.id)
        shown = one_of(self._apps, found, self._components()) | {
            "asks": msgspec.to_builtins(found.manifest.scopes),
            "versions": [one.version for one in versions],
            "made": await self._apps.made(found),
        }
        return Response.json(shown)

    async def _install(self, request: Request) -> Response:
        request.caller.require("manage", "apps")
        source = await _source(request)
        whom = "package" if isinstance(source, bytes) else str(source)
        manifest = await self._acted(request, "app.install", whom, self._apps.install(source))
        self._granted(request, "app.grant", manifest.id, manifest.scopes, version=manifest.version)
        return Response.json(msgspec.to_builtins(manifest), 201)

    async def _regrant(self, request: Request) -> Response:
        """What it may from now on: all of it is said, what is left out is revoked."""
        request.caller.require("manage", "apps")
        app_id = (await self._apps.find(request.parts[1])).id
        try:
            scopes = msgspec.convert(await request.json(_JSON), list[Scope])
        except msgspec.ValidationError as error:
            raise BadRequest(f"a list of scopes, as the manifest has them: {error}") from None
        granted = await self._acted(request, "app.grant", app_id, self._apps.regrant(app_id, scopes))
        self._granted(request, "app.grants", app_id, granted)
        return Response.json(msgspec.to_builtins(granted))

    async def _update(self, request: Request) -> Response:
        """`waits`: whether it asks for more than before, which somebody has to accept."""
        request.caller.require("manage", "apps")
        app_id = (await self._apps.find(request.parts[1])).id
        update = self._apps.update(await _source(request), app_id)
        more = await self._acted(request, "app.update", app_id, update)
        return Response.json({"waits": bool(more), "asks": msgspec.to_builtins(more)}, 201)

    async def _remove(self, request: Request) -> Response:
        """`clear`: comma-separated types that it alone made, whose entities go with it."""
        request.caller.require("manage", "apps")
        app_id, types = request.parts[1], [name for name in request.query.get("clear", "").split(",") if name]
        receipt = await self._acted(request, "app.remove", app_id, self._apps.uninstall(app_id, types))
        told = msgspec.json.encode(receipt).decode()
        self._recorder.after(request.caller.name, "app.receipt", app_id, receipt=told)
        return Response.json(receipt)

    def _doing(self, what: str, act: Act) -> Handler:
        async def handle(request: Request) -> Response:
            request.caller.require("manage", "apps")
            await self._acted(request, what, request.parts[1], act(request.parts[1]))
            return Response(204)

        return handle

    def _granted(self, request: Request, what: str, app_id: str, scopes: Sequence[Scope], **more: str) -> None:
        self._recorder.after(request.caller.name, what, app_id, scopes=msgspec.json.encode(scopes).decode(), **more)

    async def _acted(self, request: Request, what: str, whom: str, act: Coroutine[Any, Any, T]) -> T:
        return await acted(self._recorder, request.caller.name, what, whom, act)


async def _source(request: Request) -> Source:
    """A package's bytes, or a folder of this machine: `{"path"}`. Raises BadRequest, TooLarge, UnsupportedMedia."""
    if request.media_type == PACKAGE:
        return await request.body(APP_PACKAGE_MAX_BYTES)
    if request.media_type not in _JSON:
        raise UnsupportedMedia(f"a package as {PACKAGE}, or a folder as application/json")
    data = await request.json(_JSON)
    path = data.get("path") if isinstance(data, dict) else None
    if not isinstance(path, str) or "\x00" in path:
        raise BadRequest('a folder is named so: {"path": "..."}')
    return Path(path)
