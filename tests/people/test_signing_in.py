"""The pages of identity, without scripts: joining, signing in, second factors, sessions, and what is on record of it."""

from __future__ import annotations

import asyncio
import re

import pytest
from tests.browsing import PASSWORD, Browser, City, forms_of

from madang.trust.audit.log import decode_leaf
from madang.trust.audit.recorder import Recorder
from madang.trust.identity.totp import STEP_S, totp_code

pytestmark = pytest.mark.engine


async def told(recorder: Recorder, who: str | None = None) -> list[tuple[str, str]]:
    """What and how it ended, oldest first."""
    await recorder.settle()
    leaves = [decode_leaf(one["leaf"]) for one in await recorder.log.page(100, None, who, None, None)]
    return [(leaf["what"], leaf["outcome"]) for leaf in reversed(leaves)]


async def opened(city: City, login: str, totp: bool = False) -> Browser:
    browser = city.browser()
    await browser.get("/sign-in")
    await browser.sign_in(login)
    if totp:
        await browser.submit("/sign-in/code", code=city.code(login))
    return browser


async def join(browser: Browser, token: str, **given: str) -> int:
    await browser.get(f"/join/{token}")
    form = {"login": "mina", "name": "Mina", "password": PASSWORD}
    return (await browser.submit("", **{**form, **given})).status_code


async def test_the_first_administrator_comes_by_a_link_that_opens_once(city: City, recorder: Recorder) -> None:
    people = city.identity.people
    first, second = await people.invite_administrator(), await people.invite_administrator()
    browser = city.browser()
    assert (await browser.get(f"/join/{first}")).status_code == 404  # another was made after it
    assert await join(browser, second) == 200
    assert str(browser.page.url) == f"{city.url}account/totp"
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', browser.page.text)
    assert secret is not None
    step = int(city.clock.now().timestamp()) // STEP_S
    await browser.submit("/account/totp", code=totp_code(secret[1].replace(" ", ""), step))
    assert len(re.findall(r"<li>[a-z2-7-]{19}</li>", browser.page.text)) == 10
    person = await people.by_login("mina")
    assert person is not None
    assert (person.roles, await people.has_administrator()) == (frozenset({"administrator"}), True)
    assert (await browser.get("/account")).status_code == 200
    assert (await city.browser().get(f"/join/{second}")).status_code == 404
    assert await told(recorder, f"person:{person.id}") == [("account.join", "done"), ("account.totp", "done")]


async def test_a_link_ends_after_a_day(city: City) -> None:
    token = await city.identity.people.invite_administrator()
    city.clock.pass_s(24 * 3600 + 1)
    assert (await city.browser().get(f"/join/{token}")).status_code == 404


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"password": "short"}, "12 to 200 characters"),
        ({"login": "two words"}, "A login has"),
        ({"login": "jiho"}, "This login is taken"),
        ({"email": "nobody"}, "no e-mail address"),
    ],
)
async def test_what_was_filled_in_wrongly_leaves_the_link_good(city: City, given: dict[str, str], words: str) -> None:
    await city.person("jiho")
    token, browser = await city.identity.people.invite(None), city.browser()
    status = await join(browser, token, **given)
    assert (status in (400, 409), words in browser.page.text) == (True, True)
    assert await join(browser, token) == 200


async def test_a_password_and_a_code_that_counts_once(city: City, recorder: Recorder) -> None:
    city.clock.pass_s(STEP_S - city.clock.now().timestamp() % STEP_S)  # the same code stands for as long as can be
    person = await city.person("mina", "operator", totp=True)
    browser = await opened(city, "mina", totp=True)
    assert str(browser.page.url) == f"{city.url}account"
    other = await opened(city, "mina")
    again = await other.submit("/sign-in/code", code=city.code("mina"))
    assert (again.status_code, "That is not right" in again.text) == (401, True)
    city.clock.pass_s(STEP_S)
    assert (await other.submit("/sign-in/code", code=city.code("mina"))).status_code == 200
    assert await told(recorder, f"person:{person.id}") == [
        ("sign-in", "done"),
        ("sign-in", "refused"),
        ("sign-in", "done"),
    ]


