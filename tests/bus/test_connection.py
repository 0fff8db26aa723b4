"""Who is told too much at once is told that something is missing."""

from __future__ import annotations

import asyncio
from typing import Any

from madang.bus.connection import connect
from tests.conftest import Engines
from tests.waiting import until


async def test_what_was_dropped_here_is_told_as_a_loss(engines: Engines) -> None:
    losses, may_go_on = [], asyncio.Event()

    async def lost() -> None:
        losses.append(1)

    async def slow(message: Any) -> None:
        await may_go_on.wait()

    client = await connect(engines.nats.url, "slow", lost)
    await client.subscribe("yard.flood", cb=slow, pending_msgs_limit=2)
    for _ in range(20):
        await client.publish("yard.flood", b"x")
    await client.flush()
    await until(lambda: losses, "the loss is told")
    may_go_on.set()
    await client.close()
