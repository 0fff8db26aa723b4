"""Signing in at another OpenID provider: we are its client, by code with PKCE, and believe only what it signed for us."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from madang.base.clock import Clock
from madang.base.errors import Unauthorized
from madang.base.limits import UPSTREAM_BODY_MAX_BYTES, UPSTREAM_TIMEOUT_S
from madang.engine.outward import Network, open_session, read_bounded
from madang.engine.sealing import Seal
from madang.trust.identity.ceremonies import Ceremonies
from madang.trust.identity.upstream import Upstream, Upstreams

ALGORITHMS = ["RS256", "ES256", "PS256"]
SKEW_S = 60
"""How far another provider's clock may be off."""
Claims = dict[str, Any]


@dataclass(frozen=True)
class Returned:
    """Who came back: `subject` is the provider's; `link` whom of ours they asked to be linked to; `onward` where they go on."""

    upstream: Upstream
    subject: str
    claims: Claims
    onward: str
    link: str


class Outward:
    """The ways out and back. `back` is our own redirect_uri at every provider; `allowed` the private networks where one may be."""

    def __init__(
        self,
        upstreams: Upstreams,
        ceremonies: Ceremonies,
        seal: Seal,
        clock: Clock,
        issuer: str,
        allowed: Sequence[Network],
    ) -> None:
        self._upstreams, self._ceremonies, self._seal, self._clock = upstreams, ceremonies, seal, clock
        self._allowed = allowed
        self.back = f"{issuer}/sign-in/from"

    async def begin(self, upstream_id: str, browser: str, onward: str, link: str = "") -> str:
        """The address to go to. `browser` is a secret of the browser that must come back. Raises NotFound, Unauthorized."""
        upstream = await self._upstreams.find(upstream_id)
        told = await self._metadata(upstream)
        about = {"upstream": upstream.id, "browser": self._seal.sign(f"out:{browser}"), "onward": onward, "link": link}
        state = await self._ceremonies.begin("outward", about)
        asked = {
            "response_type": "code",
            "client_id": upstream.client_id,
            "redirect_uri": self.back,
            "scope": "openid profile email",
            "state": state,
            "nonce": self._derived("nonce", state),
            "code_challenge": create_s256_code_challenge(self._derived("verifier", state)),
            "code_challenge_method": "S256",
        }
        return f"{told['authorization_endpoint']}?{urlencode(asked)}"

    async def finish(self, browser: str, given: dict[str, str]) -> Returned:
        """Raises BadRequest for a way back that nobody began, Unauthorized for everything that does not fit."""
        state = given.get("state", "")
        about = await self._ceremonies.take("outward", state)
        if not self._seal.fits(about["browser"], f"out:{browser}"):
            raise _refused("another browser began this")
        upstream = await self._upstreams.find(about["upstream"])
        if "code" not in given or given.get("iss", upstream.issuer) != upstream.issuer:
            raise _refused("no code of this provider")
        claims = await self._claims(upstream, given["code"], state)
        return Returned(upstream, str(claims["sub"]), claims, about["onward"], about["link"])

    async def _claims(self, upstream: Upstream, code: str, state: str) -> Claims:
        told = await self._metadata(upstream)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.back,
            "code_verifier": self._derived("verifier", state),
        }
        credentials = {"authorization": aiohttp.encode_basic_auth(upstream.client_id, upstream.secret)}
        tokens = await self._ask("POST", told["token_endpoint"], data=form, headers=credentials)
        keys = await self._ask("GET", told["jwks_uri"])
        now_s = self._clock.now().timestamp()
        claims = check_id_token(str(tokens.get("id_token")), keys, upstream, self._derived("nonce", state), now_s)
        return await self._named(told, tokens, claims)

    async def _named(self, told: Claims, tokens: Claims, claims: Claims) -> Claims:
        """With what userinfo adds, when it is about the same subject (5.3.2)."""
        if not isinstance(told.get("userinfo_endpoint"), str):
            return claims
        bearer = {"authorization": f"Bearer {tokens.get('access_token')}"}
        more = await self._ask("GET", told["userinfo_endpoint"], headers=bearer)
        return {**more, **claims} if more.get("sub") == claims["sub"] else claims

    async def _metadata(self, upstream: Upstream) -> Claims:
        told = await self._ask("GET", f"{upstream.issuer}/.well-known/openid-configuration")
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if told.get("issuer") != upstream.issuer or any(not isinstance(told.get(name), str) for name in wanted):
            raise _refused("not the provider it was registered as")
        return told

    async def _ask(self, method: str, address: str, **more: Any) -> Claims:
        """An object, within limits. Raises Unauthorized."""
        try:
            async with (
                asyncio.timeout(UPSTREAM_TIMEOUT_S),
                open_session(self._allowed) as http,
                http.request(method, address, allow_redirects=False, **more) as answer,
            ):
                body = await read_bounded(answer, UPSTREAM_BODY_MAX_BYTES)
                told = msgspec.json.decode(body) if answer.status == 200 else None
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            raise _refused("it does not answer as a provider does") from None
        if not isinstance(told, dict):
            raise _refused("it refused")
        return told

    def _derived(self, purpose: str, state: str) -> str:
        """Secrets of one way out, which are nowhere kept."""
        return self._seal.sign(f"outward:{purpose}:{state}")


def check_id_token(token: str, keys: Claims, upstream: Upstream, nonce: str, now_s: float) -> Claims:
    """Its claims (OpenID Connect Core 1.0, 3.1.3.7). Raises Unauthorized. Pure."""
    try:
        read = jwt.decode(token, KeySet.import_key_set({"keys": keys["keys"]}), algorithms=ALGORITHMS)
        claims = dict(read.claims)
        ends, made = float(claims["exp"]), float(claims["iat"])
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise _refused("its id_token cannot be believed") from None
    audiences = claims.get("aud")
    meant = [audiences] if isinstance(audiences, str) else audiences
    ours = (
        isinstance(meant, list)
        and upstream.client_id in meant
        and claims.get("azp", upstream.client_id) == upstream.client_id
    )
    timely = now_s < ends + SKEW_S and made < now_s + SKEW_S
    if (
        claims.get("iss") != upstream.issuer
        or not ours
        or not timely
        or claims.get("nonce") != nonce
        or not claims.get("sub")
    ):
        raise _refused("its id_token is not for this")
    return claims


def _refused(why: str) -> Unauthorized:
    return Unauthorized(f"the other provider did not vouch for you: {why}", reason="provider")
