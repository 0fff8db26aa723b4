"""What PyPI's `authlib` client does with an OpenID provider: authlib_calls.py ISSUER CLIENT SECRET REDIRECT LOGIN PASSWORD"""

from __future__ import annotations

import json
import re
import secrets
import sys
from collections.abc import Callable
from typing import Any

import httpx
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet

ISSUER, CLIENT, SECRET, REDIRECT, LOGIN, PASSWORD = sys.argv[1:7]
SCOPE = "openid profile offline_access madang"


def held(text: str, action: str) -> tuple[str, dict[str, str]]:
    form = next(part for part in text.split("<form") if f'action="{action}' in part).split("</form>")[0]
    return re.findall(r'action="([^"]+)"', form)[0], dict(
        re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form)
    )


def person(address: str) -> str:
    """Signs in, says yes, and gives the address the client is answered at."""
    with httpx.Client(base_url=ISSUER, trust_env=False) as browser:
        page = browser.get(address)
        steps = [("/sign-in", {"login": LOGIN, "password": PASSWORD}), ("/oauth/authorize/", {"answer": "yes"})]
        while True:
            while page.is_redirect:
                to = page.headers["location"]
                if to.startswith(REDIRECT):
                    return str(to)
                page = browser.get(to)
            action, given = steps.pop(0)
            where, fields = held(page.text, f'{action}"' if action == "/sign-in" else action)
            page = browser.post(where, data=fields | given, headers={"origin": ISSUER})


class Calls:
    def __init__(self) -> None:
        self.about: dict[str, Any] = httpx.get(f"{ISSUER}/.well-known/openid-configuration", trust_env=False).json()
        self.client = OAuth2Client(
            CLIENT, SECRET, scope=SCOPE, redirect_uri=REDIRECT, code_challenge_method="S256", trust_env=False,
            token_endpoint=self.about["token_endpoint"],
        )  # fmt: skip
        self.verifier, self.nonce, self.answer = secrets.token_urlsafe(40), secrets.token_urlsafe(8), ""

    def create_authorization_url(self) -> bool:
        address, state = self.client.create_authorization_url(
            self.about["authorization_endpoint"], code_verifier=self.verifier, nonce=self.nonce, prompt="consent"
        )
        self.answer = person(address)
        return f"state={state}" in self.answer

    def fetch_token(self) -> bool:
        self.client.fetch_token(
            self.about["token_endpoint"], authorization_response=self.answer, code_verifier=self.verifier
        )
        return "id_token" in self.client.token

    def decode_id_token(self) -> bool:
        keys = KeySet.import_key_set(httpx.get(self.about["jwks_uri"], trust_env=False).json())
        claims = jwt.decode(self.client.token["id_token"], keys, algorithms=["RS256"]).claims
        registry = jwt.JWTClaimsRegistry(
            iss={"value": ISSUER, "essential": True}, aud={"value": CLIENT}, nonce={"value": self.nonce}
        )
        registry.validate(claims)
        return True

    def userinfo(self) -> bool:
        return bool(self.client.get(self.about["userinfo_endpoint"]).json()["preferred_username"] == LOGIN)

    def introspect_token(self) -> bool:
        told = self.client.introspect_token(self.about["introspection_endpoint"], self.client.token["access_token"])
        return bool(told.json()["active"])

    def refresh_token(self) -> bool:
        before = self.client.token["refresh_token"]
        return bool(self.client.refresh_token(self.about["token_endpoint"])["refresh_token"] != before)

    def client_credentials(self) -> bool:
        with OAuth2Client(CLIENT, SECRET, scope="madang", trust_env=False) as own:
            return "access_token" in own.fetch_token(self.about["token_endpoint"], grant_type="client_credentials")

    def revoke_token(self) -> bool:
        self.client.revoke_token(self.about["revocation_endpoint"], self.client.token["refresh_token"])
        told = self.client.introspect_token(self.about["introspection_endpoint"], self.client.token["access_token"])
        return bool(told.json()["active"] is False)


def tell(call: Callable[[], bool]) -> str:
    try:
        return "ok" if call() else "another answer than expected"
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]


if __name__ == "__main__":
    calls = Calls()
    names = [name for name in vars(Calls) if not name.startswith("_")]
    print(json.dumps({name: tell(getattr(calls, name)) for name in names}))
