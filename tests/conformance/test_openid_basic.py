"""The OpenID Foundation's basic certification plan, module by module under its own name, over real HTTP.

Every request carries PKCE, which this provider always wants.
"""

from __future__ import annotations

import base64
from typing import Any

import httpx
import msgspec
import pytest
from joserfc import jwk, jwt
from tests.browsing import CALLBACK, CHALLENGE, VERIFIER, Browser, City

from madang.trust.identity.clients import Client

pytestmark = pytest.mark.engine


class Plan:
    """One person, one client that authenticates by client_secret_basic, one browser."""

    def __init__(self, city: City, client: Client, secret: str, subject: str) -> None:
        self.city, self.client, self.secret, self.subject = city, client, secret, subject
        self.browser: Browser = city.browser()

    async def authorize(self, **more: str) -> dict[str, str]:
        return await self.city.authorize(self.browser, self.client, "mina", **more)

    async def tokens(self, **more: str) -> dict[str, Any]:
        """Through the whole flow."""
        answer = await self.authorize(**more)
        assert answer["state"] == "s1"
        assert answer["iss"] == self.city.identity.issuer
        told = await self.city.exchange(self.client, self.secret, answer["code"])
        assert (told.status_code, told.headers["cache-control"]) == (200, "no-store")
        return dict(told.json())

    async def claims(self, tokens: dict[str, Any]) -> dict[str, Any]:
        """Of an id_token, checked as 3.1.3.7 asks a relying party to."""
        async with httpx.AsyncClient(base_url=self.city.url, trust_env=False) as http:
            keys = jwk.KeySet.import_key_set((await http.get("oauth/jwks")).json())
        read = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"])
        claims = dict(read.claims)
        now = self.city.clock.now().timestamp()
        assert (claims["iss"], claims["aud"]) == (self.city.identity.issuer, self.client.id)
        assert claims["iat"] <= now < claims["exp"]
        return claims

    async def userinfo(self, token: str, method: str = "GET", **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(base_url=self.city.url, trust_env=False) as http:
            return await http.request(method, "oauth/userinfo", headers=headers, **more)


@pytest.fixture
async def plan(city: City) -> Plan:
    person = await city.person("mina", "analyst")
    client, secret = await city.registered()
    return Plan(city, client, secret, person.id)


async def test_oidcc_server(plan: Plan) -> None:
    tokens = await plan.tokens()
    claims = await plan.claims(tokens)
    assert (tokens["token_type"], claims["sub"], claims["nonce"]) == ("Bearer", plan.subject, "n1")
    assert {"auth_time", "acr", "amr", "at_hash", "sid"} <= claims.keys()


async def test_oidcc_response_type_missing(plan: Plan) -> None:
    answer = await plan.authorize(response_type="")
    assert (answer["error"], answer["state"]) == ("invalid_request", "s1")


async def test_oidcc_idtoken_signature(plan: Plan) -> None:
    tokens = await plan.tokens()
    header = msgspec.json.decode(base64.urlsafe_b64decode(tokens["id_token"].split(".")[0] + "=="))
    assert (header["alg"], set(header)) == ("RS256", {"alg", "typ", "kid"})
    await plan.claims(tokens)


async def test_oidcc_userinfo_get(plan: Plan) -> None:
    tokens = await plan.tokens()
    told = await plan.userinfo(tokens["access_token"])
    assert (told.status_code, told.json()) == (200, {"sub": plan.subject})


async def test_oidcc_userinfo_post_header(plan: Plan) -> None:
    tokens = await plan.tokens()
    told = await plan.userinfo(tokens["access_token"], "POST")
    assert (told.status_code, told.json()) == (200, {"sub": plan.subject})


async def test_oidcc_userinfo_post_body(plan: Plan) -> None:
    tokens = await plan.tokens()
    told = await plan.userinfo("", "POST", data={"access_token": tokens["access_token"]})
    assert (told.status_code, told.json()) == (200, {"sub": plan.subject})


async def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(plan: Plan) -> None:
    await plan.browser.get(plan.city.request(plan.client).replace("&nonce=n1", ""))
    await plan.browser.sign_in("mina")
    await plan.browser.submit("/oauth/authorize", answer="yes")
    told = await plan.city.exchange(plan.client, plan.secret, plan.browser.answer["code"])
    assert "nonce" not in await plan.claims(told.json())


@pytest.mark.parametrize(
    ("scope", "claims"),
    [
        ("openid profile", {"sub", "name", "preferred_username", "updated_at"}),  # oidcc-scope-profile
        ("openid email", {"sub", "email", "email_verified"}),  # oidcc-scope-email
        ("openid address", {"sub"}),  # oidcc-scope-address: not among scopes_supported
        ("openid phone", {"sub"}),  # oidcc-scope-phone: not among scopes_supported
        ("openid profile email address phone", {"sub", "name", "preferred_username", "updated_at", "email", "email_verified"}),
        ("email profile openid", {"sub", "name", "preferred_username", "updated_at", "email", "email_verified"}),
    ],
    ids=[
        "oidcc-scope-profile", "oidcc-scope-email", "oidcc-scope-address", "oidcc-scope-phone", "oidcc-scope-all",
        "oidcc-alternate-happy-flow",
    ],
)  # fmt: skip
async def test_oidcc_scope(plan: Plan, scope: str, claims: set[str]) -> None:
    tokens = await plan.tokens(scope=scope)
    assert set((await plan.userinfo(tokens["access_token"])).json()) == claims


@pytest.mark.parametrize(
    "more",
    [
        {"display": "page"},
        {"display": "popup"},
        {"extra": "foobar"},
        {"login_hint": "mina"},
        {"ui_locales": "se"},
        {"claims_locales": "se"},
        {"acr_values": "1 2"},
    ],
    ids=[
        "oidcc-display-page", "oidcc-display-popup", "oidcc-ensure-request-with-unknown-parameter-succeeds",
        "oidcc-login-hint", "oidcc-ui-locales", "oidcc-claims-locales", "oidcc-ensure-request-with-acr-values-succeeds",
    ],
)  # fmt: skip
async def test_oidcc_parameters_that_must_not_disturb(plan: Plan, more: dict[str, str]) -> None:
    assert (await plan.claims(await plan.tokens(**more)))["sub"] == plan.subject


async def test_oidcc_login_hint_fills_the_form(plan: Plan) -> None:
    await plan.browser.get(plan.city.request(plan.client, login_hint="mina"))
    assert 'value="mina"' in plan.browser.page.text


async def test_oidcc_prompt_login(plan: Plan) -> None:
    first = await plan.claims(await plan.tokens())
    plan.city.clock.pass_s(2)
    await plan.browser.get(plan.city.request(plan.client, prompt="login"))
    assert "/sign-in" in str(plan.browser.page.url)
    await plan.browser.sign_in("mina")
    told = await plan.city.exchange(plan.client, plan.secret, plan.browser.answer["code"])
    second = await plan.claims(told.json())
    assert (second["sub"], second["auth_time"] > first["auth_time"]) == (first["sub"], True)


async def test_oidcc_prompt_none_not_logged_in(plan: Plan) -> None:
    answer = await plan.authorize(prompt="none")
    assert (answer["error"], "code" in answer) == ("login_required", False)


async def test_oidcc_prompt_none_logged_in(plan: Plan) -> None:
    first = await plan.claims(await plan.tokens())
    second = await plan.claims(await plan.tokens(prompt="none"))
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


async def test_oidcc_max_age_1(plan: Plan) -> None:
    first = await plan.claims(await plan.tokens())
    plan.city.clock.pass_s(2)
    await plan.browser.get(plan.city.request(plan.client, max_age="1"))
    assert "/sign-in" in str(plan.browser.page.url)
    await plan.browser.sign_in("mina")
    told = await plan.city.exchange(plan.client, plan.secret, plan.browser.answer["code"])
    assert (await plan.claims(told.json()))["auth_time"] > first["auth_time"]


async def test_oidcc_max_age_10000(plan: Plan) -> None:
    first = await plan.claims(await plan.tokens())
    await plan.browser.get(plan.city.request(plan.client, max_age="10000"))
    told = await plan.city.exchange(plan.client, plan.secret, plan.browser.answer["code"])
    assert (await plan.claims(told.json()))["auth_time"] == first["auth_time"]


async def test_oidcc_id_token_hint(plan: Plan) -> None:
    first = await plan.tokens()
    second = await plan.claims(await plan.tokens(prompt="none", id_token_hint=first["id_token"]))
    assert second["sub"] == plan.subject


async def test_oidcc_codereuse(plan: Plan) -> None:
    code = (await plan.authorize())["code"]
    first = await plan.city.exchange(plan.client, plan.secret, code)
    second = await plan.city.exchange(plan.client, plan.secret, code)
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    assert (await plan.userinfo(first.json()["access_token"])).status_code == 401


async def test_oidcc_codereuse_30seconds(plan: Plan) -> None:
    code = (await plan.authorize())["code"]
    first = await plan.city.exchange(plan.client, plan.secret, code)
    plan.city.clock.pass_s(30)
    second = await plan.city.exchange(plan.client, plan.secret, code)
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    assert (await plan.userinfo(first.json()["access_token"])).status_code == 401


async def test_oidcc_ensure_registered_redirect_uri(plan: Plan) -> None:
    await plan.browser.get(plan.city.request(plan.client, redirect_uri=CALLBACK + "/other"))
    assert (plan.browser.page.status_code, plan.browser.left_for) == (400, "")
    assert "not registered" in plan.browser.page.text


async def test_oidcc_ensure_post_request_succeeds(plan: Plan) -> None:
    path, _, query = plan.city.request(plan.client).partition("?")
    form = dict(httpx.QueryParams(query))
    answer = await plan.browser.client.post(path, data=form, headers={"origin": "https://client.example.org"})
    await plan.browser.get(answer.headers["location"])
    await plan.browser.sign_in("mina")
    await plan.browser.submit("/oauth/authorize", answer="yes")
    assert (await plan.city.exchange(plan.client, plan.secret, plan.browser.answer["code"])).status_code == 200


async def test_oidcc_server_client_secret_post(plan: Plan) -> None:
    code = (await plan.authorize())["code"]
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER,
        "client_id": plan.client.id, "client_secret": plan.secret,
    }  # fmt: skip
    async with httpx.AsyncClient(base_url=plan.city.url, trust_env=False) as http:
        told = await http.post("oauth/token", data=form)
    assert (await plan.claims(told.json()))["sub"] == plan.subject


