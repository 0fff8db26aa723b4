"""Tokens as JWTs: access tokens (RFC 9068) and id_tokens (OpenID Connect Core 1.0, 2), signed and verified. Time is an argument."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from authlib.oidc.core.util import create_half_hash
from joserfc import jwt
from joserfc.errors import JoseError

from madang.base.errors import Unauthorized
from madang.base.limits import ACCESS_TOKEN_LIFETIME_S
from madang.trust.identity.keys import ACCESS_TOKEN_ALG, ID_TOKEN_ALG, KeyRing
from madang.trust.identity.secrets import new_id

ACCESS_TYPE, ID_TYPE = "at+jwt", "JWT"
Claims = dict[str, Any]


def sign_access_token(
    ring: KeyRing, issuer: str, subject: str, client: str, grant: str, scopes: Iterable[str], now_s: int,
    audience: str = "", ends_s: int | None = None, actor: str = "",
) -> tuple[str, Claims]:  # fmt: skip
    """The token and its claims. `grant` is what it was made under and ends with; `ends_s` an end before the usual one;
    `actor` who acts for the subject (RFC 8693, 4.1)."""
    usual = now_s + ACCESS_TOKEN_LIFETIME_S
    claims: Claims = {
        "iss": issuer,
        "aud": audience or issuer,
        "sub": subject,
        "client_id": client,
        "scope": " ".join(sorted(scopes)),
        "iat": now_s,
        "exp": usual if ends_s is None else min(usual, ends_s),
        "jti": new_id(),
        "grant": grant,
    }
    if actor:
        claims["act"] = {"sub": actor}
    return _sign(ring, ACCESS_TOKEN_ALG, ACCESS_TYPE, claims), claims


def sign_id_token(ring: KeyRing, claims: Mapping[str, Any], access_token: str, now_s: int) -> str:
    """`claims` beside those of its time and of the access token it came with (3.1.3.6)."""
    half = create_half_hash(access_token, ID_TOKEN_ALG).decode()
    timed = {"iat": now_s, "exp": now_s + ACCESS_TOKEN_LIFETIME_S, "at_hash": half}
    return _sign(ring, ID_TOKEN_ALG, ID_TYPE, {**claims, **timed})


def read_access_token(ring: KeyRing, token: str, issuer: str, now_s: float, audience: str = "") -> Claims:
    """Claims of a token that is ours, for `audience` (us, unless said), of the right kind and not past its end. Raises
    Unauthorized: whether its grant still holds is in the database."""
    claims = _read(ring, token, ACCESS_TYPE, ACCESS_TOKEN_ALG)
    audiences = claims.get("aud")
    meant = (audience or issuer) in (audiences if isinstance(audiences, list) else [audiences])
    ends = claims.get("exp")
    if claims.get("iss") != issuer or not meant or not isinstance(ends, int) or now_s >= ends:
        raise Unauthorized("this token has expired or is not for here")
    return claims


def read_id_token_hint(ring: KeyRing, token: str, issuer: str) -> Claims:
    """Claims of an id_token that was once ours; its end does not matter (RP-Initiated Logout 1.0, 4). Raises Unauthorized."""
    claims = _read(ring, token, ID_TYPE, ID_TOKEN_ALG)
    if claims.get("iss") != issuer:
        raise Unauthorized("this token is not ours")
    return claims


def _sign(ring: KeyRing, alg: str, typ: str, claims: Claims) -> str:
    kid, key = ring.signing(alg)
    return jwt.encode({"alg": alg, "typ": typ, "kid": kid}, claims, key, algorithms=[alg])


def _read(ring: KeyRing, token: str, typ: str, alg: str) -> Claims:
    """Only by the algorithm of its kind and a key of ours: what the header says besides decides nothing (RFC 8725, 3.1)."""

    def key_of(guest: Any) -> Any:
        found = ring.verifying(guest.headers().get("kid"))
        if found is None or found[0] != alg:
            raise ValueError("no such key")
        return found[1]

    try:
        read = jwt.decode(token, key_of, algorithms=[alg])
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise Unauthorized("this token opens nothing here") from None
    if str(read.header.get("typ", "")).lower() not in (typ.lower(), f"application/{typ.lower()}"):
        raise Unauthorized("this is another kind of token")
    return dict(read.claims)
