"""Whose token it is, and how much each may say."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from madang.base.errors import TooMany, Unauthorized
from madang.runtime.doorman import Doorman
from madang.runtime.manifest import Manifest, Quota
from madang.runtime.records import Event, Installed
from madang.runtime.running import FIRST_UID
from madang.trust.caller import Claim
from madang.trust.principal import Principal

NOW = datetime(2026, 11, 22, tzinfo=UTC)
WHY = {"ko": "x", "en": "x"}


def installed(app_id: str, number: int) -> Installed:
    manifest = Manifest(app_id, "1", WHY, WHY, "a.main", [], quota=Quota(messages_per_s=10))
    return Installed(app_id, number, "1", "", manifest, [], True, None, False, NOW)


class Door:
    """A doorman, his clock and what he waited for."""

    def __init__(self) -> None:
        self.now_s, self.waited = NOW.timestamp(), list[float]()
        self.apps = [installed("org.example.a", 1), installed("org.example.b", 2)]
        self.doorman = Doorman(self.installed, lambda: self.now_s, self.wait)

    async def installed(self) -> list[Installed]:
        await asyncio.sleep(0)
        return self.apps

    async def wait(self, seconds: float) -> None:
        self.waited.append(seconds)

    async def ask(self, app_id: str, number: int | None) -> None:
        claim = Claim(Principal("app", app_id, frozenset({"app"})))
        await self.doorman.check(claim, None if number is None else FIRST_UID + number)

    @property
    def told(self) -> list[Event]:
        return list(self.doorman.events)


@pytest.fixture
def door() -> Door:
    return Door()


async def test_a_token_counts_in_the_hands_of_its_app_alone(door: Door) -> None:
    await door.ask("org.example.a", 1)
    with pytest.raises(Unauthorized, match="made for somebody else"):
        await door.ask("org.example.a", 2)
    assert door.told == [Event("org.example.b", NOW, "forged", "org.example.a")]


async def test_many_at_once_wait_for_the_first_look(door: Door) -> None:
    await asyncio.gather(*(door.ask("org.example.a", 1) for _ in range(10)))
    assert door.told == []


async def test_who_was_installed_just_now_is_known(door: Door) -> None:
    await door.ask("org.example.a", 1)
    door.apps = [*door.apps, installed("org.example.c", 3)]
    await door.ask("org.example.c", 3)
    assert door.told == []


async def test_a_user_that_no_app_has_opens_nothing(door: Door) -> None:
    with pytest.raises(Unauthorized):
        await door.ask("org.example.a", 3)
    assert door.told == []


async def test_an_invented_token_is_told_of_and_answered_late(door: Door) -> None:
    await door.doorman.stranger(FIRST_UID + 2)
    await door.doorman.stranger(0)
    assert (door.told, door.waited) == ([Event("org.example.b", NOW, "forged", "")], [1.0, 1.0])


async def test_who_says_too_much_waits_and_is_told_of_once(door: Door) -> None:
    for _ in range(20):
        await door.ask("org.example.a", 1)
    for _ in range(2):
        with pytest.raises(TooMany):
            await door.ask("org.example.a", 1)
    await door.ask("org.example.b", 2)
    assert (door.told, door.waited) == ([Event("org.example.a", NOW, "flooded", "10/s")], [0.1, 0.1])
    door.now_s += 0.2
    await door.ask("org.example.a", 1)
    door.now_s += 60
    for _ in range(20):
        await door.ask("org.example.a", 1)
    with pytest.raises(TooMany):
        await door.ask("org.example.a", 1)
    assert len(door.told) == 2


async def test_a_client_that_is_no_installed_app_has_no_quota_here(door: Door) -> None:
    for _ in range(1_000):
        await door.ask("client-of-oauth", None)
    assert (door.doorman.knows("client-of-oauth"), door.doorman.knows("org.example.a")) == (False, True)


async def test_a_new_quota_counts_soon(door: Door) -> None:
    await door.ask("org.example.a", 1)
    more = replace(
        door.apps[0], manifest=Manifest("org.example.a", "2", WHY, WHY, "a.main", [], quota=Quota(messages_per_s=1_000))
    )
    door.apps = [more, door.apps[1]]
    door.now_s += 6
    await door.ask("org.example.a", 1)
    door.now_s += 1
    for _ in range(900):
        await door.ask("org.example.a", 1)
    assert door.told == []


@pytest.mark.parametrize(
    ("kind", "path", "status", "events"),
    [
        (
            "app",
            "/madang/v1/persons/p1?item=x",
            404,
            [Event("org.example.a", NOW, "no_consent", "/madang/v1/persons/p1")],
        ),
        ("app", "/ngsi-ld/v1/entities", 403, [Event("org.example.a", NOW, "refused", "/ngsi-ld/v1/entities")]),
        ("app", "/ngsi-ld/v1/entities/x", 404, []),
        ("app", "/ngsi-ld/v1/entities", 200, []),
        ("person", "/ngsi-ld/v1/entities", 403, []),
    ],
)
def test_what_was_refused_is_told(door: Door, kind: str, path: str, status: int, events: list[Event]) -> None:
    door.doorman.refused(Claim(Principal(kind, "org.example.a")), path, status)  # type: ignore[arg-type]
    assert door.told == events