async def test_oidcc_idtoken_unsigned(plan: Plan) -> None:
    """Unsigned id_tokens are not given, and none is taken for an access token."""
    tokens = await plan.tokens()
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').decode().rstrip("=")
    forged = f"{header}.{tokens['access_token'].split('.')[1]}."
    assert (await plan.userinfo(forged)).status_code == 401


async def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(plan: Plan) -> None:
    answer = await plan.authorize(request="eyJhbGciOiJub25lIn0.e30.")
    assert (answer["error"], answer["state"]) == ("request_not_supported", "s1")


async def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(plan: Plan) -> None:
    answer = await plan.authorize(request_uri="https://client.example.org/request.jwt")
    assert (answer["error"], answer["state"]) == ("request_uri_not_supported", "s1")


async def test_oidcc_ensure_request_object_with_redirect_uri(plan: Plan) -> None:
    """A redirect_uri that stands in a request object alone is none."""
    query = {
        "client_id": plan.client.id,
        "response_type": "code",
        "scope": "openid",
        "request": "eyJhbGciOiJub25lIn0.e30.",
    }
    await plan.browser.get(f"/oauth/authorize?{httpx.QueryParams(query)}")
    assert (plan.browser.page.status_code, plan.browser.left_for) == (400, "")


async def test_oidcc_claims_essential(plan: Plan) -> None:
    tokens = await plan.tokens(claims='{"userinfo":{"name":{"essential":true}},"id_token":{"email":null}}')
    told = (await plan.userinfo(tokens["access_token"])).json()
    assert told == {"sub": plan.subject, "name": "Mina"}
    assert (await plan.claims(tokens))["email"] == "mina@example.org"


async def test_oidcc_refresh_token(plan: Plan) -> None:
    first = await plan.tokens(scope="openid offline_access", prompt="consent")
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = (await plan.city.token(plan.client, plan.secret, **form)).json()
    before, after = await plan.claims(first), await plan.claims(second)
    assert {name: after[name] for name in ("iss", "sub", "aud", "auth_time")} == {
        name: before[name] for name in ("iss", "sub", "aud", "auth_time")
    }
    other, secret = await plan.city.registered(name="Another")
    stolen = await plan.city.token(other, secret, grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")


async def test_oidcc_ensure_request_with_valid_pkce_succeeds(plan: Plan) -> None:
    code = (await plan.authorize(code_challenge=CHALLENGE))["code"]
    wrong = await plan.city.exchange(plan.client, plan.secret, code, code_verifier="w" * 43)
    right = await plan.city.exchange(plan.client, plan.secret, code)
    assert (wrong.json()["error"], right.status_code) == ("invalid_grant", 200)
