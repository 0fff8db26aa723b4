"""No secret of a subscription, a registration or a lease stands in the database, and what an earlier version left there is sealed."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import asyncpg
import httpx
import pytest
from tests.callers import READER
from tests.peer import Peer
from tests.subscribing import register

from madang.base.errors import NotFound
from madang.context.entity_maps import EntityMaps
from madang.context.sealed_rows import seal_rows
from madang.context.subscriptions import Subscriptions
from madang.engine.sealing import seal_of_city
from madang.federation.at_sources import AtSources, Lease
from madang.federation.federation import Federation
from madang.history.past import open_past
from madang.people.gateway import Gateway
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.routes import NgsiLd

pytestmark = pytest.mark.engine
SECRET = "Bearer 47-eleven"
TABLES = ("subscription", "csource_subscription", "csource", "csource_told", "subscription_at_source", "snapshot")


def subscription(url: str) -> dict[str, Any]:
    endpoint = {"uri": url, "receiverInfo": [{"key": "Authorization", "value": SECRET}]}
    return {
        "id": "urn:x:s",
        "type": "Subscription",
        "entities": [{"type": "T"}],
        "notification": {"endpoint": endpoint},
    }


async def dumped(pool: asyncpg.Pool) -> str:
    """Everything that a dump of these tables would hold."""
    rows = [str(row) for table in TABLES for row in await pool.fetch(f"SELECT t::text FROM {table} AS t")]
    return "\n".join(rows)


async def test_a_subscription_is_told_with_its_secret_and_kept_without(
    api: httpx.AsyncClient, pool: asyncpg.Pool
) -> None:
    said = subscription("http://user:pass-word@told.example/x")
    assert (await api.post("subscriptions", json=said)).status_code == 201
    assert (await api.patch("subscriptions/urn:x:s", json={"description": "x"})).status_code == 204
    shown = [(await api.get("subscriptions/urn:x:s")).json(), (await api.get("subscriptions")).json()[0]]
    kept = await dumped(pool)
    assert [one["notification"]["endpoint"]["receiverInfo"] for one in shown] == [
        said["notification"]["endpoint"]["receiverInfo"]
    ] * 2
    assert [one["notification"]["endpoint"]["uri"] for one in shown] == [said["notification"]["endpoint"]["uri"]] * 2
    assert ("47-eleven" in kept, "pass-word" in kept, "urn:x:s" in kept) == (False, False, True)


async def test_a_registration_is_used_with_its_secret_and_kept_without(
    api: httpx.AsyncClient, pool: asyncpg.Pool, peer: Peer
) -> None:
    peer.on("GET entities", 200, [])
    await register(api, peer.port, contextSourceInfo=[{"key": "Authorization", "value": SECRET}])
    await api.get("entities", params={"type": "T"})
    assert [headers["authorization"] for _, _, headers, _ in peer.asked] == [SECRET]
    assert "47-eleven" not in await dumped(pool)


async def test_a_lease_is_found_by_its_token_which_is_not_kept(pool: asyncpg.Pool) -> None:
    kept = AtSources(pool)
    lease = Lease("urn:x:s", "urn:x:r", "key", {"contextSourceInfo": [{"key": "a", "value": SECRET}]})
    await kept.add([lease])
    assert await kept.behind(lease.token) == ("urn:x:s", "urn:x:r")
    assert await kept.every() == [lease]
    stored = await dumped(pool)
    assert (lease.token in stored, "47-eleven" in stored) == (False, False)
    with pytest.raises(NotFound):
        await kept.behind(lease.token[:-1] + "!")


async def test_what_an_earlier_version_left_in_the_clear_is_sealed_once(
    api: httpx.AsyncClient, pool: asyncpg.Pool
) -> None:
    await api.post("subscriptions", json=subscription("http://told.example/x"))
    await pool.execute("UPDATE subscription SET body = $1", subscription("http://told.example/x"))
    lease = Lease("urn:x:s", "urn:x:r", "key", {})
    await AtSources(pool).add([lease])
    await pool.execute("UPDATE subscription_at_source SET token = $1", lease.token)
    before = await pool.fetchval("SELECT modified_at FROM subscription")
    assert "47-eleven" in await dumped(pool)
    assert [await seal_rows(pool, seal_of_city()) for _ in range(2)] == [2, 0]
    stored = await dumped(pool)
    assert ("47-eleven" in stored, lease.token in stored) == (False, False)
    shown = (await api.get("subscriptions/urn:x:s")).json()
    assert shown["notification"]["endpoint"]["receiverInfo"][0]["value"] == SECRET
    assert await pool.fetchval("SELECT modified_at FROM subscription") == before
    assert await AtSources(pool).every() == [lease]


async def test_who_may_only_read_is_not_told_secrets(
    api: httpx.AsyncClient, broker: Broker, pool: asyncpg.Pool, peer: Peer
) -> None:
    await api.post("subscriptions", json=subscription("http://user:pass-word@told.example/x"))
    await register(api, peer.port, contextSourceInfo=[{"key": "Authorization", "value": SECRET}])
    nothing: Any = Mock()
    federation = Federation(pool, broker.contexts)
    ngsi = NgsiLd(broker, Subscriptions(pool), open_past(pool), federation, EntityMaps(pool), None)
    app = Gateway(ngsi, nothing, nothing, nothing, nothing, nothing, nothing, READER)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8600/ngsi-ld/v1/") as reader:
        paths = (
            "subscriptions",
            "subscriptions/urn:x:s",
            "csourceRegistrations?type=T",
            "csourceRegistrations/urn:x:r",
        )
        answers = [await reader.get(path) for path in paths]
    assert [one.status_code for one in answers] == [200] * 4
    assert not any("47-eleven" in one.text or "pass-word" in one.text for one in answers)
    assert answers[1].json()["notification"]["endpoint"] == {
        "uri": "http://told.example/x",
        "receiverInfo": [{"key": "Authorization", "value": ""}],
    }
