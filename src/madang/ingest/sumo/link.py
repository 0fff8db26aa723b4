"""The wire of the field: MQTT 3.1.1 out and in. The simulator never waits for it; a lost broker is tried again."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt

from madang.base.limits import MQTT_PAYLOAD_MAX_BYTES
from madang.ingest.sumo.messages import MAY, Message

log = logging.getLogger(__name__)

OUT_MAX_MESSAGES = 20_000
IN_MAX_MESSAGES = 5_000
BATCH_MESSAGES = 200
RETRY_FIRST_S, RETRY_MAX_S = 0.2, 3.0


@dataclass(frozen=True)
class Broker:
    """Where and who: from `mqtt://user:password@host:port`."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None

    @staticmethod
    def of(url: str) -> Broker:
        """Raises ValueError on another scheme or no host."""
        parts = urlsplit(url)
        if parts.scheme != "mqtt" or not parts.hostname:
            raise ValueError("an MQTT address reads mqtt://user:password@host:port")
        name = unquote(parts.username) if parts.username else None
        word = unquote(parts.password) if parts.password else None
        return Broker(parts.hostname, parts.port or 1883, name, word)


@dataclass
class Link:
    """`put` and `take` never block; `run` keeps the connection. Overflow drops positions first, then the oldest."""

    broker: Broker
    subscriptions: tuple[str, ...]
    identifier: str
    out: deque[Message] = field(default_factory=deque)
    inbox: deque[tuple[str, Any]] = field(default_factory=lambda: deque(maxlen=IN_MAX_MESSAGES))
    connected: bool = False
    sent: int = 0
    dropped: int = 0

    def put(self, messages: list[Message]) -> None:
        for message in messages:
            if len(self.out) >= OUT_MAX_MESSAGES:
                self.dropped += 1
                if message.rank == MAY:
                    continue
                self.out.popleft()
            self.out.append(message)

    def take(self) -> list[tuple[str, Any]]:
        """Messages that came in, as (topic, JSON value or None when it is none)."""
        taken = list(self.inbox)
        self.inbox.clear()
        return taken

    async def run(self) -> None:
        """Keep connected until cancelled."""
        wait = RETRY_FIRST_S
        while True:
            try:
                async with self._client() as client:
                    for topic in self.subscriptions:
                        await client.subscribe(topic)
                    self.connected, wait = True, RETRY_FIRST_S
                    log.info("field connected to %s:%s", self.broker.host, self.broker.port)
                    await self._both(client)
            except (aiomqtt.MqttError, OSError) as error:
                log.warning("field lost its broker: %s", error)
            self.connected = False
            await asyncio.sleep(wait)
            wait = min(RETRY_MAX_S, wait * 2)

    def _client(self) -> aiomqtt.Client:
        b = self.broker
        return aiomqtt.Client(
            b.host,
            b.port,
            username=b.username,
            password=b.password,
            identifier=self.identifier,
            timeout=5,
            keepalive=15,
        )

    async def _both(self, client: aiomqtt.Client) -> None:
        tasks = [asyncio.create_task(self._send(client)), asyncio.create_task(self._receive(client))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
        for result in done:
            if isinstance(result, Exception):
                raise result

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            for _ in range(min(BATCH_MESSAGES, len(self.out))):
                message = self.out.popleft()
                body = b"" if message.payload is None else json.dumps(message.payload, separators=(",", ":")).encode()
                await client.publish(message.topic, body, qos=0)
                self.sent += 1
            await asyncio.sleep(0 if self.out else 0.02)

    async def _receive(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            self.inbox.append((str(message.topic), _read(message.payload)))


def _read(payload: Any) -> Any:
    """The JSON value of a payload; None when it is too big or no JSON."""
    if not isinstance(payload, bytes | bytearray) or len(payload) > MQTT_PAYLOAD_MAX_BYTES:
        return None
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None