async def test_a_recovery_code_opens_once(city: City) -> None:
    person = await city.person("mina", totp=True)
    codes = await city.identity.people.new_recovery_codes(person.id)
    browser = await opened(city, "mina")
    assert (await browser.submit("/sign-in/code", code=codes[3].upper())).url == f"{city.url}account"
    other = await opened(city, "mina")
    assert (await other.submit("/sign-in/code", code=codes[3])).status_code == 401
    assert await city.identity.people.recovery_codes_left(person.id) == 9


async def test_guessing_is_slowed_down_alike_for_who_is_there_and_who_is_not(city: City) -> None:
    await city.person("mina")
    for login in ("mina", "nobody"):
        browser = city.browser()
        await browser.get("/sign-in")
        tried = [(await browser.sign_in(login, f"wrong {number}")).status_code for number in range(5)]
        assert (tried, (await browser.sign_in(login)).status_code) == ([401] * 5, 429)
        assert re.search("Wait [1-5] seconds", browser.page.text)
    city.clock.pass_s(5)
    assert str((await opened(city, "mina")).page.url) == f"{city.url}account"


async def test_many_guesses_at_once_are_not_heard_together(city: City) -> None:
    await city.person("mina")
    browsers = [city.browser() for _ in range(12)]
    for browser in browsers:
        await browser.get("/sign-in")
    answers = await asyncio.gather(*(browser.sign_in("mina", "wrong words here") for browser in browsers))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7


async def test_a_form_that_is_not_ours_does_nothing(city: City) -> None:
    await city.person("mina")
    browser = city.browser()
    await browser.get("/sign-in")
    form = {"login": "mina", "password": PASSWORD, "csrf": forms_of(browser.page.text)[-1].fields["csrf"]}
    answers = [
        await browser.client.post("/sign-in", data={**form, "csrf": "0" * 64}),
        await browser.client.post("/sign-in", data=form, headers={"origin": "https://elsewhere.example"}),
        await city.browser().client.post("/sign-in", data=form),
    ]
    assert [answer.status_code for answer in answers] == [403] * 3
    assert (await browser.client.post("/sign-in", data=form)).status_code == 303


async def test_cookies_are_out_of_reach_for_scripts_and_other_sites(city: City) -> None:
    await city.person("mina")
    browser = await opened(city, "mina")
    await browser.get("/sign-in")
    answer = await browser.client.post(
        "/sign-in", data={**forms_of(browser.page.text)[-1].fields, "login": "mina", "password": PASSWORD}
    )
    (cookie,) = [one for one in answer.headers.get_list("set-cookie") if "session" in one]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


async def test_pages_let_nothing_else_in(city: City) -> None:
    page = await city.browser().get("/sign-in")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert policy.endswith("frame-ancestors 'none'; form-action 'self'")
    assert (page.headers["cache-control"], page.headers["x-frame-options"]) == ("no-store", "DENY")
    assert (await city.browser().client.get("/sign-in", headers={"accept-language": "ko-KR"})).text.count("로그인") > 3


async def test_sessions_are_seen_and_ended(city: City) -> None:
    person = await city.person("mina")
    one, other = await opened(city, "mina"), await opened(city, "mina")
    await one.get("/account")
    sessions = await city.identity.sessions.of(person.id)
    assert len(sessions) == 2
    shown = [form.fields for form in forms_of(one.page.text) if form.action == "/account/sessions"]
    assert {fields["id"] for fields in shown} == {session.id for session in sessions}
    for fields in shown:  # the latest seen first: the other one, then one's own
        await one.client.post("/account/sessions", data=fields)
    assert "/sign-in" in str((await one.get("/account")).url)
    assert "/sign-in" in str((await other.get("/account")).url)


async def test_a_changed_password_puts_the_others_out(city: City) -> None:
    await city.person("mina")
    one, other = await opened(city, "mina"), await opened(city, "mina")
    wrong = await one.submit("/account/password", current="not it at all", password="other words of mine")
    await one.get("/account")
    right = await one.submit("/account/password", current=PASSWORD, password="other words of mine")
    assert (wrong.status_code, right.status_code, str(right.url)) == (401, 200, f"{city.url}account")
    assert "/sign-in" in str((await other.get("/account")).url)
    assert (await opened(city, "mina")).page.status_code == 401


