"""What a client gets for what it shows: the grants of the token endpoint, revocation, introspection, claims of a person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from authlib.oauth2.rfc6749.errors import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)

from madang.base.clock import Clock
from madang.base.errors import NotFound, Unauthorized
from madang.base.limits import ACCESS_TOKEN_LIFETIME_S, DEVICE_CODE_INTERVAL_S, DEVICE_CODE_LIFETIME_S
from madang.trust.audit.recorder import Recorder
from madang.trust.identity import clients as kinds
from madang.trust.identity.claims import claims_of
from madang.trust.identity.clients import Client, Clients
from madang.trust.identity.device_codes import DeviceCodes
from madang.trust.identity.grants import Grant, Grants, Reused
from madang.trust.identity.keys import KeyRing
from madang.trust.identity.people import People
from madang.trust.identity.person import Person, acr_of
from madang.trust.identity.tokens import Claims, read_access_token, sign_access_token, sign_id_token

ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
Answer = dict[str, Any]
Form = Mapping[str, str]


@dataclass(frozen=True)
class Provider:
    """One city's OpenID provider. `issuer` is its address, without a slash at the end."""

    issuer: str
    ring: KeyRing
    people: People
    clients: Clients
    grants: Grants
    device_codes: DeviceCodes
    recorder: Recorder
    clock: Clock

    def now_s(self) -> int:
        return int(self.clock.now().timestamp())

    async def token(self, client: Client, form: Form) -> Answer:
        """The answer of the token endpoint (RFC 6749, 5.1). Raises OAuth2Error; what came a second time is on record."""
        kind = form.get("grant_type", "")
        ways: dict[str, Callable[[Client, Form], Awaitable[Answer]]] = {
            kinds.CODE: self._by_code,
            kinds.REFRESH: self._by_refresh_token,
            kinds.CREDENTIALS: self._by_credentials,
            kinds.DEVICE_CODE: self._by_device_code,
            kinds.EXCHANGE: self._by_exchange,
        }
        if not kind:
            raise InvalidRequestError("grant_type is missing")
        if kind not in ways:
            raise UnsupportedGrantTypeError(kind[:80] if kind.isascii() and kind.isprintable() else "")
        if kind not in client.grants:
            raise UnauthorizedClientError("this client may not use this grant")
        try:
            return await ways[kind](client, form)
        except Reused as error:
            self.recorder.after(f"app:{client.id}", "token.reused", f"grant:{error.grant}", "", "refused", grant=kind)
            raise

    async def _by_code(self, client: Client, form: Form) -> Answer:
        code, verifier = _given(form, "code"), _given(form, "code_verifier")
        grant = await self.grants.take_code(code, client.id, form.get("redirect_uri"), verifier)
        return await self._answer(client, grant, grant.scopes, refresh=True)

    async def _by_refresh_token(self, client: Client, form: Form) -> Answer:
        token = _given(form, "refresh_token")
        held = await self.grants.find_by_refresh_token(token)
        scopes = _narrowed(form, held.scopes) if held is not None else frozenset()
        grant = await self.grants.take_refresh_token(token, client.id)
        return await self._answer(client, grant, scopes or grant.scopes, refresh=True)

    async def _by_credentials(self, client: Client, form: Form) -> Answer:
        own = client.scopes - {"openid", "profile", "email", "offline_access"}
        grant = await self.grants.add(client.id, _narrowed(form, own))
        return await self._answer(client, grant, grant.scopes)

    async def _by_device_code(self, client: Client, form: Form) -> Answer:
        grant_id = await self.device_codes.poll(_given(form, "device_code"), client.id)
        grant = await self.grants.find(grant_id)
        if grant is None:
            raise InvalidGrantError("ended")
        return await self._answer(client, grant, grant.scopes, refresh=True)

    async def _by_exchange(self, client: Client, form: Form) -> Answer:
        """RFC 8693: the same subject, no more scopes, no longer than what was shown, and who acts."""
        if form.get("subject_token_type") != ACCESS_TOKEN_TYPE or "actor_token" in form:
            raise InvalidRequestError("subject_token_type: an access token, and no actor_token")
        if form.get("requested_token_type", ACCESS_TOKEN_TYPE) != ACCESS_TOKEN_TYPE:
            raise InvalidRequestError("requested_token_type: an access token")
        claims, grant = await self.verified(_given(form, "subject_token"))
        audience = form.get("audience", "")
        if audience and audience != self.issuer and await self.clients.find(audience) is None:
            raise OAuth2Error("audience: unknown", error="invalid_target")
        scopes = _narrowed(form, frozenset(claims["scope"].split()) & client.scopes)
        token, made = sign_access_token(
            self.ring, self.issuer, claims["sub"], client.id, grant.id, scopes, self.now_s(), audience, claims["exp"],
            client.id,
        )  # fmt: skip
        who, whom = f"app:{client.id}", f"{'person' if grant.person else 'app'}:{claims['sub']}"
        self.recorder.after(who, "token.exchange", whom, "", "done", scope=made["scope"])
        return _bearer(token, made, self.now_s()) | {"issued_token_type": ACCESS_TOKEN_TYPE}

    async def verified(self, token: str) -> tuple[Claims, Grant]:
        """Claims of an access token whose grant holds. Raises InvalidGrantError."""
        try:
            claims = read_access_token(self.ring, token, self.issuer, self.clock.now().timestamp())
        except Unauthorized:
            raise InvalidGrantError("this token opens nothing here") from None
        grant = await self.grants.find(str(claims["grant"]))
        if grant is None or await self._is_revoked(claims["jti"]):
            raise InvalidGrantError("what this token was given for has ended")
        return claims, grant

    async def _is_revoked(self, jti: str) -> bool:
        sql = "SELECT EXISTS (SELECT 1 FROM oauth_revoked WHERE jti = $1)"
        return bool(await self.people.pool.fetchval(sql, jti))

    async def _answer(self, client: Client, grant: Grant, scopes: Iterable[str], refresh: bool = False) -> Answer:
        """Tokens of a grant. Raises InvalidGrantError when its person's account has ended."""
        now_s = self.now_s()
        subject = grant.person or client.id
        token, claims = sign_access_token(self.ring, self.issuer, subject, client.id, grant.id, scopes, now_s)
        answer = _bearer(token, claims, now_s)
        if refresh and "offline_access" in grant.scopes and kinds.REFRESH in client.grants:
            answer["refresh_token"] = await self.grants.new_refresh_token(grant.id)
        if grant.person is not None and "openid" in claims["scope"].split():
            person = await self._person(grant.person)
            answer["id_token"] = sign_id_token(self.ring, self._id_claims(client, grant, person), token, now_s)
        return answer

    async def _person(self, person_id: str) -> Person:
        try:
            return await self.people.find(person_id)
        except NotFound:
            raise InvalidGrantError("this account has ended") from None

    def _id_claims(self, client: Client, grant: Grant, person: Person) -> Claims:
        claims: Claims = {"iss": self.issuer, "sub": person.id, "aud": client.id, "azp": client.id}
        claims |= {"acr": acr_of(grant.methods), "amr": list(grant.methods)}
        if grant.signed_in_at is not None:
            claims["auth_time"] = int(grant.signed_in_at.timestamp())
        if grant.nonce is not None:
            claims["nonce"] = grant.nonce
        if grant.session is not None:
            claims["sid"] = grant.session
        asked = claims_of(person, ("profile", "email"))
        return claims | {name: asked[name] for name in grant.claims if name in asked}

    async def begin_device(self, client: Client, form: Form) -> Answer:
        """RFC 8628, 3.2. Raises OAuth2Error."""
        if kinds.DEVICE_CODE not in client.grants:
            raise UnauthorizedClientError("this client may not use this grant")
        device_code, user_code = await self.device_codes.begin(client.id, _narrowed(form, client.scopes))
        address = f"{self.issuer}/oauth/device"
        return {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": address,
            "verification_uri_complete": f"{address}?user_code={user_code}",
            "expires_in": DEVICE_CODE_LIFETIME_S,
            "interval": DEVICE_CODE_INTERVAL_S,
        }

    async def userinfo(self, token: str) -> Claims:
        """Claims of whom the token is about (OpenID Connect Core 1.0, 5.3). Raises InvalidGrantError, InvalidScopeError."""
        claims, grant = await self.verified(token)
        scopes = frozenset(claims["scope"].split())
        if grant.person is None or "openid" not in scopes:
            raise InvalidScopeError("this token does not open userinfo")
        person = await self._person(grant.person)
        asked = claims_of(person, ("profile", "email"))
        return claims_of(person, scopes) | {name: asked[name] for name in grant.userinfo if name in asked}

    async def revoke(self, client: Client, token: str) -> None:
        """RFC 7009: a refresh token with all of its grant, an access token alone; what is another's or unknown is nothing."""
        grant = await self.grants.find_by_refresh_token(token)
        if grant is not None:
            if grant.client == client.id:
                await self.grants.end(grant.id)
            return
        try:
            claims, _ = await self.verified(token)
        except InvalidGrantError:
            return
        if claims["client_id"] == client.id:
            await self.grants.revoke(claims["jti"], datetime.fromtimestamp(claims["exp"], UTC))

    async def introspect(self, client: Client, token: str) -> Answer:
        """RFC 7662: of its own tokens, and of those of others when the client has the scope `introspect`."""
        grant = await self.grants.find_by_refresh_token(token)
        if grant is not None:
            told: Answer = {"client_id": grant.client, "scope": " ".join(sorted(grant.scopes)), "sub": grant.person}
            return {"active": True, "iss": self.issuer, **told} if self._may_ask(client, grant.client) else _INACTIVE
        try:
            claims, _ = await self.verified(token)
        except InvalidGrantError:
            return _INACTIVE
        if not self._may_ask(client, claims["client_id"]):
            return _INACTIVE
        shown = {name: value for name, value in claims.items() if name != "grant"}
        return {"active": True, "token_type": "Bearer", **shown}

    def _may_ask(self, client: Client, about: str) -> bool:
        return client.id == about or "introspect" in client.scopes


_INACTIVE: Answer = {"active": False}


def _bearer(token: str, claims: Claims, now_s: int) -> Answer:
    lifetime = min(claims["exp"] - now_s, ACCESS_TOKEN_LIFETIME_S)
    return {"access_token": token, "token_type": "Bearer", "expires_in": lifetime, "scope": claims["scope"]}


def _given(form: Form, name: str) -> str:
    if not form.get(name):
        raise InvalidRequestError(f"{name} is missing")
    return form[name]


def _narrowed(form: Form, held: frozenset[str]) -> frozenset[str]:
    """The scopes asked for, all of them without a word. Raises InvalidScopeError for more than is held, and for none."""
    asked = frozenset(form.get("scope", "").split()) or held
    if not asked or not asked <= held:
        raise InvalidScopeError("scope: more than is open")
    return asked
