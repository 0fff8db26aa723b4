"""What the doors of identity share: a table of handlers, and visits that become pages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from madang.base.errors import BadRequest, Forbidden, MadangError, Unauthorized
from madang.people.acts import acted
from madang.people.http import Handler, Request, Response, decode_json
from madang.people.identity.pages import error_page, go
from madang.people.identity.visit import Browsers, Visit
from madang.trust.identity.house import Identity
from madang.trust.identity.person import Person

T = TypeVar("T")
PageHandler = Callable[[Visit], Awaitable[Response]]
Table = dict[str, dict[str, Handler]]


class Door(ABC):
    """One group of pages. What raises becomes a page that says so; who is not signed in signs in first."""

    def __init__(self, identity: Identity, browsers: Browsers) -> None:
        self.identity, self.browsers = identity, browsers

    def manager(self, visit: Visit, service: str) -> Person:
        """Whoever may manage it, by the gate. Raises Unauthorized, Forbidden."""
        return self._allowed(visit, "manage", service)

    def reader(self, visit: Visit, service: str) -> Person:
        """Whoever may read it, by the gate. Raises Unauthorized, Forbidden."""
        return self._allowed(visit, "read", service)

    def writer(self, visit: Visit, service: str) -> Person:
        """Whoever may write it, by the gate. Raises Unauthorized, Forbidden."""
        return self._allowed(visit, "write", service)

    def _allowed(self, visit: Visit, action: str, service: str) -> Person:
        person, claim = visit.who()[0], visit.claim()
        if not self.browsers.gate.known_as(claim).may(action, service):
            weak = claim.principal.roles != person.roles
            raise Forbidden("this is not yours to manage", reason="needs_second_factor" if weak else "not_manager")
        return person

    @property
    @abstractmethod
    def table(self) -> Table:
        """Its handlers by path and method."""

    def page(self, handler: PageHandler) -> Handler:
        async def handle(request: Request) -> Response:
            visit = await self.browsers.visit(request)
            try:
                return await handler(visit)
            except Unauthorized as error:
                unknown = visit.session is None and "reason" not in error.extra
                return self.sign_in_first(visit) if unknown else error_page(visit, error)
            except MadangError as error:
                return error_page(visit, error)

        return handle

    async def scripted(self, request: Request) -> tuple[Visit, dict[str, object]]:
        """What our own script sends. Raises Forbidden, BadRequest."""
        visit = await self.browsers.visit(request)
        sent = decode_json(await request.body())
        if not isinstance(sent, dict):
            raise BadRequest("an object, please")
        self.browsers.check(visit, str(sent.get("csrf", "")))
        return visit, sent

    def sign_in_first(self, visit: Visit) -> Response:
        """Then back to the page that was asked for; what a form held is lost."""
        path = visit.request.scope["path"] if visit.request.method in ("GET", "HEAD") else "/account"
        return go(visit, f"/sign-in?next={path}")

    def enter(self, visit: Visit, token: str) -> None:
        """The session's cookie, until the browser closes at least."""
        visit.cookies.append(self.browsers.cookies.header("session", token))

    def leave(self, visit: Visit) -> None:
        visit.cookies.append(self.browsers.cookies.header("session", "", 0))

    async def acted(self, actor: Person, what: str, whom: str, act: Coroutine[Any, Any, T]) -> T:
        """An administrator's act, on record."""
        return await acted(self.identity.recorder, f"person:{actor.id}", what, whom, act)
