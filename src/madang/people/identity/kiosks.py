"""Where a person lets a kiosk in (RFC 8628, 3.3), and signing out for a relying party (RP-Initiated Logout 1.0)."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from madang.base.errors import NotFound, Unauthorized
from madang.people.http import Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import go, origin_of, page, told
from madang.people.identity.sign_in import sign_in_address
from madang.people.identity.visit import Form, Visit, once_each, read_form
from madang.trust.identity.clients import Client
from madang.trust.identity.tokens import Claims, read_id_token_hint


class KioskDoor(Door):
    """`/oauth/device` and `/oauth/logout`."""

    @property
    def table(self) -> Table:
        return {
            "oauth/device": {"GET": self.page(self._enter), "POST": self.page(self._device)},
            "oauth/logout": {"GET": self.page(self._logout), "POST": self.page(self._logout)},
            "oauth/logout/confirm": {"POST": self.page(self._confirmed)},
        }

    async def _enter(self, visit: Visit) -> Response:
        code = visit.request.query.get("user_code", "")[:20]
        if visit.session is None:
            return go(visit, sign_in_address(f"/oauth/device?user_code={code}"))
        return page(visit, "device", code=code, waiting=None, error="")

    async def _device(self, visit: Visit) -> Response:
        """The code shows who waits; the answer then lets it in or not."""
        person, _ = visit.who()
        form = await self.browsers.form(visit)
        code, counted = form.get("user_code", "")[:20], f"{person.id}/user_code"
        await self.identity.attempts.count(counted)
        try:
            waiting = await self.identity.device_codes.find(code)
        except NotFound as error:
            return page(visit, "device", 404, code=code, waiting=None, error=told(visit, error))
        await self.identity.attempts.succeeded(counted)
        if form.get("answer") not in ("yes", "no"):
            return page(visit, "device", code=code, waiting=waiting, error="")
        return await self._answer(visit, code, waiting.client, waiting.scopes, form["answer"] == "yes")

    async def _answer(self, visit: Visit, code: str, client: str, scopes: frozenset[str], yes: bool) -> Response:
        person, session = visit.who()
        outcome = "accepted" if yes else "refused"
        await self.identity.recorder.before(
            f"person:{person.id}", "consent.device", f"app:{client}", "", outcome, scopes=" ".join(sorted(scopes))
        )
        grants, grant_id = self.identity.grants, None
        if yes:
            await grants.consent(person.id, client, scopes)
            grant = await grants.add(client, scopes, person.id, None, session.methods, session.signed_in_at)
            grant_id = grant.id
        await self.identity.device_codes.answer(code, grant_id)
        return page(visit, "device_done", yes=yes)

    async def _logout(self, visit: Visit) -> Response:
        """At once when the client proves by its id_token that it means this session; else the person is asked."""
        by_form = visit.request.method == "POST"
        given = await read_form(visit.request) if by_form else once_each(visit.request.raw_query.decode("latin-1"))
        hint = self._hint(given)
        client = await self.identity.clients.find(given.get("client_id") or str((hint or {}).get("aud", "")))
        onward = _onward(client, given)
        meant = hint is not None and visit.session is not None and hint.get("sid") == visit.session.id
        if meant or visit.session is None:
            return await self._ended(visit, onward)
        return page(visit, "sign_out", 200, origin_of(onward) if onward else "", onward=onward)

    def _hint(self, given: Form) -> Claims | None:
        try:
            return read_id_token_hint(self.identity.ring, given.get("id_token_hint", ""), self.identity.issuer)
        except Unauthorized:
            return None

    async def _confirmed(self, visit: Visit) -> Response:
        form = await self.browsers.form(visit)
        onward = form.get("onward", "")
        known = any(onward.partition("?")[0] in client.logout_uris for client in await self.identity.clients.every())
        return await self._ended(visit, onward if known else "")

    async def _ended(self, visit: Visit, onward: str) -> Response:
        if visit.session is not None:
            await self.identity.sessions.end(visit.session.person, visit.session.id)
            who = f"person:{visit.session.person}"
            self.identity.recorder.after(who, "sign-out", who)
        self.leave(visit)
        return go(visit, onward) if onward else page(replace(visit, session=None, person=None), "signed_out")


def _onward(client: Client | None, given: Form) -> str:
    """Where to go on: an address that the client registered for this; empty for none."""
    uri = given.get("post_logout_redirect_uri", "")
    if client is None or uri not in client.logout_uris:
        return ""
    return f"{uri}?{urlencode({'state': given['state']})}" if "state" in given and "?" not in uri else uri
