"""The connection to NATS that every process keeps, reconnecting for ever; and the numbers each process tells the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import nats
import structlog
from nats.aio.client import Client
from nats.errors import SlowConsumerError
from nats.js.api import DiscardPolicy, StorageType, StreamConfig
from nats.js.errors import BadRequestError, NotFoundError

from madang.bus.changes import STATS_SUBJECT

log = structlog.get_logger()
STREAM = "CHANGES"
STREAM_MAX_BYTES = 256 * 1024 * 1024
# Enough for who restarts. What is kept costs the server some 140 bytes of memory a message, beside the disk.
STREAM_MAX_AGE_S = 600.0


async def connect(url: str, name: str, on_reconnect: Callable[[], Awaitable[None]] | None = None) -> Client:
    """A client that waits for the server at start and after every loss. `on_reconnect` hears when something may have been missed:
    the connection was away, or more waited here than is held."""

    async def lost(error: Exception) -> None:
        log.warning("bus", process=name, error=repr(error))
        if isinstance(error, SlowConsumerError):
            await back()

    async def back() -> None:
        if on_reconnect is not None:
            await on_reconnect()

    return await nats.connect(
        url,
        name=name,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.25,
        connect_timeout=2,
        ping_interval=5,
        max_outstanding_pings=2,
        error_cb=lost,
        reconnected_cb=back,
        pending_size=64 * 1024 * 1024,
    )


async def ensure_stream(client: Client, city: str) -> None:
    """The bounded replay of changes; the oldest go first."""
    config = StreamConfig(
        name=STREAM,
        subjects=[f"{city}.state.>"],
        max_bytes=STREAM_MAX_BYTES,
        max_age=STREAM_MAX_AGE_S,
        discard=DiscardPolicy.OLD,
        storage=StorageType.FILE,
    )
    jetstream = client.jetstream(timeout=5)
    try:
        await jetstream.update_stream(config)
    except NotFoundError:
        try:
            await jetstream.add_stream(config)
        except BadRequestError:
            await jetstream.update_stream(config)


async def tell(client: Client, role: str, values: dict[str, Any]) -> None:
    """Publishes this process's numbers; nobody waits for them."""
    if client.is_connected:
        await client.publish(f"{STATS_SUBJECT}.{role}", msgspec.json.encode(values))


async def tell_every_second(client: Client, role: str, values: Callable[[], dict[str, Any]]) -> None:
    while True:
        await asyncio.sleep(1.0)
        await tell(client, role, values())