async def test_who_knows_the_password_alone_cannot_add_a_factor(city: City) -> None:
    """A thief of the password of somebody with a passkey would otherwise make a second factor of their own."""
    person = await city.person("mina", "administrator")
    sql = "INSERT INTO passkey (id, person, public_key, sign_count, name, created_at) VALUES ('\\x01', $1, '\\x01', 0, 'key', now())"
    await city.identity.people.pool.execute(sql, person.id)
    browser = await opened(city, "mina")
    assert (await browser.get("/account/totp")).status_code == 403
    await browser.get("/account")
    assert "Some of your roles do not count" in browser.page.text
    assert (await browser.submit("/account/recovery")).status_code == 403


async def test_a_reset_link_ends_all_there_was(city: City) -> None:
    person = await city.person("mina", "operator", totp=True)
    browser = await opened(city, "mina", totp=True)
    token = await city.identity.people.invite(person.id)
    fresh = city.browser()
    await fresh.get(f"/join/{token}")
    await fresh.submit("", password="other words of mine")
    assert str(fresh.page.url) == f"{city.url}account/totp"
    assert "/sign-in" in str((await browser.get("/account")).url)
    assert (await opened(city, "mina")).page.status_code == 401


@pytest.mark.parametrize("path", ["/account", "/account/totp", "/oauth/device"])
async def test_who_is_not_signed_in_signs_in_first(city: City, path: str) -> None:
    page = await city.browser().get(path)
    assert "/sign-in?next=" in str(page.url)


@pytest.mark.parametrize(("path", "status"), [("/account/nothing", 404), ("/oauth/token", 405), ("/join/x", 404)])
async def test_what_is_not_there(city: City, path: str, status: int) -> None:
    assert (await city.browser().get(path)).status_code == status


async def test_the_citys_interface_knows_who_is_signed_in(city: City) -> None:
    """A session's roles count at the doors of the city; without a session the door's own do."""
    await city.person("mina", "operator", totp=True)
    await city.person("jiho", "analyst")
    mina, jiho = await opened(city, "mina", totp=True), await opened(city, "jiho")
    answers = [(await one.client.get("/madang/v1/devices")).status_code for one in (mina, jiho, city.browser())]
    assert answers == [200, 403, 403]
    foreign = {"origin": "https://elsewhere.example", "content-type": "application/json"}
    assert (await mina.client.post("/madang/v1/devices", content=b"{}", headers=foreign)).status_code == 403


async def test_the_last_administrator_stays(city: City) -> None:
    people = city.identity.people
    mina, jiho = await city.person("mina", "administrator"), await city.person("jiho", "administrator")
    results = await asyncio.gather(
        people.change(mina.id, "Mina", None, (), ""), people.end(jiho.id), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in results) == ["BadRequest", "NoneType"]
    assert await people.has_administrator()


async def test_a_login_may_come_again_an_id_never(city: City) -> None:
    mina = await city.person("mina")
    await city.identity.people.end(mina.id)
    again = await city.person("mina")
    assert again.id != mina.id
    kept = await city.identity.people.pool.fetchrow(
        "SELECT login, name, email, password FROM person WHERE id = $1", mina.id
    )
    assert dict(kept) == {"login": None, "name": "", "email": None, "password": None}


async def test_a_language_is_chosen_and_kept_and_the_way_on_with_it(city: City) -> None:
    browser = city.browser()
    await browser.get("/sign-in?next=/oauth/device")
    await browser.get("/sign-in?next=%2Foauth%2Fdevice&lang=ko")
    assert 'href="/sign-in?next=%2Foauth%2Fdevice&amp;lang=en"' in browser.page.text
    assert 'name="next" value="/oauth/device"' in browser.page.text
    await browser.get("/sign-in")
    assert '<html lang="ko">' in browser.page.text


async def test_this_machine_by_its_number_leads_to_its_name(city: City) -> None:
    numbered = Browser(city.url.replace("localhost", "127.0.0.1"))
    await numbered.get("/sign-in?next=/oauth/device")
    assert numbered.left_for == f"{city.url}sign-in?next=/oauth/device"
