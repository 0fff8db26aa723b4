"""Clauses 5.11, 5.3.2: who asked to be, is told of registrations that come, change and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests.listening import Listener
from tests.waiting import until

from madang.base.clock import ManualClock
from madang.federation.source_notifier import SourceNotifier
from madang.trust.policy.gate import Gate
from madang.trust.policy.makers import Makers
from madang.trust.policy.source import HOUSE

PLACE = {"location": {"type": "Point", "coordinates": [1, 2]}}
PAST = {"observationInterval": {"startAt": "2020-01-01T00:00:00Z"}}


class Watch:
    """A notifier that looks when it is told to, and forgets everything when it is started anew."""

    def __init__(self, pool: asyncpg.Pool, folder: Path) -> None:
        self.pool, self.clock, self.folder = pool, ManualClock(datetime.now(UTC)), folder
        self.gate = Gate([HOUSE, folder], self.clock)
        self.begin()

    def begin(self) -> None:
        self.notifier = SourceNotifier(self.pool, Makers(self.gate), (), self.clock)
        self.tally = asyncio.create_task(self.notifier._tally.write_for_ever())

    async def end(self) -> None:
        self.tally.cancel()
        for teller in self.notifier._tellers.values():
            teller.stop()
        await self.notifier._means.delivery.close()


@pytest.fixture
async def watch(pool: asyncpg.Pool, tmp_path: Path) -> AsyncIterator[Watch]:
    watch = Watch(pool, tmp_path)
    yield watch
    await watch.end()


def registration(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": f"urn:x:r{number}",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "T"}], "propertyNames": ["a"]}, {"entities": [{"type": "U"}]}],
        "endpoint": "http://one.example",
    } | more


def told(reason: str, *numbers: int) -> tuple[str, list[str]]:
    return reason, [f"urn:x:r{number}" for number in numbers]


def heard(listener: Listener) -> list[tuple[str, list[str]]]:
    return [(body["triggerReason"], [one["id"] for one in body["data"]]) for body in listener.bodies]


async def register(api: httpx.AsyncClient, number: int = 1, **more: Any) -> None:
    assert (await api.post("csourceRegistrations", json=registration(number, **more))).status_code == 201


async def subscribe(api: httpx.AsyncClient, watch: Watch, listener: Listener, **more: Any) -> str:
    body = {"type": "Subscription", "entities": [{"type": "T"}], "notification": {"endpoint": {"uri": listener.url}}}
    made = await api.post("csourceSubscriptions", json={**body, **more})
    assert made.status_code == 201, made.text
    await watch.notifier.look()
    return str(made.headers["location"].rsplit("/", 1)[1])


async def test_what_matches_is_told_at_once_and_only_the_part_that_is_asked_for(
    api: httpx.AsyncClient, watch: Watch, listener: Listener
) -> None:
    await register(api)
    identifier = await subscribe(api, watch, listener)
    await until(lambda: len(listener.bodies) == 1, "the first notification")
    body = listener.bodies[0]
    part = registration(information=[{"entities": [{"type": ["T"]}], "propertyNames": ["a"]}])
    assert body == {
        "id": body["id"],
        "type": "ContextSourceNotification",
        "subscriptionId": identifier,
        "notifiedAt": body["notifiedAt"],
        "data": [part],
        "triggerReason": "newlyMatching",
    }


async def test_a_registration_comes_changes_leaves_and_goes(
    api: httpx.AsyncClient, watch: Watch, listener: Listener
) -> None:
    await subscribe(api, watch, listener)
    await register(api)
    await watch.notifier.look()
    await until(lambda: heard(listener) == [told("newlyMatching", 1)], "it came")
    await api.patch("csourceRegistrations/urn:x:r1", json={"endpoint": "http://new.example"})
    await watch.notifier.look()
    await until(lambda: heard(listener)[1:] == [told("updated", 1)], "it changed")
    assert listener.bodies[1]["data"][0]["endpoint"] == "http://new.example"
    await api.patch("csourceRegistrations/urn:x:r1", json={"information": [{"entities": [{"type": "V"}]}]})
    await watch.notifier.look()
    await until(lambda: heard(listener)[2:] == [told("noLongerMatching", 1)], "it left")
    await register(api, 2)
    await watch.notifier.look()
    await until(lambda: heard(listener)[3:] == [told("newlyMatching", 2)], "another came")
    await api.delete("csourceRegistrations/urn:x:r2")
    await watch.notifier.look()
    await until(lambda: heard(listener)[4:] == [told("noLongerMatching", 2)], "and went")


async def test_who_may_not_read_registrations_any_more_is_told_of_none(
    api: httpx.AsyncClient, watch: Watch, listener: Listener
) -> None:
    await subscribe(api, watch, listener)
    no_more = watch.folder / "no.cedar"
    no_more.write_text('@id("no") forbid (principal, action, resource == Service::"registrations");')
    watch.gate.look()
    await register(api)
    await watch.notifier.look()
    no_more.unlink()
    watch.gate.look()
    await watch.notifier.look()
    await until(lambda: heard(listener) == [told("newlyMatching", 1)], "all is told anew with the right")


async def test_a_registration_that_is_over_matches_no_longer(
    api: httpx.AsyncClient, watch: Watch, listener: Listener
) -> None:
    await register(api, expiresAt=(watch.clock.now() + timedelta(hours=1)).isoformat())
    await subscribe(api, watch, listener)
    await until(lambda: heard(listener) == [told("newlyMatching", 1)], "it is there")
    watch.clock.set(watch.clock.now() + timedelta(hours=2))
    await watch.notifier.look()
    await until(lambda: heard(listener)[1:] == [told("noLongerMatching", 1)], "it is over")


async def test_what_goes_while_its_coming_is_told_is_told_too(
    api: httpx.AsyncClient, watch: Watch, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener.open.clear()
    await register(api)
    identifier = await subscribe(api, watch, listener)
    await until(lambda: len(listener.bodies) == 1, "its coming is on the way")
    await api.delete("csourceRegistrations/urn:x:r1")
    told_of, teller = watch.notifier._means.told.whom, watch.notifier._tellers[identifier]

    async def late(ids: Any) -> dict[str, set[str]]:
        """What was written down before, known only after the telling has ended."""
        answer = await told_of(ids)
        listener.open.set()
        await until(lambda: teller._telling == set(), "its coming is written down")
        return answer

    monkeypatch.setattr(watch.notifier._means.told, "whom", late)
    await watch.notifier.look()
    await until(lambda: heard(listener)[1:] == [told("noLongerMatching", 1)], "its going")


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [1, 2, 4]),
        ({"entities": [{"type": "V"}]}, [3]),
        ({"entities": [{"type": "V"}, {"type": "U"}]}, [1, 3, 4]),
        ({"watchedAttributes": ["b"]}, [2]),
        ({"csf": 'owner=="city"'}, [2]),
        ({"geoQ": {"georel": "near;maxDistance==10", "geometry": "Point", "coordinates": [1, 2]}}, [2]),
        ({"temporalQ": {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}}, [5]),
        ({"entities": [{"type": "T", "id": "urn:x:1"}]}, [1, 2, 4]),
    ],
    ids=str,
)
async def test_who_matches(
    api: httpx.AsyncClient, watch: Watch, listener: Listener, wanted: dict[str, Any], numbers: list[int]
) -> None:
    await register(api)
    await register(api, 2, information=[{"entities": [{"type": "T"}]}], owner="city", **PLACE)
    await register(api, 3, information=[{"entities": [{"type": "V"}]}])
    await register(api, 4, owner="port")
    await register(api, 5, **PAST)
    await subscribe(api, watch, listener, **wanted)
    await until(lambda: heard(listener) == [told("newlyMatching", *numbers)], "those that match are told together")


async def test_a_changed_subscription_is_told_of_all_that_matches_now(
    api: httpx.AsyncClient, watch: Watch, listener: Listener
) -> None:
    await register(api)
    await register(api, 2, information=[{"entities": [{"type": "V"}]}])
    identifier = await subscribe(api, watch, listener)
    await until(lambda: heard(listener) == [told("newlyMatching", 1)], "the first")
    await api.patch(f"csourceSubscriptions/{identifier}", json={"entities": [{"type": "V"}, {"type": "T"}]})
    await watch.notifier.look()
    await until(lambda: heard(listener)[1:] == [told("newlyMatching", 1, 2)], "all anew")


async def test_a_restart_neither_repeats_nor_forgets(api: httpx.AsyncClient, watch: Watch, listener: Listener) -> None:
    await register(api)
    await register(api, 2)
    identifier = await subscribe(api, watch, listener)
    await until(lambda: heard(listener) == [told("newlyMatching", 1, 2)], "before")

    async def kept() -> bool:
        return len(await watch.notifier._means.told.of(identifier, watch.notifier._since[identifier], None)) == 2

    await until(kept, "it is written down")
    await watch.end()
    await api.delete("csourceRegistrations/urn:x:r1")
    await register(api, 3)
    watch.begin()
    await watch.notifier.look()
    await until(
        lambda: heard(listener)[1:] == [told("newlyMatching", 3), told("noLongerMatching", 1)],
        "what happened meanwhile",
    )


async def test_by_the_clock_everything_is_told_again(api: httpx.AsyncClient, watch: Watch, listener: Listener) -> None:
    await register(api)
    await subscribe(api, watch, listener, timeInterval=0.05)
    await until(lambda: len(listener.bodies) >= 3, "each interval")
    assert heard(listener)[:3] == [told("newlyMatching", 1), told("updated", 1), told("updated", 1)]


async def test_a_paused_subscription_is_told_when_it_goes_on(
    api: httpx.AsyncClient, watch: Watch, listener: Listener
) -> None:
    identifier = await subscribe(api, watch, listener, isActive=False)
    assert (await api.get(f"csourceSubscriptions/{identifier}")).json()["status"] == "paused"
    await register(api)
    await watch.notifier.look()
    await api.patch(f"csourceSubscriptions/{identifier}", json={"isActive": True})
    await watch.notifier.look()
    await until(lambda: heard(listener) == [told("newlyMatching", 1)], "told once, when it goes on")


async def test_with_throttling_what_happens_meanwhile_is_told_together(
    api: httpx.AsyncClient, watch: Watch, listener: Listener
) -> None:
    await register(api)
    await subscribe(api, watch, listener, throttling=1)
    await until(lambda: heard(listener) == [told("newlyMatching", 1)], "the first at once")
    await register(api, 2)
    await watch.notifier.look()
    await register(api, 3)
    await watch.notifier.look()
    await until(lambda: heard(listener)[1:] == [told("newlyMatching", 2, 3)], "both later")


async def test_notifications_are_counted(api: httpx.AsyncClient, watch: Watch, listener: Listener) -> None:
    await register(api)
    good = await subscribe(api, watch, listener)
    listener.url = "http://127.0.0.1:9/nobody"
    bad = await subscribe(api, watch, listener)

    async def counts(identifier: str) -> tuple[Any, ...]:
        notification = (await api.get(f"csourceSubscriptions/{identifier}")).json()["notification"]
        return tuple(notification.get(name, 0) for name in ("timesSent", "timesFailed", "status"))

    async def counted() -> bool:
        return (await counts(good), await counts(bad)) == ((1, 0, "ok"), (1, 1, "failed"))

    await until(counted, "one that was taken, one that was not")


async def test_a_subscription_lives(api: httpx.AsyncClient) -> None:
    body = {
        "id": "urn:x:s1",
        "type": "Subscription",
        "watchedAttributes": ["a"],
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/nobody"}},
    }
    made = await api.post("csourceSubscriptions", json=body)
    assert (made.status_code, made.headers["location"]) == (201, "/ngsi-ld/v1/csourceSubscriptions/urn:x:s1")
    assert (await api.post("csourceSubscriptions", json=body)).status_code == 409
    assert (await api.get("subscriptions/urn:x:s1")).status_code == 404
    listed = await api.get("csourceSubscriptions", params={"count": "true"})
    assert ([one["id"] for one in listed.json()], listed.headers["ngsild-results-count"]) == (["urn:x:s1"], "1")
    assert (await api.patch("csourceSubscriptions/urn:x:s1", json={"watchedAttributes": ["b"]})).status_code == 204
    assert (await api.get("csourceSubscriptions/urn:x:s1")).json()["watchedAttributes"] == ["b"]
    assert (await api.delete("csourceSubscriptions/urn:x:s1")).status_code == 204
    assert (await api.get("csourceSubscriptions/urn:x:s1")).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"csf": "owner=="},
        {"csf": 5},
        {"temporalQ": {"timerel": "sometimes", "timeAt": "2026-01-01T00:00:00Z"}},
        {"temporalQ": {"timeAt": "2026-01-01T00:00:00Z"}},
        {"temporalQ": 5},
        {"expiresAt": "2018-01-01T00:00:00Z"},
        {"notification": {"endpoint": {"uri": "http://one.example", "accept": "application/geo+json"}}},
    ],
    ids=str,
)
async def test_what_cannot_be_asked_is_refused(api: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    body = {
        "type": "Subscription",
        "entities": [{"type": "T"}],
        "notification": {"endpoint": {"uri": "http://one.example"}},
    }
    answer = await api.post("csourceSubscriptions", json=body | wrong)
    assert (answer.status_code, answer.json()["type"]) == (400, "https://uri.etsi.org/ngsi-ld/errors/BadRequestData")
