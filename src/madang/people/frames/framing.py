"""/frames/{ticket}/...: an app's pages, for whom the ticket was made, in a document that has no origin.

The browser is told to give the document an opaque origin (CSP `sandbox`): its scripts have no cookie and no storage of the city,
and may load and ask for what lies below their own ticket and nothing else."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol
from urllib.parse import quote

from madang.base.clock import Clock
from madang.base.errors import Forbidden, MadangError, MethodNotAllowed, NotFound, Unavailable
from madang.base.limits import FRAME_BODY_MAX_BYTES
from madang.engine.sealing import Seal
from madang.people.frames.forward import Forwarder
from madang.people.frames.ticket import Ticket, read
from madang.people.frames.viewing import Viewer, may_see, page_of
from madang.people.http import Request, Response
from madang.people.identity.pages import texts
from madang.people.identity.visit import language_of
from madang.runtime.manifest import Manifest

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
_HOST = re.compile(r"[\w.\-]+(?::\d+)?\Z|\[[0-9a-f:]+\](?::\d+)?\Z")


class Installed(Protocol):
    async def manifest(self, app_id: str) -> Manifest:
        """Raises NotFound."""
        ...


SeenAs = Callable[[Ticket, Mapping[bytes, bytes]], Awaitable[Viewer]]
"""Who a ticket was made for, with the roles of now; by the headers, whether the city was called by its name. Raises Forbidden."""


class Frames:
    """A mount of the gateway. `pseudonym` of a person for an app."""

    def __init__(
        self,
        seal: Seal,
        clock: Clock,
        apps: Installed,
        forwarder: Forwarder,
        seen_as: SeenAs,
        pseudonym: Callable[[str, str], str],
        is_secure: bool = False,
    ) -> None:
        self._seal, self._clock, self._apps, self._forwarder = seal, clock, apps, forwarder
        self._seen_as, self._pseudonym, self._scheme = seen_as, pseudonym, "https" if is_secure else "http"

    async def handle(self, request: Request) -> Response:
        """What goes wrong is told as a page, since it stands in a frame."""
        root = f"/frames/{request.parts[0]}/" if request.parts else "/frames/"
        try:
            return self._framed(await self._answer(request, root), request, root)
        except MadangError as error:
            return self._framed(sorry(error, language_of(request, "")), request, root)

    async def _answer(self, request: Request, root: str) -> Response:
        """Raises Unauthorized, Forbidden, NotFound, MethodNotAllowed, TooMany, Unavailable."""
        if request.method not in METHODS:
            raise MethodNotAllowed(f"{request.method} is not possible here", list(METHODS))
        if not request.parts or any("\x00" in part or part in (".", "..") for part in request.parts):
            raise NotFound("nothing here")
        text, *below = request.parts
        ticket = read(self._seal, text, self._clock.now().timestamp())
        if request.method == "OPTIONS":
            return Response(204)
        viewer, path = await self._seen_as(ticket, request.headers), "/" + "/".join(below)
        page = page_of(await self._apps.manifest(ticket.app), path)
        if page is None or not may_see(viewer, page):
            raise Forbidden("this page is not for you") if page is not None else NotFound("no such page")
        return await self._forwarded(request, ticket, viewer, path, root)

    async def _forwarded(self, request: Request, ticket: Ticket, viewer: Viewer, path: str, root: str) -> Response:
        query = request.raw_query.decode("ascii", "ignore")
        headers = {
            "madang-viewer": self._pseudonym(ticket.person, ticket.app) if ticket.person else "",
            "madang-roles": " ".join(sorted(viewer.roles)),
            "madang-language": ticket.language,
            "madang-root": root,
            "accept-encoding": "identity",
        }
        headers |= {"content-type": request.header(b"content-type")} if request.header(b"content-type") else {}
        target = quote(path) + (f"?{query}" if query else "")
        body = await request.body(FRAME_BODY_MAX_BYTES)
        answer = await self._forwarder.forward(ticket.app, request.method, target, headers, body, root)
        if dict(answer.headers)[b"content-type"].startswith(b"text/plain") and answer.status >= 400:
            # Bare words of the app's server, in a language that it chose.
            raise NotFound("no such page") if answer.status < 500 else Unavailable("this page does not work")
        return answer

    def _framed(self, response: Response, request: Request, root: str) -> Response:
        host = request.header(b"host")
        origin = f"{self._scheme}://{host}" if _HOST.match(host) else "https://invalid."
        response.headers += [
            (b"content-security-policy", content_policy(origin, root).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cache-control", b"no-store"),
            # A document without an origin is a stranger even to its own address; no credentials go with it.
            (b"access-control-allow-origin", b"*"),
            (b"access-control-allow-headers", b"content-type"),
            (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
        ]
        return response


def sorry(error: MadangError, language: str) -> Response:
    """A page that says what went wrong, without the app."""
    words = texts(language)
    told = words.get(f"frames.error.{error.status}", words["frames.error.503"])
    head = f'<meta charset="utf-8"><title>{told}</title><link rel="stylesheet" href="/apps/assets/app.css">'
    page = f'<!doctype html><html lang="{language}"><head>{head}</head><body><main><p class="note">{told}</p></main></body></html>'
    return Response(error.status, page.encode(), [(b"content-type", b"text/html; charset=utf-8")])


def content_policy(origin: str, root: str) -> str:
    """What a frame's document may do."""
    own = f"{origin}{root}"
    return (
        f"sandbox allow-scripts allow-forms; default-src 'none'; script-src {own}; style-src {own} {origin}/apps/assets/; "
        f"img-src {own} data: blob:; font-src {own}; connect-src {own}; form-action {own}; base-uri 'none'; frame-ancestors {origin}"
    )
