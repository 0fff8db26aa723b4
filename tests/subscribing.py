"""Subscriptions at other brokers, as the courier keeps them, and the requests that lead to them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from madang.base.clock import ManualClock
from madang.bus.courier import recorded_of
from madang.context.catalogue import Catalogue
from madang.context.contexts import Contexts
from madang.context.notifier import Notifier
from madang.federation.federation import Federation
from madang.federation.leases import Door
from madang.federation.subscriber import Subscriber
from madang.trust.policy.makers import Makers
from tests.callers import GATE, Holders
from tests.peer import Peer

DOOR = Door("madang", "http://localhost:8600/madang/v1/notifications/")


class Courier:
    """What the courier runs of it, looking when it is told to; `begin` starts it anew with nothing in memory."""

    def __init__(self, pool: asyncpg.Pool, door: Door = DOOR) -> None:
        self.pool, self.door, self.seen, self.clock = pool, door, 0, ManualClock(datetime(2030, 1, 1, tzinfo=UTC))
        self.begin()

    def begin(self) -> None:
        contexts = Contexts(catalogue=Catalogue(self.pool))
        self.federation, self.notifier = Federation(self.pool, contexts), Notifier(self.pool, Makers(GATE, Holders()))
        self.subscriber = Subscriber(self.pool, self.federation, contexts, self.door, self.clock)
        self.tally = asyncio.create_task(self.notifier._tally.write_for_ever())

    def later(self, passed: timedelta) -> None:
        self.clock.set(self.clock.now() + passed)

    async def look(self) -> None:
        await self.federation.reload()
        await self.subscriber.look()

    async def carry(self) -> None:
        """Tells of what was written here."""
        records = await self.pool.fetch("SELECT * FROM history WHERE seq > $1 ORDER BY seq", self.seen)
        self.seen = records[-1]["seq"] if records else self.seen
        await self.notifier.consume([recorded_of(record) for record in records])

    async def tell(self) -> None:
        await self.notifier.reload()
        await self.notifier.take_told()

    async def end(self) -> None:
        self.tally.cancel()
        await self.notifier.stop()
        await self.federation.close()


async def register(api: httpx.AsyncClient, port: int, **more: Any) -> None:
    body = {
        "id": "urn:x:r",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "T"}], "propertyNames": ["n", "m", "location"]}],
        "endpoint": f"http://127.0.0.1:{port}",
    }
    assert (await api.post("csourceRegistrations", json=body | more)).status_code == 201


async def subscribe(
    api: httpx.AsyncClient, uri: str = "http://x.example", *, where: str = "", head: Any = None, **more: Any
) -> None:
    notification = {"endpoint": {"uri": uri}} | more.pop("notification", {})
    body = {"id": "urn:x:s", "type": "Subscription", "entities": [{"type": "T"}], "notification": notification}
    made = await api.post(f"subscriptions{where}", json=body | more, headers=head)
    assert made.status_code == 201, made.text


def calls(peer: Peer) -> list[tuple[str, str]]:
    return [(method, target.split("/")[3].partition("?")[0]) for method, target, _, _ in peer.asked]


def door_of(peer: Peer) -> str:
    return str(peer.asked[-1][3]["notification"]["endpoint"]["uri"])


def entity(number: int = 1, **attributes: Any) -> dict[str, Any]:
    return {"id": f"urn:x:{number}", "type": "T", **attributes}


def told(*entities: dict[str, Any]) -> dict[str, Any]:
    return {"id": "urn:x:n", "type": "Notification", "subscriptionId": "urn:x:s", "data": list(entities)}


async def taken(api: httpx.AsyncClient, courier: Courier, peer: Peer, uri: str, **more: Any) -> str:
    """The door of a subscription that the source took."""
    peer.on("POST subscriptions", 201)
    await register(api, peer.port)
    await subscribe(api, uri, **more)
    await courier.look()
    return door_of(peer)
