"""Clauses 5.8.1.4 to 5.8.5.4: a subscription is made at the sources that hold what it is about, and ends there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.peer import Peer, closed_port
from tests.subscribing import Courier, calls, door_of, entity, register, subscribe, taken, told

from madang.federation.leases import LEASE, PAUSES, REFUSED


async def test_a_source_is_asked_for_what_it_registered_and_no_more(
    api: httpx.AsyncClient, courier: Courier, peer: Peer
) -> None:
    peer.on("POST subscriptions", 201)
    await register(api, peer.port, tenant="port", management={"localOnly": True})
    area = {"georel": "near;maxDistance==10", "geometry": "Point", "coordinates": [1, 2]}
    more = {"entities": [{"type": "T", "idPattern": "^urn:x:"}, {"type": "U"}], "watchedAttributes": ["n", "other"]}
    asked = {"q": "n>5", "scopeQ": "/a", "geoQ": area, "notificationTrigger": ["attributeCreated"]}
    await subscribe(api, **more, **asked, throttling=5, notification={"format": "keyValues", "showChanges": False})
    await courier.look()
    ((method, target, headers, body),) = peer.asked
    assert (method, target) == ("POST", "/ngsi-ld/v1/subscriptions?local=true")
    assert (headers["via"], headers["ngsild-tenant"]) == ("1.1 madang", "port")
    assert body == {
        "id": body["id"],
        "type": "Subscription",
        "entities": [{"type": "T", "idPattern": "^urn:x:"}],
        "watchedAttributes": ["n"],
        **asked,
        "geoQ": area | {"geoproperty": "location"},
        "expiresAt": "2030-01-01T01:00:00.000Z",
        "notification": {
            "format": "normalized",
            "sysAttrs": True,
            "attributes": ["location", "m", "n"],
            "endpoint": {"uri": door_of(peer), "accept": "application/json"},
        },
    }
    await courier.look()
    assert calls(peer) == [("POST", "subscriptions")]


@pytest.mark.parametrize(
    "more",
    [
        {"operations": ["retrieveOps"]},
        {"information": [{"entities": [{"type": "U"}]}]},
        {"information": [{"entities": [{"type": "T"}], "propertyNames": ["other"]}]},
        {"contextSourceAlias": "madang"},
        {"contextSourceAlias": "before"},
        {"tenant": "other"},
        {"observationInterval": {"startAt": "2020-01-01T00:00:00Z"}},
    ],
)
async def test_others_are_not_asked(api: httpx.AsyncClient, courier: Courier, peer: Peer, more: dict[str, Any]) -> None:
    await register(api, peer.port, **more)
    await subscribe(api, watchedAttributes=["n"], csf='tenant!="other"', head={"via": "1.1 before"})
    await courier.look()
    assert peer.asked == []


async def test_local_subscriptions_stay_here(api: httpx.AsyncClient, courier: Courier, peer: Peer) -> None:
    await register(api, peer.port)
    await subscribe(api, where="?local=true")
    await courier.look()
    assert peer.asked == []


async def test_a_subscription_that_came_through_this_broker_is_refused(api: httpx.AsyncClient) -> None:
    body = {"type": "Subscription", "entities": [{"type": "T"}], "notification": {"endpoint": {"uri": "http://x.org"}}}
    answer = await api.post("subscriptions", json=body, headers={"via": "1.1 madang, 1.1 other"})
    assert (answer.status_code, (await api.get("subscriptions")).json()) == (508, [])


async def test_a_refused_subscription_is_not_asked_for_again_soon(
    api: httpx.AsyncClient, courier: Courier, peer: Peer
) -> None:
    peer.on("POST subscriptions", 508, {"type": "LoopDetected"})
    await register(api, peer.port)
    await subscribe(api, head={"via": "1.1 before"})
    for _ in range(3):
        await courier.look()
    assert [headers["via"] for _, _, headers, _ in peer.asked] == ["1.1 before, 1.1 madang"]
    courier.later(REFUSED)
    await courier.look()
    assert len(peer.asked) == 2


async def test_a_subscription_that_ends_ends_at_the_source(
    api: httpx.AsyncClient, courier: Courier, peer: Peer
) -> None:
    door = await taken(api, courier, peer, "http://x.example")
    name = peer.asked[0][3]["id"]
    peer.on(f"DELETE subscriptions/{name.replace(':', '%3A')}", 204)
    await api.delete("subscriptions/urn:x:s")
    await courier.look()
    await courier.look()
    assert calls(peer) == [("POST", "subscriptions"), ("DELETE", "subscriptions")]
    assert (await api.post(door, json=told(entity(1, n=1)))).status_code == 404
    assert await courier.pool.fetchval("SELECT count(*) FROM subscription_at_source") == 0


@pytest.mark.parametrize("ending", ["registration", "pause"])
async def test_sources_come_and_go(api: httpx.AsyncClient, courier: Courier, peer: Peer, ending: str) -> None:
    peer.on("POST subscriptions", 201)
    await subscribe(api)
    await courier.look()
    assert peer.asked == []
    await register(api, peer.port)
    await courier.look()
    name = peer.asked[0][3]["id"]
    peer.on(f"DELETE subscriptions/{name.replace(':', '%3A')}", 204)
    endings = {
        "registration": ("DELETE", "csourceRegistrations/urn:x:r", None),
        "pause": ("PATCH", "subscriptions/urn:x:s", {"isActive": False}),
    }
    method, path, body = endings[ending]
    assert (await api.request(method, path, json=body)).status_code == 204
    await courier.look()
    assert calls(peer) == [("POST", "subscriptions"), ("DELETE", "subscriptions")]


async def test_a_changed_subscription_is_changed_at_the_source(
    api: httpx.AsyncClient, courier: Courier, peer: Peer
) -> None:
    await taken(api, courier, peer, "http://x.example")
    name = peer.asked[0][3]["id"]
    peer.on(f"DELETE subscriptions/{name.replace(':', '%3A')}", 204)
    await api.patch("subscriptions/urn:x:s", json={"notification": {"endpoint": {"uri": "http://new.example"}}})
    await courier.look()
    assert calls(peer) == [("POST", "subscriptions")]
    await api.patch("subscriptions/urn:x:s", json={"q": "n>7"})
    await courier.look()
    assert sorted(calls(peer)[1:]) == [("DELETE", "subscriptions"), ("POST", "subscriptions")]


async def test_a_source_that_dies_returns(api: httpx.AsyncClient, courier: Courier, peer: Peer) -> None:
    await register(api, closed_port())
    await subscribe(api)
    await courier.look()
    peer.on("POST subscriptions", 503)
    await api.patch("csourceRegistrations/urn:x:r", json={"endpoint": f"http://127.0.0.1:{peer.port}"})
    await courier.look()
    await courier.look()
    assert calls(peer) == [("POST", "subscriptions")]
    peer.on("POST subscriptions", 201)
    courier.later(PAUSES[0])
    await courier.look()
    assert calls(peer) == [("POST", "subscriptions")] * 2
    assert peer.asked[0][3]["id"] == peer.asked[1][3]["id"]


async def test_a_subscription_is_renewed_and_made_again_where_it_was_lost(
    api: httpx.AsyncClient, courier: Courier, peer: Peer
) -> None:
    await taken(api, courier, peer, "http://x.example")
    name = peer.asked[0][3]["id"].replace(":", "%3A")
    peer.on(f"PATCH subscriptions/{name}", 204)
    courier.later(LEASE / 2)
    await courier.look()
    assert peer.asked[-1][3] == {"type": "Subscription", "expiresAt": "2030-01-01T01:30:00.000Z"}
    peer.on(f"PATCH subscriptions/{name}", 404)
    courier.later(LEASE / 2)
    await courier.look()
    assert [method for method, _ in calls(peer)] == ["POST", "PATCH", "PATCH", "POST"]


async def test_a_renewal_that_failed_is_tried_again(api: httpx.AsyncClient, courier: Courier, peer: Peer) -> None:
    await taken(api, courier, peer, "http://x.example")
    name = peer.asked[0][3]["id"].replace(":", "%3A")
    peer.on(f"PATCH subscriptions/{name}", 503)
    courier.later(LEASE / 2)
    await courier.look()
    peer.on(f"PATCH subscriptions/{name}", 204)
    peer.on("POST subscriptions", 409)
    courier.later(PAUSES[0])
    await courier.look()
    await courier.look()
    assert [method for method, _ in calls(peer)] == ["POST", "PATCH", "POST", "PATCH"]
    assert peer.asked[-1][3]["expiresAt"] == "2030-01-01T01:30:05.000Z"


async def test_a_source_that_changes_none_gets_a_new_one(api: httpx.AsyncClient, courier: Courier, peer: Peer) -> None:
    peer.on("POST subscriptions", 201)
    await register(api, peer.port, operations=["createSubscription"])
    await subscribe(api)
    await courier.look()
    name = peer.asked[0][3]["id"].replace(":", "%3A")
    peer.on(f"DELETE subscriptions/{name}", 204)
    courier.later(LEASE / 2)
    await courier.look()
    await api.delete("subscriptions/urn:x:s")
    await courier.look()
    assert [method for method, _ in calls(peer)] == ["POST", "DELETE", "POST"]


async def test_it_is_never_kept_longer_than_ours(api: httpx.AsyncClient, courier: Courier, peer: Peer) -> None:
    await taken(api, courier, peer, "http://x.example", expiresAt="2030-01-01T00:10:00Z")
    assert peer.asked[0][3]["expiresAt"] == "2030-01-01T00:10:00.000Z"
    courier.later(timedelta(minutes=9))
    await courier.look()
    courier.later(timedelta(minutes=2))
    await courier.look()
    assert calls(peer) == [("POST", "subscriptions")]
    assert await courier.pool.fetchval("SELECT count(*) FROM subscription_at_source") == 0


async def test_one_that_was_deleted_while_the_source_was_away_ends_when_it_returns(
    api: httpx.AsyncClient, courier: Courier, peer: Peer
) -> None:
    await taken(api, courier, peer, "http://x.example")
    name = peer.asked[0][3]["id"].replace(":", "%3A")
    peer.on(f"DELETE subscriptions/{name}", 503)
    await api.delete("subscriptions/urn:x:s")
    await api.delete("csourceRegistrations/urn:x:r")
    await courier.look()
    await courier.end()
    courier.begin()
    peer.on(f"DELETE subscriptions/{name}", 204)
    await courier.look()
    assert [method for method, _ in calls(peer)] == ["POST", "DELETE", "DELETE"]
    assert await courier.pool.fetchval("SELECT count(*) FROM subscription_at_source") == 0
