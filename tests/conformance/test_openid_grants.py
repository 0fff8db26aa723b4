"""What a client can get besides a code's tokens, and how all of it ends: RFC 6749, 7009, 7662, 8628, 8693, 9700."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.browsing import CALLBACK, City

from madang.trust.audit.log import decode_leaf
from madang.trust.audit.recorder import Recorder
from madang.trust.identity.clients import CREDENTIALS, DEVICE_CODE, EXCHANGE, REFRESH, Client

pytestmark = pytest.mark.engine
ACCESS = "urn:ietf:params:oauth:token-type:access_token"


async def post(city: City, path: str, client: Client, secret: str, **form: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=city.url, trust_env=False) as http:
        return await http.post(f"oauth/{path}", data=form, auth=(client.id, secret))


async def is_active(city: City, client: Client, secret: str, token: str) -> bool:
    return bool((await post(city, "introspect", client, secret, token=token)).json()["active"])


async def tokens_of(city: City, client: Client, secret: str, scope: str = "openid offline_access") -> dict[str, Any]:
    await city.person("mina", "analyst")
    answer = await city.authorize(city.browser(), client, "mina", scope=scope)
    return dict((await city.exchange(client, secret, answer["code"])).json())


async def test_a_refresh_token_that_comes_twice_ends_the_family(city: City, recorder: Recorder) -> None:
    client, secret = await city.registered()
    first = await tokens_of(city, client, secret)
    second = await city.token(client, secret, grant_type=REFRESH, refresh_token=first["refresh_token"])
    stolen = await city.token(client, secret, grant_type=REFRESH, refresh_token=first["refresh_token"])
    third = await city.token(client, secret, grant_type=REFRESH, refresh_token=second.json()["refresh_token"])
    assert [one.status_code for one in (second, stolen, third)] == [200, 400, 400]
    assert not await is_active(city, client, secret, second.json()["access_token"])
    await recorder.settle()
    (told,) = await recorder.log.page(10, None, f"app:{client.id}", "token.reused", None)
    assert decode_leaf(told["leaf"])["outcome"] == "refused"


async def test_a_refresh_token_gives_fewer_scopes_and_never_more(city: City) -> None:
    client, secret = await city.registered()
    first = await tokens_of(city, client, secret, "openid profile offline_access")
    more = await city.token(
        client, secret, grant_type=REFRESH, refresh_token=first["refresh_token"], scope="openid madang"
    )
    fewer = await city.token(client, secret, grant_type=REFRESH, refresh_token=first["refresh_token"], scope="openid")
    assert (more.json()["error"], fewer.json()["scope"]) == ("invalid_scope", "openid")


async def test_without_offline_access_there_is_no_refresh_token_and_signing_out_ends_the_rest(city: City) -> None:
    client, secret = await city.registered()
    person = await city.person("mina")
    browser = city.browser()
    answer = await city.authorize(browser, client, "mina")
    told = (await city.exchange(client, secret, answer["code"])).json()
    assert "refresh_token" not in told
    await browser.get("/account")
    await browser.submit("/sign-out")
    assert not await is_active(city, client, secret, told["access_token"])
    assert await city.identity.sessions.of(person.id) == []


async def test_a_client_speaks_for_itself(city: City) -> None:
    client, secret = await city.registered(
        grants=(CREDENTIALS,), scopes=("madang",), redirect_uris=(), roles=("analyst",)
    )
    told = (await city.token(client, secret, grant_type=CREDENTIALS)).json()
    claim = await city.identity.identities.of_token(told["access_token"])
    assert claim is not None
    assert (claim.principal.name, claim.principal.roles) == (f"app:{client.id}", {"app", "analyst"})
    assert told.keys() == {"access_token", "token_type", "expires_in", "scope"}


async def test_a_kiosk_is_let_in_by_a_person_elsewhere(city: City) -> None:
    client, secret = await city.registered(grants=(DEVICE_CODE,), redirect_uris=(), scopes=("openid", "madang.read"))
    begun = (await post(city, "device_authorization", client, secret)).json()
    poll = {"grant_type": DEVICE_CODE, "device_code": begun["device_code"]}
    waits = [(await city.token(client, secret, **poll)).json()["error"] for _ in range(2)]
    person = await city.person("mina")
    browser = city.browser()
    await browser.get(begun["verification_uri_complete"])
    await browser.sign_in("mina")
    await browser.submit("/oauth/device")
    await browser.submit("/oauth/device", answer="yes")
    city.clock.pass_s(20)
    let_in = await city.token(client, secret, **poll)
    city.clock.pass_s(20)
    again = await city.token(client, secret, **poll)
    assert (waits, let_in.status_code, again.json()["error"]) == (
        ["authorization_pending", "slow_down"], 200, "invalid_grant",
    )  # fmt: skip
    claim = await city.identity.identities.of_token(let_in.json()["access_token"])
    assert claim is not None
    assert (claim.principal.id, claim.principal.roles) == (person.id, {"reader"})


async def test_a_kiosk_that_was_refused_or_came_too_late_is_told(city: City) -> None:
    client, secret = await city.registered(grants=(DEVICE_CODE,), redirect_uris=(), scopes=("openid",))
    refused, late = [(await post(city, "device_authorization", client, secret)).json() for _ in range(2)]
    await city.person("mina")
    browser = city.browser()
    await browser.get(f"/oauth/device?user_code={refused['user_code']}")
    await browser.sign_in("mina")
    await browser.submit("/oauth/device")
    await browser.submit("/oauth/device", answer="no")
    told = await city.token(client, secret, grant_type=DEVICE_CODE, device_code=refused["device_code"])
    city.clock.pass_s(901)
    gone = await city.token(client, secret, grant_type=DEVICE_CODE, device_code=late["device_code"])
    assert (told.json()["error"], gone.json()["error"]) == ("access_denied", "expired_token")


async def test_codes_of_kiosks_cannot_be_tried_out(city: City) -> None:
    await city.person("mina")
    browser = city.browser()
    await browser.get("/oauth/device")
    await browser.sign_in("mina")
    tried = [(await browser.submit("/oauth/device", user_code="BCDF-GHJK")).status_code for _ in range(5)]
    assert (tried, (await browser.submit("/oauth/device", user_code="BCDF-GHJK")).status_code) == ([404] * 5, 429)


async def test_a_token_is_exchanged_for_less_and_ends_with_it(city: City) -> None:
    client, secret = await city.registered(scopes=("openid", "madang", "madang.read"))
    other, other_secret = await city.registered(
        name="Behind", grants=(EXCHANGE,), redirect_uris=(), scopes=("madang.read", "introspect")
    )
    first = await tokens_of(city, client, secret, "openid madang madang.read")
    given = {"grant_type": EXCHANGE, "subject_token": first["access_token"], "subject_token_type": ACCESS}
    told = (await city.token(other, other_secret, **given)).json()
    seen = (await post(city, "introspect", other, other_secret, token=told["access_token"])).json()
    assert (told["issued_token_type"], told["scope"], seen["act"]) == (ACCESS, "madang.read", {"sub": other.id})
    more = await city.token(other, other_secret, **given, scope="madang")
    elsewhere = await city.token(other, other_secret, **given, audience="nobody")
    assert (more.json()["error"], elsewhere.json()["error"]) == ("invalid_scope", "invalid_target")
    await post(city, "revoke", client, secret, token=first["access_token"])
    assert not await is_active(city, other, other_secret, first["access_token"])
    person = await city.identity.people.by_login("mina")
    await city.identity.sessions.end_all(person.id if person else "")
    assert not await is_active(city, other, other_secret, told["access_token"])


async def test_revoking_a_refresh_token_ends_all_and_an_access_token_only_itself(city: City) -> None:
    client, secret = await city.registered()
    first = await tokens_of(city, client, secret)
    second = (await city.token(client, secret, grant_type=REFRESH, refresh_token=first["refresh_token"])).json()
    other, other_secret = await city.registered(name="Other")
    not_theirs = await post(city, "revoke", other, other_secret, token=second["access_token"])
    assert (not_theirs.status_code, await is_active(city, client, secret, second["access_token"])) == (200, True)
    await post(city, "revoke", client, secret, token=first["access_token"])
    held = [await is_active(city, client, secret, one["access_token"]) for one in (first, second)]
    await post(city, "revoke", client, secret, token=second["refresh_token"])
    after = [await is_active(city, client, secret, second[name]) for name in ("access_token", "refresh_token")]
    assert (held, after) == ([False, True], [False, False])
    assert (await post(city, "revoke", client, secret, token="nonsense")).status_code == 200


async def test_tokens_of_others_are_told_only_to_who_may_ask(city: City) -> None:
    client, secret = await city.registered()
    first = await tokens_of(city, client, secret)
    other, other_secret = await city.registered(name="Other")
    asker, asker_secret = await city.registered(name="Resource", scopes=("openid", "introspect"))
    own = (await post(city, "introspect", client, secret, token=first["access_token"])).json()
    assert (own["active"], own["client_id"], "grant" in own) == (True, client.id, False)
    assert not await is_active(city, other, other_secret, first["access_token"])
    assert await is_active(city, asker, asker_secret, first["access_token"])


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password", "username": "mina", "password": "x"}, "unsupported_grant_type"),
        ({"grant_type": CREDENTIALS}, "unauthorized_client"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        (
            {"grant_type": "authorization_code", "code": "x", "code_verifier": "y", "redirect_uri": CALLBACK},
            "invalid_grant",
        ),
        ({"grant_type": REFRESH, "refresh_token": "x"}, "invalid_grant"),
    ],
)
async def test_what_a_client_does_wrong_is_named(city: City, form: dict[str, str], error: str) -> None:
    client, secret = await city.registered()
    told = await city.token(client, secret, **form)
    assert (told.status_code, told.json()["error"]) == (400, error)


async def test_a_wrong_secret_is_401_with_a_challenge(city: City) -> None:
    client, _ = await city.registered()
    told = await city.token(client, "wrong", grant_type="authorization_code")
    assert (told.status_code, told.json()["error"]) == (401, "invalid_client")
    assert told.headers["www-authenticate"].startswith("Basic ")


async def test_a_code_without_its_verifier_or_of_another_client_or_address_gives_nothing(city: City) -> None:
    client, secret = await city.registered(redirect_uris=(CALLBACK, CALLBACK + "2"))
    other, other_secret = await city.registered(name="Other")
    await city.person("mina")
    code = (await city.authorize(city.browser(), client, "mina"))["code"]
    answers = [
        await city.exchange(other, other_secret, code),
        await city.exchange(client, secret, code, redirect_uri=CALLBACK + "2"),
        await city.exchange(client, secret, code, code_verifier="w" * 43),
        await city.exchange(client, secret, code, code_verifier=""),
    ]
    assert [one.json()["error"] for one in answers] == [*["invalid_grant"] * 3, "invalid_request"]
    city.clock.pass_s(61)
    assert (await city.exchange(client, secret, code)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"claims": '{"userinfo":[1],"id_token":"x"}'}, "login_required"),
        ({"scope": "introspect"}, "invalid_scope"),
    ],
)
async def test_a_request_that_cannot_be_is_told_to_the_client(city: City, more: dict[str, str], error: str) -> None:
    client, _ = await city.registered()
    browser = city.browser()
    await browser.get(city.request(client, **({"prompt": "none"} | more)))
    assert (browser.answer["error"], browser.answer["state"], browser.answer["iss"]) == (
        error,
        "s1",
        city.identity.issuer,
    )


async def test_who_says_no_is_told_as_that(city: City) -> None:
    client, _ = await city.registered()
    await city.person("mina")
    browser = city.browser()
    await browser.get(city.request(client))
    await browser.sign_in("mina")
    await browser.submit("/oauth/authorize", answer="no")
    assert browser.answer["error"] == "access_denied"


async def test_a_relying_party_signs_its_person_out(city: City) -> None:
    onward = "https://client.example.org/bye"
    client, secret = await city.registered(logout_uris=(onward,))
    await city.person("mina")
    browser = city.browser()
    answer = await city.authorize(browser, client, "mina")
    told = (await city.exchange(client, secret, answer["code"])).json()
    await browser.get(f"/oauth/logout?post_logout_redirect_uri={onward}&client_id={client.id}&state=s2")
    assert "Sign out of this city?" in browser.page.text
    await browser.get(f"/oauth/logout?post_logout_redirect_uri={onward}&id_token_hint={told['id_token']}&state=s2")
    assert browser.left_for == f"{onward}?state=s2"
    assert "/sign-in" in str((await browser.get("/account")).url)


async def test_nobody_is_sent_to_an_address_that_is_not_registered(city: City) -> None:
    browser = city.browser()
    await browser.get("/oauth/logout?post_logout_redirect_uri=https://elsewhere.example/")
    assert (browser.left_for, browser.page.status_code) == ("", 200)
    await city.person("mina")
    await browser.get("/sign-in?next=//elsewhere.example/")
    await browser.sign_in("mina")
    assert str(browser.page.url) == f"{city.url}account"
