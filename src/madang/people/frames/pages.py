"""`/apps`: the apps that have something to show to whoever looks, and one of their pages in its frame."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from madang.base.clock import Clock
from madang.base.errors import Forbidden, NotFound
from madang.base.limits import FRAME_WIDGETS_MAX
from madang.people.frames.framing import SeenAs
from madang.people.frames.ticket import Ticket, issue
from madang.people.frames.viewing import Viewer, may_see, open_pages, page_of
from madang.people.gateway import at_least, check_name
from madang.people.http import Handler, Request, Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import page
from madang.people.identity.visit import Browsers, Visit
from madang.runtime.manifest import Manifest
from madang.trust.caller import Caller, Claim
from madang.trust.identity.house import Identity
from madang.trust.identity.person import roles_in_force

STYLE = Path(__file__).resolve().parent / "assets" / "app.css"
WIDGET_MAX_PX = 800
Manifests = Callable[[], Awaitable[list[Manifest]]]
Used = Callable[[str, str], Awaitable[None]]


def viewer_of(gate: Caller, claim: Claim | None, session: str, language: str, headers: Mapping[bytes, bytes]) -> Viewer:
    """As the gate knows them now. Raises Forbidden, as the gateway does for who comes by a name that is not this machine's."""
    caller = gate.now() if claim is None else gate.known_as(at_least(claim, gate))
    check_name(headers, caller)
    person = claim.principal.id if claim is not None else ""
    return Viewer(person, session, caller.principal.roles, language, caller.may("read", "apps"))


def seen_as(identity: Identity, gate: Caller) -> SeenAs:
    """Who a ticket was made for, looked up again: a session may be over, roles may be gone."""

    async def find(ticket: Ticket, headers: Mapping[bytes, bytes]) -> Viewer:
        if not ticket.person:
            return viewer_of(gate, None, "", ticket.language, headers)
        person = await identity.people.find(ticket.person)
        session = next((one for one in await identity.sessions.of(ticket.person) if one.id == ticket.session), None)
        if person is None or session is None:
            return viewer_of(gate, None, "", ticket.language, headers)
        roles = roles_in_force(person.roles, session.methods)
        claim = Claim(person.principal(roles))
        return viewer_of(gate, claim, session.id, ticket.language, headers)

    return find


class FramesDoor(Door):
    """Its pages need no script. `used` hears which app a person opened."""

    def __init__(
        self, identity: Identity, browsers: Browsers, manifests: Manifests, clock: Clock, used: Used | None = None
    ) -> None:
        super().__init__(identity, browsers)
        self._manifests, self._clock, self._used = manifests, clock, used

    @property
    def table(self) -> Table:
        return {
            "apps": {"GET": self.page(self._list)},
            "apps/*": {"GET": self.page(self._show)},
            "apps/assets/app.css": {"GET": _style()},
        }

    def _viewer(self, visit: Visit) -> Viewer:
        claim, session = (visit.claim(), visit.session) if visit.person is not None else (None, None)
        name, headers = session.id if session is not None else "", visit.request.headers
        return viewer_of(self.browsers.gate, claim, name, visit.language, headers)

    def _ticket(self, viewer: Viewer, app: str) -> str:
        now_s = self._clock.now().timestamp()
        return issue(self.identity.seal, app, viewer.person, viewer.session, viewer.language, now_s)

    async def _list(self, visit: Visit) -> Response:
        viewer, language = self._viewer(visit), visit.language
        manifests = await self._manifests()
        apps = [
            _app_shown(one, language) | {"pages": [(page.path, page.name[language]) for page in pages]}
            for one in manifests
            if (pages := open_pages(viewer, one.pages))
        ]
        widgets = [
            {
                "name": widget.name[language],
                "app": one.name[language],
                "source": self._source(viewer, one.id, widget.path),
                "height": min(widget.height_px, WIDGET_MAX_PX),
            }
            for one in manifests
            for widget in one.widgets
            if may_see(viewer, widget)
        ]
        return page(visit, "frames/apps", frames="'self'", apps=apps, widgets=widgets[:FRAME_WIDGETS_MAX])

    async def _show(self, visit: Visit) -> Response:
        viewer, app, path = self._viewer(visit), visit.request.parts[1], visit.request.query.get("page", "/")
        manifest = next((one for one in await self._manifests() if one.id == app), None)
        shown = page_of(manifest, path) if manifest is not None else None
        if manifest is None or shown is None:
            raise NotFound(f"no page of {app}")
        if not may_see(viewer, shown):
            visit.who()  # who has not signed in may be somebody it is for
            raise Forbidden("this page is not for you")
        others = [(one.path, one.name[visit.language]) for one in open_pages(viewer, manifest.pages)]
        about = _app_shown(manifest, visit.language) | {"pages": others, "title": shown.name[visit.language]}
        source = self._source(viewer, app, path)
        if viewer.person and self._used is not None:
            await self._used(app, f"person:{viewer.person}")
        return page(visit, "frames/app", frames="'self'", app=about, source=source, path=shown.path)

    def _source(self, viewer: Viewer, app: str, path: str) -> str:
        return f"/frames/{self._ticket(viewer, app)}/{path.lstrip('/')}"


def _app_shown(manifest: Manifest, language: str) -> dict[str, Any]:
    return {"id": manifest.id, "name": manifest.name[language], "summary": manifest.summary[language]}


def _style() -> Handler:
    body = STYLE.read_bytes()

    async def handle(request: Request) -> Response:
        headers = [(b"content-type", b"text/css; charset=utf-8"), (b"cache-control", b"no-cache")]
        return Response(200, body, [*headers, (b"x-content-type-options", b"nosniff")])

    return handle
