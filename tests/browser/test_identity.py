"""The pages of identity in a real browser: passkeys, other origins, accessibility, both languages, 320 px, no scripts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.browsing import PASSWORD, City

from madang.trust.identity.permissions import Permission

LOCALES = {"en": "en-US", "ko": "ko-KR"}
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest_asyncio.fixture
async def visitor(chromium: Any) -> AsyncIterator[Any]:
    """Makes a fresh browser's page."""
    contexts: list[Any] = []

    async def make(language: str = "en", **options: Any) -> Any:
        context = await chromium.new_context(locale=LOCALES[language], **options)
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(15_000)
        return page

    yield make
    for context in contexts:
        await context.close()


@pytest_asyncio.fixture
async def elsewhere() -> AsyncIterator[str]:
    """A relying party's address, of another origin, that answers whatever it is asked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callback"
    server.close()


async def with_authenticator(page: Any) -> Any:
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    added = await session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return session, added["authenticatorId"]


async def sign_in(page: Any, city: City, login: str) -> None:
    await page.goto(f"{city.url}sign-in")
    await page.fill("#login", login)
    await page.fill("#password", PASSWORD)
    await page.click("form[action='/sign-in'] button")
    await page.wait_for_url(f"{city.url}account")


async def test_a_passkey_is_made_and_opens_the_account_with_all_its_roles(city: City, visitor: Any) -> None:
    person = await city.person("mina", "operator")
    page = await visitor()
    session, authenticator = await with_authenticator(page)
    await sign_in(page, city, "mina")
    assert await page.locator(".note").count() == 1
    await page.fill("#name", "Mina's laptop")
    await page.get_by_role("button", name="Add a passkey").click()
    await page.get_by_text("Mina's laptop").wait_for()
    assert await page.locator(".note").count() == 0
    await page.get_by_role("button", name="Sign out").click()
    await page.goto(f"{city.url}sign-in?next=/account")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.wait_for_url(f"{city.url}account")
    (session_of,) = await city.identity.sessions.of(person.id)
    assert session_of.methods == ("hwk", "user", "mfa")
    held = (await session.send("WebAuthn.getCredentials", {"authenticatorId": authenticator}))["credentials"]
    assert len(held) == 1


async def test_a_passkey_that_is_not_known_here_is_refused_in_words(city: City, visitor: Any) -> None:
    await city.person("mina")
    page = await visitor()
    await with_authenticator(page)
    await sign_in(page, city, "mina")
    await page.get_by_role("button", name="Add a passkey").click()
    await page.get_by_text("Passkey").last.wait_for()
    await page.wait_for_selector("form[action='/account/passkeys/remove']")
    await city.identity.people.pool.execute("DELETE FROM passkey")
    await page.get_by_role("button", name="Sign out").click()
    await page.goto(f"{city.url}sign-in")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.get_by_text("The passkey was not taken.").wait_for()
    assert "/sign-in" in page.url


async def test_a_form_leads_on_to_the_relying_party_and_nowhere_else(city: City, visitor: Any, elsewhere: str) -> None:
    """The policy of the page names the one origin its answer goes to: a browser stops any other."""
    client, _ = await city.registered(redirect_uris=(elsewhere,))
    await city.person("mina")
    page = await visitor()
    await page.goto(city.url.rstrip("/") + city.request(client, redirect_uri=elsewhere))
    await page.fill("#login", "mina")
    await page.fill("#password", PASSWORD)
    await page.click("form[action='/sign-in'] button")
    await page.get_by_role("button", name="Allow").click()
    await page.wait_for_url(f"{elsewhere}?**")
    assert "code=" in page.url


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_pages_are_accessible_and_fit_a_small_screen(city: City, visitor: Any, axe: str, language: str) -> None:
    await city.person("mina", "administrator", "analyst", totp=True)
    await city.identity.devices.add("bin-7", "Bin", ["bin/7"], [Permission("read", "Building", ("height", "name"))])
    page = await visitor(language, viewport={"width": 320, "height": 640})
    faults: dict[str, Any] = {}

    async def look(name: str) -> None:
        await page.evaluate(axe)
        found = await page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})")
        wide = await page.evaluate("document.documentElement.scrollWidth")
        faults[name] = ([one["id"] for one in found["violations"]], wide)

    kept = ["devices", "devices/bin-7", "clients"]
    page_paths = [
        "account",
        "account/totp",
        "oauth/device",
        "administration",
        *(f"administration/{one}" for one in kept),
    ]
    await page.goto(f"{city.url}sign-in")
    await look("sign-in")
    await page.fill("#login", "mina")
    await page.fill("#password", PASSWORD)
    await page.click("form[action='/sign-in'] button")
    await page.wait_for_selector("#code")
    await look("code")
    await page.fill("#code", city.code("mina"))
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{city.url}account")
    for path in page_paths:
        await page.goto(city.url + path)
        await look(path)
    assert faults == dict.fromkeys(["sign-in", "code", *page_paths], ([], 320))
    assert await page.get_attribute("html", "lang") == language


async def test_without_scripts_one_signs_in_all_the_same(city: City, visitor: Any) -> None:
    await city.person("mina")
    page = await visitor(java_script_enabled=False)
    await sign_in(page, city, "mina")
    assert await page.get_by_role("heading", level=1).inner_text() == "Mina"
