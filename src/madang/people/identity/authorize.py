"""/oauth/authorize, its question for consent, the page where a person lets a kiosk in, and signing out for a relying party."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from authlib.oauth2.rfc6749.errors import AccessDeniedError, OAuth2Error
from authlib.oidc.core.errors import ConsentRequiredError, LoginRequiredError

from madang.base.clock import from_iso, to_iso
from madang.base.errors import BadRequest, Unauthorized
from madang.people.http import Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import go, origin_of, page
from madang.people.identity.sign_in import sign_in_address
from madang.people.identity.visit import Form, Visit, once_each, read_form
from madang.trust.identity.authorization import (
    Asked,
    check_request,
    error_parameters,
    must_consent,
    must_sign_in,
    redirect_uri_of,
)
from madang.trust.identity.clients import SCOPES, Client
from madang.trust.identity.tokens import read_id_token_hint


class AuthorizeDoor(Door):
    """A request is kept as a ceremony while its person signs in and consents."""

    @property
    def table(self) -> Table:
        return {
            "oauth/authorize": {"GET": self.page(self._asked), "POST": self.page(self._asked)},
            "oauth/authorize/*": {"GET": self.page(self._go_on), "POST": self.page(self._answered)},
        }

    async def _asked(self, visit: Visit) -> Response:
        """A new request, by query or by form (OpenID Connect Core 1.0, 3.1.2.1)."""
        by_form = visit.request.method == "POST"
        given = await read_form(visit.request) if by_form else once_each(visit.request.raw_query.decode("latin-1"))
        client = await self.identity.clients.find(given.get("client_id", ""))
        redirect_uri = redirect_uri_of(client, given) if client is not None else None
        if client is None or redirect_uri is None:
            raise BadRequest("the client or its redirect_uri is not registered here", reason="redirect_unknown")
        try:
            asked = check_request(client, given, redirect_uri)
        except OAuth2Error as error:
            return self._tell(visit, redirect_uri, given.get("state"), error)
        return await self._decide(visit, client, asked, self.identity.clock.now(), "")

    async def _go_on(self, visit: Visit) -> Response:
        """Back from signing in."""
        token = visit.request.parts[2]
        client, asked, began = await self._kept(token)
        return await self._decide(visit, client, asked, began, token)

    async def _kept(self, token: str) -> tuple[Client, Asked, datetime]:
        about = await self.identity.ceremonies.look("authorize", token)
        client = await self.identity.clients.find(about["client"])
        if client is None:
            raise BadRequest("the client is not registered any more", reason="redirect_unknown")
        return client, msgspec.convert(about["asked"], Asked), from_iso(about["began"])

    async def _keep(self, client: Client, asked: Asked, began: datetime) -> str:
        about: dict[str, Any] = {"client": client.id, "began": to_iso(began), "redirect_uri": asked.redirect_uri}
        fields = asdict(asked) | {name: sorted(getattr(asked, name)) for name in ("scopes", "prompts")}
        return await self.identity.ceremonies.begin("authorize", about | {"asked": fields})

    async def _decide(self, visit: Visit, client: Client, asked: Asked, began: datetime, token: str) -> Response:
        """Sign in, consent, or the code."""
        silent = "none" in asked.prompts
        if must_sign_in(asked, visit.session, began, self.identity.clock.now()) or self._is_another(visit, asked):
            if silent:
                return self._tell(visit, asked.redirect_uri, asked.state, LoginRequiredError())
            onward = f"/oauth/authorize/{token or await self._keep(client, asked, began)}"
            return go(visit, sign_in_address(onward, asked.login_hint) + f"&lang={visit.language}")
        person, _ = visit.who()
        consented = await self.identity.grants.consented(person.id, client.id)
        if must_consent(asked, consented, False):
            if silent:
                return self._tell(visit, asked.redirect_uri, asked.state, ConsentRequiredError())
            return await self._ask(visit, client, asked, token or await self._keep(client, asked, began))
        return await self._give(visit, client, asked)

    def _is_another(self, visit: Visit, asked: Asked) -> bool:
        """Whether the client means somebody else than who is signed in."""
        if not asked.id_token_hint or visit.person is None:
            return False
        try:
            hinted = read_id_token_hint(self.identity.ring, asked.id_token_hint, self.identity.issuer)
        except Unauthorized:
            return False
        return bool(hinted.get("sub") != visit.person.id)

    async def _ask(self, visit: Visit, client: Client, asked: Asked, token: str) -> Response:
        leads_to, host = origin_of(asked.redirect_uri), urlsplit(asked.redirect_uri).hostname or asked.redirect_uri
        scopes, action = [one for one in SCOPES if one in asked.scopes], f"/oauth/authorize/{token}"
        return page(visit, "consent", 200, leads_to, client=client, scopes=scopes, action=action, host=host)

    async def _answered(self, visit: Visit) -> Response:
        """Yes or no to the question."""
        visit.who()
        form = await self.browsers.form(visit)
        token = visit.request.parts[2]
        client, asked, began = await self._kept(token)
        if must_sign_in(asked, visit.session, began, self.identity.clock.now()):
            return await self._decide(visit, client, asked, began, token)
        await self.identity.ceremonies.take("authorize", token)
        if form.get("answer") != "yes":
            return self._tell(visit, asked.redirect_uri, asked.state, AccessDeniedError("the person said no"))
        person, _ = visit.who()
        await self.identity.recorder.before(
            f"person:{person.id}", "consent", f"app:{client.id}", scopes=" ".join(sorted(asked.scopes))
        )
        await self.identity.grants.consent(person.id, client.id, asked.scopes)
        return await self._give(visit, client, asked)

    async def _give(self, visit: Visit, client: Client, asked: Asked) -> Response:
        person, session = visit.who()
        grants = self.identity.grants
        grant = await grants.add(
            client.id, asked.scopes, person.id, session.id, session.methods, session.signed_in_at, asked.nonce,
            asked.claims, asked.userinfo,
        )  # fmt: skip
        code = await grants.new_code(grant, asked.redirect_uri, asked.challenge)
        answer = {"code": code, "iss": self.identity.issuer}
        return self._back(
            visit, asked.redirect_uri, answer | ({"state": asked.state} if asked.state is not None else {})
        )

    def _tell(self, visit: Visit, redirect_uri: str, state: str | None, error: OAuth2Error) -> Response:
        return self._back(visit, redirect_uri, error_parameters(error, state, self.identity.issuer))

    def _back(self, visit: Visit, redirect_uri: str, answer: Form) -> Response:
        joint = "&" if urlsplit(redirect_uri).query else "?"
        return go(visit, f"{redirect_uri}{joint}{urlencode(answer)}")
