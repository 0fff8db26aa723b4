"""The endpoints of the provider that programs call: tokens, revocation, introspection, userinfo, keys, discovery."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
)

from madang.base.errors import MadangError
from madang.people.http import Handler, Request, Response
from madang.people.identity.visit import Form, read_form
from madang.trust.identity import clients as kinds
from madang.trust.identity.claims import CLAIMS_OF
from madang.trust.identity.clients import Client
from madang.trust.identity.house import Identity
from madang.trust.identity.keys import ACCESS_TOKEN_ALG, ID_TOKEN_ALG

_NOT_KEPT = [(b"cache-control", b"no-store"), (b"pragma", b"no-cache"), (b"x-content-type-options", b"nosniff")]
_EVERYWHERE = [(b"access-control-allow-origin", b"*")]
"""These endpoints take no cookies, so a page of any origin may call them with what it holds."""
_PREFLIGHT = [
    *_EVERYWHERE,
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, content-type"),
    (b"access-control-max-age", b"600"),
]
ClientHandler = Callable[[Client, Form], Awaitable[Any]]


class TokenDoor:
    """`/oauth/token` and its neighbours, `/.well-known/openid-configuration`."""

    def __init__(self, identity: Identity) -> None:
        self._identity, self._provider = identity, identity.provider

    @property
    def table(self) -> dict[str, dict[str, Handler]]:
        provider = self._provider
        posts: dict[str, ClientHandler] = {
            "oauth/token": provider.token,
            "oauth/revoke": self._revoke,
            "oauth/introspect": self._introspect,
            "oauth/device_authorization": provider.begin_device,
        }
        return {
            **{path: {"POST": self._for_client(handler), "OPTIONS": _preflight} for path, handler in posts.items()},
            "oauth/userinfo": {"GET": self._userinfo, "POST": self._userinfo, "OPTIONS": _preflight},
            "oauth/jwks": {"GET": self._jwks, "OPTIONS": _preflight},
            ".well-known/openid-configuration": {"GET": self._metadata, "OPTIONS": _preflight},
            ".well-known/oauth-authorization-server": {"GET": self._metadata, "OPTIONS": _preflight},
        }

    def _for_client(self, handler: ClientHandler) -> Handler:
        """A form of a client that showed who it is."""

        async def handle(request: Request) -> Response:
            try:
                form = await _form(request)
                return _answer(await handler(await self._client(request, form), form))
            except OAuth2Error as error:
                return _problem(error)

        return handle

    async def _client(self, request: Request, form: Form) -> Client:
        """By HTTP Basic or in the form, never both (RFC 6749, 2.3). Raises InvalidClientError, InvalidRequestError."""
        header = request.header(b"authorization")
        if not header:
            return await self._identity.clients.authenticate(form.get("client_id", ""), form.get("client_secret"))
        if "client_secret" in form:
            raise InvalidRequestError("two ways of showing who the client is")
        client_id, secret = read_basic(header)
        if form.get("client_id", client_id) != client_id:
            raise InvalidRequestError("client_id is not who the client is")
        return await self._identity.clients.authenticate(client_id, secret)

    async def _revoke(self, client: Client, form: Form) -> Any:
        if not form.get("token"):
            raise InvalidRequestError("token is missing")
        await self._provider.revoke(client, form["token"])
        return None

    async def _introspect(self, client: Client, form: Form) -> Any:
        if client.secret is None:
            raise InvalidClientError("a public client may not ask", status_code=401)
        if not form.get("token"):
            raise InvalidRequestError("token is missing")
        return await self._provider.introspect(client, form["token"])

    async def _userinfo(self, request: Request) -> Response:
        """The token in the header or in the form (RFC 6750, 2)."""
        try:
            kind, _, token = request.header(b"authorization").partition(" ")
            if not token and request.method == "POST" and request.media_type == "application/x-www-form-urlencoded":
                kind, token = "bearer", (await _form(request)).get("access_token", "")
            if kind.lower() != "bearer" or not token:
                return Response(401, b"", [(b"www-authenticate", b"Bearer"), *_NOT_KEPT, *_EVERYWHERE])
            return _answer(await self._provider.userinfo(token.strip()))
        except InvalidGrantError as error:
            return _bearer_problem(401, "invalid_token", error)
        except InvalidScopeError as error:
            return _bearer_problem(403, "insufficient_scope", error)
        except OAuth2Error as error:
            return _bearer_problem(400, "invalid_request", error)

    async def _jwks(self, request: Request) -> Response:
        response = Response.json(self._identity.ring.public(), media=b"application/jwk-set+json")
        response.headers += [(b"cache-control", b"public, max-age=300"), *_EVERYWHERE]
        return response

    async def _metadata(self, request: Request) -> Response:
        response = Response.json(metadata(self._identity.issuer))
        response.headers += [(b"cache-control", b"public, max-age=300"), *_EVERYWHERE]
        return response


def metadata(issuer: str) -> dict[str, Any]:
    """OpenID Connect Discovery 1.0, 3 and RFC 8414, 2: only what there is."""
    oauth = f"{issuer}/oauth"
    methods = ["client_secret_basic", "client_secret_post", "none"]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{oauth}/authorize",
        "token_endpoint": f"{oauth}/token",
        "userinfo_endpoint": f"{oauth}/userinfo",
        "jwks_uri": f"{oauth}/jwks",
        "revocation_endpoint": f"{oauth}/revoke",
        "introspection_endpoint": f"{oauth}/introspect",
        "device_authorization_endpoint": f"{oauth}/device_authorization",
        "end_session_endpoint": f"{oauth}/logout",
        "scopes_supported": list(kinds.SCOPES),
        "claims_supported": sorted(
            {"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid", "at_hash"}
            | {name for names in CLAIMS_OF.values() for name in names}
        ),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(kinds.GRANTS),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ID_TOKEN_ALG],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods[:2],
        "code_challenge_methods_supported": ["S256"],
        "acr_values_supported": ["pwd", "mfa", "phr"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "display_values_supported": ["page"],
        "ui_locales_supported": ["ko", "en"],
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "access_token_signing_alg_values_supported": [ACCESS_TOKEN_ALG],
    }


def read_basic(header: str) -> tuple[str, str]:
    """Name and secret, each form-encoded first (RFC 6749, 2.3.1). Raises InvalidClientError."""
    kind, _, encoded = header.partition(" ")
    try:
        name, found, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise InvalidClientError("the Authorization header cannot be read", status_code=401) from None
    if kind.lower() != "basic" or not found or "\x00" in name:
        raise InvalidClientError("Basic with a name and a secret", status_code=401)
    return unquote_plus(name), unquote_plus(secret)


async def _form(request: Request) -> Form:
    try:
        return await read_form(request)
    except MadangError as error:
        raise InvalidRequestError(error.detail) from None


async def _preflight(request: Request) -> Response:
    return Response(204, b"", list(_PREFLIGHT))


def _answer(value: Any) -> Response:
    response = Response(200, b"") if value is None else Response.json(value)
    response.headers += [*_NOT_KEPT, *_EVERYWHERE]
    return response


def _problem(error: OAuth2Error) -> Response:
    status, body, headers = error()
    response = Response.json(body, status)
    told = [(name.lower().encode(), value.encode()) for name, value in headers if name == "WWW-Authenticate"]
    response.headers += [*_NOT_KEPT, *_EVERYWHERE, *told]
    return response


def _bearer_problem(status: int, code: str, error: OAuth2Error) -> Response:
    """RFC 6750, 3."""
    response = Response.json({"error": code, "error_description": error.description or ""}, status)
    challenge = f'Bearer error="{code}", error_description="{error.description or ""}"'
    response.headers += [*_NOT_KEPT, *_EVERYWHERE, (b"www-authenticate", challenge.encode())]
    return response
