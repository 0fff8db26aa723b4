"""An authorization request (OpenID Connect Core 1.0, 3.1.2.1; RFC 7636): what is asked, and whether that can be. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from authlib.oauth2.rfc6749.errors import (
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    UnauthorizedClientError,
    UnsupportedResponseTypeError,
)
from authlib.oidc.core.errors import RequestNotSupportedError, RequestURINotSupportedError

from madang.trust.identity.claims import CLAIMS_OF
from madang.trust.identity.clients import CODE, Client
from madang.trust.identity.sessions import Session

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_CHALLENGE = re.compile(r"[A-Za-z0-9\-_]{43}")


@dataclass(frozen=True)
class Asked:
    """`scopes` that are understood and open to the client; `claims` wanted in the id_token, `userinfo` at the userinfo endpoint,
    by name."""

    redirect_uri: str
    state: str | None
    scopes: frozenset[str]
    challenge: str
    nonce: str | None = None
    prompts: frozenset[str] = frozenset()
    max_age_s: int | None = None
    claims: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    login_hint: str = ""
    id_token_hint: str = ""


def redirect_uri_of(client: Client, parameters: Mapping[str, str]) -> str | None:
    """The address to answer to: exactly one that is registered; None when the person must be told instead (3.1.2.6)."""
    uri = parameters.get("redirect_uri")
    return uri if uri in client.redirect_uris else None


def check_request(client: Client, parameters: Mapping[str, str], redirect_uri: str) -> Asked:
    """Raises OAuth2Error for the client to hear at its address."""
    _check_kind(client, parameters)
    prompts = frozenset(parameters.get("prompt", "").split())
    if prompts - PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise InvalidRequestError("prompt: none alone, or of login, consent and select_account")
    scopes = frozenset(parameters.get("scope", "").split()) & client.scopes
    if not scopes:
        raise InvalidScopeError("scope: nothing of it is open to this client")
    in_id_token, in_userinfo = _claims(parameters.get("claims"))
    return Asked(
        redirect_uri,
        parameters.get("state"),
        scopes,
        _challenge(parameters),
        parameters.get("nonce"),
        prompts,
        _max_age(parameters.get("max_age")),
        in_id_token,
        in_userinfo,
        parameters.get("login_hint", "")[:100],
        parameters.get("id_token_hint", ""),
    )


def _check_kind(client: Client, parameters: Mapping[str, str]) -> None:
    if "request" in parameters:
        raise RequestNotSupportedError("request objects are not taken here")
    if "request_uri" in parameters:
        raise RequestURINotSupportedError("request objects are not taken here")
    if not parameters.get("response_type"):
        raise InvalidRequestError("response_type is missing")
    if parameters["response_type"] != "code":
        raise UnsupportedResponseTypeError(parameters["response_type"])
    if CODE not in client.grants:
        raise UnauthorizedClientError("this client may not use authorization_code")
    if parameters.get("response_mode", "query") != "query":
        raise InvalidRequestError("response_mode: query only")


def _challenge(parameters: Mapping[str, str]) -> str:
    challenge = parameters.get("code_challenge", "")
    if parameters.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequestError("code_challenge with code_challenge_method S256 is needed (RFC 7636)")
    return challenge


def _max_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidRequestError("max_age: seconds")
    return int(text)


def _claims(text: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names asked for in the id_token and at userinfo (5.5); what is not known is left out (5.5.1)."""
    if text is None:
        return (), ()
    try:
        asked: Any = msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        raise InvalidRequestError("claims: JSON") from None
    if not isinstance(asked, dict):
        raise InvalidRequestError("claims: an object")
    known = {name for names in CLAIMS_OF.values() for name in names}
    picked = (sorted(known & set(asked.get(part) or {})) for part in ("id_token", "userinfo"))
    in_id_token, in_userinfo = (tuple(names) for names in picked)
    return in_id_token, in_userinfo


def must_sign_in(asked: Asked, session: Session | None, began: datetime, now: datetime) -> bool:
    """Whether the person has to show anew who they are, for a request that came in at `began`."""
    if session is None:
        return True
    since = session.signed_in_at >= began
    wanted = bool(asked.prompts & {"login", "select_account"})
    old = asked.max_age_s is not None and now - session.signed_in_at > timedelta(seconds=asked.max_age_s)
    return (wanted or old) and not since


def must_consent(asked: Asked, consented: frozenset[str], just_said: bool) -> bool:
    """Whether the person has to be asked what the client may know and do."""
    return not just_said and ("consent" in asked.prompts or not asked.scopes <= consented)


def error_parameters(error: OAuth2Error, state: str | None, issuer: str) -> dict[str, str]:
    """What the client is told at its address (RFC 6749, 4.1.2.1; RFC 9207)."""
    body = {name: str(value) for name, value in error.get_body()}
    return body | ({"state": state} if state is not None else {}) | {"iss": issuer}
