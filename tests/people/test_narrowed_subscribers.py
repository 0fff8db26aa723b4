"""A subscriber hears what it may see, when it is told; a right that is withdrawn ends what it hears."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import asyncpg
import httpx
import pytest
from tests.callers import app, caller
from tests.conftest import Nothing
from tests.context.test_notifier import Watch
from tests.listening import Listener
from tests.waiting import until

from madang.base.clock import SystemClock
from madang.context.entity_maps import EntityMaps
from madang.context.subscriptions import Subscriptions
from madang.federation.federation import Federation
from madang.history.past import open_past
from madang.people.gateway import Gateway
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.routes import NgsiLd
from madang.trust.caller import Caller
from madang.trust.policy.gate import Gate
from madang.trust.policy.makers import Makers
from madang.trust.policy.source import AREAS, HOUSE
from madang.trust.policy.subjects import Grant

MAY_SUBSCRIBE = """
@id("gardener-subscribe") permit (principal, action == Action::"write", resource == Service::"subscriptions")
when { principal in Role::"gardener" || principal is App };
"""
MAY_READ = """
@id("gardener-read") permit (principal in Role::"gardener", action == Action::"read", resource is Entity)
when { resource in Area::"park" && resource in Type::"Tree" };
@id("gardener-no-diary") forbid (principal in Role::"gardener", action, resource is Entity) when { resource in Attribute::"diary" };
"""
PARK = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]}
Subscribe = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    (tmp_path / "garden.cedar").write_text(MAY_SUBSCRIBE + MAY_READ)
    feature = {"type": "Feature", "id": "park", "geometry": PARK}
    (tmp_path / AREAS).write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return Gate([HOUSE, tmp_path], SystemClock())


@pytest.fixture
async def watch(pool: asyncpg.Pool, gate: Gate) -> AsyncIterator[Watch]:
    watch = Watch(pool, gate)
    await watch.notifier.start()
    work = asyncio.create_task(watch.notifier.run())
    yield watch
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await watch.notifier.stop()


@pytest.fixture
async def subscribe(broker: Broker, pool: asyncpg.Pool, gate: Gate) -> AsyncIterator[Subscribe]:
    """Makes a subscription as somebody."""
    who = {
        "gardener": caller("gardener", gate=gate),
        "app": app("org.example.news", Grant("read", "Tree", frozenset({"height"})), gate=gate),
        "citizen": caller("citizen", gate=gate),
    }

    async def by_token(token: str) -> Caller | None:
        return who[token].now()

    federation, nothing = Federation(pool, broker.contexts), Nothing()
    ngsi = NgsiLd(broker, Subscriptions(pool), open_past(pool), federation, EntityMaps(pool), None)
    city = Gateway(ngsi, nothing, nothing, nothing, AsyncMock(), AsyncMock(), by_token, who["citizen"])
    transport = httpx.ASGITransport(app=city)  # type: ignore[arg-type]

    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8600/ngsi-ld/v1/") as client:

        async def make(name: str, uri: str, **more: Any) -> httpx.Response:
            notification = {"endpoint": {"uri": uri}, "format": "keyValues"} | more.pop("notification", {})
            body = {"type": "Subscription", "entities": [{"type": "Tree"}], "notification": notification}
            return await client.post("subscriptions", json=body | more, headers={"authorization": f"Bearer {name}"})

        yield make
    await ngsi.close()
    await federation.close()


def tree(number: int, x: float | None, **more: Any) -> dict[str, Any]:
    place = {} if x is None else {"location": {"type": "Point", "coordinates": [x, 1]}}
    return {"id": f"urn:t:{number}", "type": "Tree", **place, **more}


async def put(api: httpx.AsyncClient, watch: Watch, *entities: dict[str, Any]) -> None:
    await api.post("entityOperations/upsert?options=update", json=list(entities))
    await watch.carry()


async def test_a_subscriber_hears_of_what_lies_within(
    api: httpx.AsyncClient, watch: Watch, listener: Listener, subscribe: Subscribe
) -> None:
    assert (await subscribe("gardener", listener.url)).status_code == 201
    await put(
        api,
        watch,
        tree(1, 1, height=1, diary="a"),
        tree(2, 3, height=2),
        tree(3, None, height=3),
        tree(4, 1.5, height=4),
    )
    await until(lambda: len(listener.shown) == 2, "both within")
    await put(api, watch, tree(1, 5, height=7))
    await put(api, watch, tree(4, None, height=8))
    await until(lambda: len(listener.shown) == 3, "what stayed within")
    place = {"type": "Point", "coordinates": [1, 1]}
    other = {"type": "Point", "coordinates": [1.5, 1]}
    assert listener.shown == [
        {"id": "urn:t:1", "type": "Tree", "height": 1, "location": place},
        {"id": "urn:t:4", "type": "Tree", "height": 4, "location": other},
        {"id": "urn:t:4", "type": "Tree", "height": 8, "location": other},
    ]


async def test_a_subscriber_hears_of_granted_attributes_alone(
    api: httpx.AsyncClient, watch: Watch, listener: Listener, subscribe: Subscribe
) -> None:
    watch.notifier._sights.granted({"org.example.news": (Grant("read", "Tree", frozenset({"height"})),)})  # type: ignore[attr-defined]
    assert (await subscribe("app", listener.url)).status_code == 201
    await put(api, watch, tree(1, 1, height=1, diary="a"))
    await until(lambda: len(listener.shown) == 1, "the change")
    assert listener.shown == [{"id": "urn:t:1", "type": "Tree", "height": 1}]


@pytest.mark.parametrize(
    ("who", "more"),
    [
        ("citizen", {}),
        ("gardener", {"entities": [{"type": "Secret"}]}),
        ("gardener", {"q": 'diary=="a"'}),
        ("gardener", {"watchedAttributes": ["diary"]}),
        ("app", {"q": "age>3"}),
    ],
)
async def test_nobody_subscribes_to_what_is_hidden(
    subscribe: Subscribe, listener: Listener, who: str, more: dict[str, Any]
) -> None:
    assert (await subscribe(who, listener.url, **more)).status_code == 403


@pytest.mark.parametrize("left", [MAY_READ, MAY_SUBSCRIBE])
async def test_a_right_that_is_withdrawn_ends_what_is_heard(
    api: httpx.AsyncClient,
    watch: Watch,
    listener: Listener,
    subscribe: Subscribe,
    gate: Gate,
    tmp_path: Path,
    left: str,
) -> None:
    await subscribe("gardener", listener.url)
    await put(api, watch, tree(1, 1, height=1))
    await until(lambda: len(listener.shown) == 1, "the first")
    (tmp_path / "garden.cedar").write_text(left)
    gate.look()
    await put(api, watch, tree(1, 1, height=2))
    (tmp_path / "garden.cedar").write_text(MAY_SUBSCRIBE + MAY_READ)
    gate.look()
    await put(api, watch, tree(1, 1, height=3))
    await until(lambda: len(listener.shown) == 2, "what came after the right")
    assert [one["height"] for one in listener.shown] == [1, 3]


async def test_what_waits_is_dropped_with_the_right(
    api: httpx.AsyncClient, watch: Watch, listener: Listener, subscribe: Subscribe, gate: Gate, tmp_path: Path
) -> None:
    await subscribe("gardener", listener.url, throttling=3600)
    await put(api, watch, tree(1, 1, height=1))
    await until(lambda: len(listener.shown) == 1, "the first")
    await put(api, watch, tree(1, 1, height=2))
    assert not watch.is_quiet()
    (tmp_path / "garden.cedar").write_text(MAY_SUBSCRIBE)
    gate.look()
    await until(watch.is_quiet, "nothing waits")

    async def empty() -> bool:
        return await watch.pool.fetchval("SELECT count(*) FROM notification") == 0

    await until(empty, "nothing waits on disk")


async def test_an_app_that_goes_hears_no_more(
    api: httpx.AsyncClient, watch: Watch, listener: Listener, subscribe: Subscribe
) -> None:
    makers: Makers = watch.notifier._sights  # type: ignore[assignment]
    makers.granted({"org.example.news": (Grant("read", "Tree"),)})
    await subscribe("app", listener.url)
    await put(api, watch, tree(1, 1, height=1))
    await until(lambda: len(listener.shown) == 1, "the first")
    makers.granted({})
    await put(api, watch, tree(1, 1, height=2))
    makers.granted({"org.example.news": (Grant("read", "Tree"),)})
    await put(api, watch, tree(1, 1, height=3))
    await until(lambda: len(listener.shown) == 2, "what came after it returned")
    assert [one["height"] for one in listener.shown] == [1, 3]


async def test_the_clock_tells_no_more(
    api: httpx.AsyncClient, watch: Watch, listener: Listener, subscribe: Subscribe
) -> None:
    await put(api, watch, tree(1, 1, height=1), tree(2, 3, height=2))
    await subscribe("gardener", listener.url, timeInterval=1)
    await until(lambda: len(listener.shown) >= 1, "the clock")
    assert {one["id"] for one in listener.shown} == {"urn:t:1"}
