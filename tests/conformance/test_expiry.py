"""Clause 4.22: transient entities and attributes."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import httpx
import pytest

from madang.base.clock import ManualClock, SystemClock, to_iso
from madang.context.expiry import Expiry
from madang.context.writer import Writer


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SystemClock().now())


@pytest.fixture
async def expiry(pool: asyncpg.Pool, writer: Writer, clock: ManualClock) -> Expiry:
    writer.clock = clock
    return Expiry(pool, writer, clock)


async def test_an_entity_is_gone_after_its_time(api: httpx.AsyncClient, expiry: Expiry, clock: ManualClock) -> None:
    end = clock.now() + timedelta(hours=24)
    await api.post("entities", json={"id": "urn:x:1", "type": "Alert", "expiresAt": to_iso(end)})
    assert (await expiry.sweep(), (await api.get("entities/urn:x:1")).status_code) == (0, 200)
    clock.set(end)
    assert (await expiry.sweep(), (await api.get("entities/urn:x:1")).status_code) == (1, 404)
    assert await expiry.sweep() == 0


async def test_an_attribute_goes_alone_and_the_entity_after_it(
    api: httpx.AsyncClient, expiry: Expiry, clock: ManualClock
) -> None:
    first, second = clock.now() + timedelta(hours=1), clock.now() + timedelta(hours=2)
    body = {
        "id": "urn:x:1",
        "type": "T",
        "expiresAt": to_iso(second),
        "a": {"value": 1, "expiresAt": to_iso(first)},
        "b": 2,
    }
    await api.post("entities", json=body)
    clock.set(first)
    await expiry.sweep()
    shown = (await api.get("entities/urn:x:1", params={"options": "keyValues"})).json()
    assert shown == {"id": "urn:x:1", "type": "T", "expiresAt": to_iso(second), "b": 2}
    clock.set(second)
    await expiry.sweep()
    assert (await api.get("entities/urn:x:1")).status_code == 404


async def test_who_lives_longer_is_not_taken(api: httpx.AsyncClient, expiry: Expiry, clock: ManualClock) -> None:
    end = clock.now() + timedelta(hours=1)
    await api.post("entities", json={"id": "urn:x:1", "type": "T", "expiresAt": to_iso(end)})
    await api.patch("entities/urn:x:1", json={"expiresAt": to_iso(end + timedelta(hours=1))})
    clock.set(end)
    await expiry.sweep()
    assert (await api.get("entities/urn:x:1")).status_code == 200
