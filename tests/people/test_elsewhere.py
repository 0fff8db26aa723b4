"""People of another provider sign in here: a second Madang is that provider, over real HTTP."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from tests.browsing import Browser, City, ShiftedClock, open_city

from madang.base.errors import Unauthorized
from madang.engine import database
from madang.trust.audit.recorder import Recorder, open_recorder
from madang.trust.identity.outward import check_id_token
from madang.trust.identity.upstream import Upstream

pytestmark = pytest.mark.engine
NOW = 1_800_000_000


@pytest.fixture
async def elsewhere(dsn: str, tmp_path: Path) -> AsyncIterator[City]:
    """A second Madang, with a database schema and keys of its own."""
    await database.migrate(dsn, "elsewhere")
    async with await database.connect_pool(dsn, 1, 4, "elsewhere") as pool:
        async with open_city(pool, tmp_path, open_recorder(pool, tmp_path, "elsewhere"), ShiftedClock()) as other:
            yield other
        await pool.execute("DROP SCHEMA elsewhere CASCADE")


async def known(city: City, elsewhere: City, *roles: str) -> Upstream:
    """The other city as a provider of this one."""
    client, secret = await elsewhere.registered(
        name="Yard", redirect_uris=(city.identity.outward.back,), scopes=("openid", "profile", "email")
    )
    return await city.identity.upstream.add("Elsewhere", elsewhere.identity.issuer, client.id, secret, frozenset(roles))


async def there(elsewhere: City, address: str, login: str) -> str:
    """Signs in and consents at the other provider; gives the way back, below our own address."""
    browser = elsewhere.browser()
    await browser.get(address.removeprefix(elsewhere.url.rstrip("/")))
    await browser.sign_in(login)
    if not browser.left_for:
        await browser.submit("/oauth/authorize", answer="yes")
    return browser.left_for


async def through(
    city: City, elsewhere: City, browser: Browser, upstream: Upstream, query: str = "next=/account"
) -> int:
    await browser.get(f"/sign-in/with/{upstream.id}?{query}")
    back = await there(elsewhere, browser.left_for, "sora")
    return (await browser.get(back.removeprefix(city.url.rstrip("/")))).status_code


async def test_somebody_from_elsewhere_gets_an_account_with_the_roles_of_guests(city: City, elsewhere: City) -> None:
    await elsewhere.person("sora", "administrator")
    upstream = await known(city, elsewhere, "analyst")
    one, again = city.browser(), city.browser()
    await one.get("/sign-in")
    assert f'href="/sign-in/with/{upstream.id}?next=/account"' in one.page.text
    statuses = [await through(city, elsewhere, browser, upstream) for browser in (one, again)]
    (person,) = await city.identity.people.every()
    assert (statuses, person.login, person.name, person.roles) == ([200, 200], "sora", "Sora", {"analyst"})
    sessions = await city.identity.sessions.of(person.id)
    assert [session.methods for session in sessions] == [("fed",), ("fed",)]


async def test_a_taken_login_is_nobodys_key(city: City, elsewhere: City) -> None:
    """Whoever is `sora` there is not the `sora` here."""
    await elsewhere.person("sora")
    ours = await city.person("sora", "operator")
    assert await through(city, elsewhere, city.browser(), await known(city, elsewhere, "citizen")) == 200
    (guest,) = [one for one in await city.identity.people.every() if one.id != ours.id]
    assert (guest.login == "sora", await city.identity.sessions.of(ours.id)) == (False, [])


async def test_without_roles_for_guests_only_who_linked_their_account_comes_in(city: City, elsewhere: City) -> None:
    await elsewhere.person("sora")
    ours = await city.person("mina", "operator", totp=True)
    upstream = await known(city, elsewhere)
    assert await through(city, elsewhere, city.browser(), upstream) == 403
    browser = city.browser()
    await browser.get("/sign-in")
    await browser.sign_in("mina")
    await browser.submit("/sign-in/code", code=city.code("mina"))
    assert await through(city, elsewhere, browser, upstream, "link=1") == 200
    fresh = city.browser()
    assert await through(city, elsewhere, fresh, upstream) == 200
    methods = {session.methods for session in await city.identity.sessions.of(ours.id)}
    assert methods == {("pwd", "otp", "mfa"), ("fed",)}
    # One factor, however they showed themselves there: no role that moves the city.
    assert (await fresh.client.get("/madang/v1/audit")).status_code == 403


async def test_a_way_back_belongs_to_the_browser_that_began_and_counts_once(city: City, elsewhere: City) -> None:
    await elsewhere.person("sora")
    upstream = await known(city, elsewhere, "citizen")
    browser, thief = city.browser(), city.browser()
    await thief.get("/sign-in")
    await browser.get(f"/sign-in/with/{upstream.id}")
    back = (await there(elsewhere, browser.left_for, "sora")).removeprefix(city.url.rstrip("/"))
    stolen = (await thief.get(back)).status_code
    late = (await browser.get(back)).status_code
    assert (stolen, late) == (401, 400)


@pytest.mark.parametrize("query", ["", "state=x&code=y", "state=x"])
async def test_a_way_back_that_nobody_began_leads_nowhere(city: City, query: str) -> None:
    assert (await city.browser().get(f"/sign-in/from?{query}")).status_code == 400


async def test_a_provider_that_does_not_answer_is_told_in_words(city: City) -> None:
    upstream = await city.identity.upstream.add("Gone", "http://localhost:9", "x", "y", frozenset())
    page = await city.browser().get(f"/sign-in/with/{upstream.id}")
    assert (page.status_code, "did not vouch for you" in page.text) == (401, True)


async def test_a_provider_in_a_private_network_is_not_asked_unless_the_city_says_so(
    pool: asyncpg.Pool, keys_dir: Path, recorder: Recorder, elsewhere: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = []
    for networks in ("127.0.0.0/8, ::1", ""):
        monkeypatch.setenv("MADANG_PRIVATE_NETWORKS", networks)
        async with open_city(pool, keys_dir, recorder, ShiftedClock()) as city:
            browser, upstream = city.browser(), await known(city, elsewhere)
            page = await browser.get(f"/sign-in/with/{upstream.id}")
            left.append((page.status_code, browser.left_for.startswith(elsewhere.url)))
    assert left == [(303, True), (401, False)]


async def test_our_secret_there_is_sealed(city: City, pool: asyncpg.Pool) -> None:
    await city.identity.upstream.add("Elsewhere", "https://elsewhere.example", "us", "our secret", frozenset())
    row = await pool.fetchrow("SELECT * FROM identity_provider")
    (kept,) = await city.identity.upstream.every()
    assert (b"our secret" in row["secret"], kept.secret) == (False, "our secret")


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://other.example"},
        {"aud": "them"},
        {"aud": ["them"]},
        {"aud": ["us", "them"], "azp": "them"},
        {"exp": NOW - 61},
        {"iat": NOW + 61},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": ""},
        {"exp": "soon"},
    ],
)
def test_an_id_token_that_is_not_for_us_says_nothing(wrong: dict[str, Any]) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    keys = KeySet([key]).as_dict(private=False)
    upstream = Upstream("u", "Other", "https://elsewhere.example", "us", "secret", frozenset())
    right = {"iss": upstream.issuer, "aud": "us", "sub": "s", "exp": NOW + 60, "iat": NOW, "nonce": "n"}
    header = {"alg": "ES256", "kid": key.kid}
    token = jwt.encode(header, right, key, algorithms=["ES256"])
    assert check_id_token(token, keys, upstream, "n", NOW)["sub"] == "s"
    with pytest.raises(Unauthorized):
        check_id_token(jwt.encode(header, right | wrong, key, algorithms=["ES256"]), keys, upstream, "n", NOW)
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=") + "." + token.split(".")[1] + "."
    with pytest.raises(Unauthorized):
        check_id_token(unsigned, keys, upstream, "n", NOW)
