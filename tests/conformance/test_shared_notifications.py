"""Clause 5.8.6: what sources tell of the subscriptions that we made there is told on."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.listening import Listener
from tests.peer import Peer
from tests.subscribing import Courier, calls, entity, taken, told
from tests.waiting import until


async def test_what_a_source_tells_is_told_on_in_the_form_asked_for(
    api: httpx.AsyncClient, courier: Courier, peer: Peer, listener: Listener
) -> None:
    door = await taken(api, courier, peer, listener.url, q="n>5", notification={"format": "keyValues"})
    some = [entity(1, n=9, alien=1), entity(2, n=1), entity(3, n=8) | {"type": "U"}, entity(4, alien=1)]
    assert (await api.post(door, json=told(*some))).status_code == 204
    await courier.tell()
    await until(lambda: listener.bodies, "the subscriber hears of it")
    (body,) = listener.bodies
    assert body == {
        "id": body["id"],
        "type": "Notification",
        "subscriptionId": "urn:x:s",
        "notifiedAt": body["notifiedAt"],
        "data": [entity(1, n=9)],
    }

    async def counted() -> Any:
        return (await api.get("subscriptions/urn:x:s")).json()["notification"].get("timesSent")

    assert await until(counted, "it is counted") == 1


async def test_changes_and_ends_are_told_as_the_source_saw_them(
    api: httpx.AsyncClient, courier: Courier, peer: Peer, listener: Listener
) -> None:
    door = await taken(
        api, courier, peer, listener.url, q="n>5", notification={"showChanges": True, "endpoint": {"uri": listener.url}}
    )
    assert peer.asked[-1][3]["notification"]["showChanges"] is True
    changed = {"type": "Property", "value": 9, "previousValue": 7}
    at = {"deletedAt": "2030-01-01T00:00:00Z"}
    await api.post(door, json=told(entity(1, n=changed), entity(2, **at)))
    await courier.tell()
    await until(lambda: len(listener.shown) == 2, "both are told")
    assert listener.shown == [entity(1, n=changed), entity(2, **at)]


async def test_every_one_comes_alone_where_it_was_asked_for(
    api: httpx.AsyncClient, courier: Courier, peer: Peer, listener: Listener
) -> None:
    door = await taken(
        api,
        courier,
        peer,
        listener.url,
        splitEntities=True,
        notification={"format": "keyValues", "endpoint": {"uri": listener.url}},
    )
    await api.post(door, json=told(entity(1, n=1), entity(2, n=2)))
    await courier.tell()
    await until(lambda: len(listener.bodies) == 2, "both are told")
    assert [body["data"] for body in listener.bodies] == [[entity(1, n=1)], [entity(2, n=2)]]


async def test_what_was_told_waits_on_disk_for_the_courier(
    api: httpx.AsyncClient, courier: Courier, peer: Peer, listener: Listener
) -> None:
    door = await taken(
        api, courier, peer, listener.url, notification={"format": "keyValues", "endpoint": {"uri": listener.url}}
    )
    await api.post(door, json=told(entity(1, n=1)))
    await courier.end()
    courier.begin()
    await courier.notifier.start()
    await until(lambda: listener.shown == [entity(1, n=1)], "it is told after the restart")
    await api.post(door, json=told(entity(1, n=2)))
    await courier.tell()
    await until(lambda: listener.shown == [entity(1, n=1), entity(1, n=2)], "and what comes then")
    await courier.look()
    assert calls(peer) == [("POST", "subscriptions")]


@pytest.mark.parametrize(
    ("token", "body", "status"),
    [
        ("x", told(entity(1, n=1)), 404),
        ("", {"type": "Notification"}, 400),
        ("", told(*[entity(n=1)] * 1_001), 400),
        ("", told({"id": "urn:x:1"}), 400),
    ],
)
async def test_nothing_else_is_taken(
    api: httpx.AsyncClient, courier: Courier, peer: Peer, token: str, body: dict[str, Any], status: int
) -> None:
    door = await taken(api, courier, peer, "http://x.example")
    assert (await api.post(f"{door}{token}", json=body)).status_code == status
    assert await courier.pool.fetchval("SELECT count(*) FROM notification") == 0


async def test_a_subscriber_who_does_not_keep_up_stops_the_source(
    api: httpx.AsyncClient, courier: Courier, peer: Peer
) -> None:
    door = await taken(api, courier, peer, "http://x.example")
    answers = [(await api.post(door, json=told(*[entity(n=1)] * 1_000))).status_code for _ in range(2)]
    assert answers == [204, 503]
