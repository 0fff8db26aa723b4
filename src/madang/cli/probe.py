"""A device of our own that measures the way from a device's message to a WebSocket client, all real parts between."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from urllib.parse import unquote, urlsplit

import aiomqtt
import msgspec
import websockets

from madang.base.ids import entity_id
from madang.engine.settings import Settings

PERIOD_S = 0.2
KEEP = 3_000


class Probe:
    """Sends a heartbeat five times a second and sees it come back on `/ws`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.latencies_ms: deque[float] = deque(maxlen=KEEP)
        self._city_time = ""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._again(self._send))
            group.create_task(self._again(self._watch))

    async def _again(self, work: object) -> None:
        while True:
            with contextlib.suppress(aiomqtt.MqttError, OSError, websockets.WebSocketException):
                await work()  # type: ignore[operator]
            await asyncio.sleep(0.5)

    async def _send(self) -> None:
        parts = urlsplit(self._settings.mqtt)
        async with aiomqtt.Client(
            parts.hostname or "",
            parts.port or 1883,
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        ) as client:
            while True:
                if self._city_time:
                    await client.publish(f"city/{self._settings.city}/device/probe", self._heartbeat())
                await asyncio.sleep(PERIOD_S)

    def _heartbeat(self) -> bytes:
        """A device's clock is the city's, as the last status told it."""
        return msgspec.json.encode({"time": self._city_time, "sent_ms": time.time() * 1000})

    async def _watch(self) -> None:
        identifier = entity_id("Device", self._settings.city, "probe")
        url = f"ws://127.0.0.1:{self._settings.http_port}/ws"
        async with websockets.connect(url, compression=None, proxy=None) as socket:
            await socket.send(
                msgspec.json.encode(
                    {"op": "subscribe", "id": "probe", "types": ["Device"], "format": "simplified"}
                ).decode()
            )
            async for text in socket:
                frame = msgspec.json.decode(text)
                if frame["op"] == "status":
                    self._city_time = frame["city_time"]
                elif frame["op"] == "changes":
                    for entity in frame["entities"]:
                        if entity["id"] == identifier:
                            self.latencies_ms.append(time.time() * 1000 - entity["value"])

    def percentile_ms(self, share: float) -> float | None:
        """The latency that `share` of the heartbeats stayed under; None before the first."""
        ordered = sorted(self.latencies_ms)
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else None

    def numbers(self) -> dict[str, object]:
        return {"latency_ms_p50": self.percentile_ms(0.5), "latency_ms_p95": self.percentile_ms(0.95)}
