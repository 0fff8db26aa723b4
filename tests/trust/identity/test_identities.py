"""Whoever shows a credential is known while it holds, and not a second longer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from tests.browsing import City

from madang.trust.caller import Claim
from madang.trust.identity.identities import Identities
from madang.trust.principal import Principal

pytestmark = pytest.mark.engine


@pytest.fixture
async def known(city: City, pool: asyncpg.Pool) -> Identities:
    """Another gateway process, as far as memory goes."""
    identities = Identities(pool, city.identity.ring, city.identity.issuer, city.clock)
    identities.endings._now_s = lambda: 0.0  # a machine that is slow does not grow old
    await identities.endings.look()
    return identities


async def token_of(city: City, scope: str = "openid madang", **registered: object) -> tuple[str, str]:
    """An access token of a person, and who it is."""
    person = await city.person("mina", "operator", "analyst", totp=True)
    client, secret = await city.registered(**registered)
    browser = city.browser()
    await browser.get(city.request(client, scope=scope))
    await browser.sign_in("mina")
    await browser.submit("/sign-in/code", code=city.code("mina"))
    await browser.submit("/oauth/authorize", answer="yes")
    told = await city.exchange(client, secret, browser.answer["code"])
    return str(told.json()["access_token"]), person.id


async def test_a_token_speaks_for_its_person_as_far_as_its_scope(city: City, known: Identities) -> None:
    token, person = await token_of(city)
    roles = frozenset({"operator", "analyst"})
    assert await known.of_token(token) == Claim(Principal("person", person, roles))
    assert await known.of_token(token + "x") is None


@pytest.mark.parametrize(
    ("scope", "roles"),
    [("openid", None), ("openid madang.read", frozenset({"reader"})), ("madang", {"operator", "analyst"})],
)
async def test_a_relying_party_gets_no_more_than_was_consented(
    city: City, known: Identities, scope: str, roles: frozenset[str] | None
) -> None:
    token, _ = await token_of(city, scope, scopes=("openid", "madang", "madang.read"))
    claim = await known.of_token(token)
    assert (None if claim is None else claim.principal.roles) == roles


async def end_person(city: City, person: str) -> None:
    await city.person("jiho", "administrator")
    await city.identity.people.end(person)


async def end_sessions(city: City, person: str) -> None:
    await city.identity.sessions.end_all(person)


async def end_one_session(city: City, person: str) -> None:
    (session,) = await city.identity.sessions.of(person)
    await city.identity.sessions.end(person, session.id)


async def end_client(city: City, person: str) -> None:
    (client,) = await city.identity.clients.every()
    await city.identity.clients.end(client.id)


async def end_consent(city: City, person: str) -> None:
    (client,) = await city.identity.clients.every()
    await city.identity.grants.withdraw(person, client.id)


@pytest.mark.parametrize("end", [end_person, end_sessions, end_one_session, end_client, end_consent])
async def test_what_ended_is_forgotten_with_the_next_look(
    city: City, known: Identities, end: Callable[[City, str], Awaitable[None]]
) -> None:
    token, person = await token_of(city)
    assert await known.of_token(token) is not None
    await end(city, person)
    assert await known.of_token(token) is not None  # remembered, for less than a second
    await known.endings.look()
    assert await known.of_token(token) is None


async def test_what_is_remembered_counts_only_while_ends_are_heard(city: City, pool: asyncpg.Pool) -> None:
    now_s = [0.0]
    known = Identities(pool, city.identity.ring, city.identity.issuer, city.clock)
    known.endings._now_s = lambda: now_s[0]
    await known.endings.look()
    token, person = await token_of(city)
    assert await known.of_token(token) is not None
    await city.identity.sessions.end_all(person)
    assert await known.of_token(token) is not None
    now_s[0] = 1.0
    assert await known.of_token(token) is None


async def test_a_change_of_roles_counts_with_the_next_look(city: City, known: Identities) -> None:
    token, person = await token_of(city)
    await known.of_token(token)
    await city.identity.people.change(person, "Mina", None, {"auditor"}, "traffic")
    await known.endings.look()
    assert await known.of_token(token) == Claim(
        Principal("person", person, frozenset({"auditor"}), department="traffic")
    )


async def test_a_session_is_known_by_its_cookie_until_it_ends(city: City, known: Identities) -> None:
    person = await city.person("mina", "analyst")
    secret = await city.identity.sessions.begin(person.id, ("pwd",), "", "")
    assert await known.of_session(secret) == Claim(Principal("person", person.id, frozenset({"analyst"})))
    await city.identity.sessions.end_all(person.id)
    await known.endings.look()
    assert await known.of_session(secret) is None


async def test_an_idle_session_ends_by_itself(city: City, known: Identities) -> None:
    person = await city.person("mina", "analyst")
    secret = await city.identity.sessions.begin(person.id, ("pwd",), "", "")
    city.clock.pass_s(11 * 3600)
    assert await known.of_session(secret) is not None
    city.clock.pass_s(11 * 3600)
    assert await known.of_session(secret) is not None
    city.clock.pass_s(12 * 3600)
    assert await known.of_session(secret) is None


async def test_a_device_is_known_over_a_rotation_until_the_grace_is_over(city: City, known: Identities) -> None:
    devices = city.identity.devices
    _, old = await devices.add("bin-7", "", ["bin/7"])
    bin7 = Claim(Principal("device", "bin-7", frozenset({"device"})))
    new = await devices.rotate("bin-7", 3_600)
    await known.endings.look()
    assert [await known.of_device("bin-7", secret) for secret in (old, new)] == [bin7, bin7]
    city.clock.pass_s(3_601)
    assert [await known.of_device("bin-7", secret) for secret in (old, new)] == [None, bin7]
    await devices.end("bin-7")
    await known.endings.look()
    assert [await known.of_device("bin-7", secret) for secret in (old, new)] == [None, None]
