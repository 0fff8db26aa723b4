"""The MQTT wire: subscribes, batches, hands on.

Subscribed at QoS 0: what is on the wire or in the queue when this process dies is gone, so devices report states, not
differences; what was written is safe. What cannot be read becomes a dead letter; what overflows is counted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from urllib.parse import unquote, urlsplit

import aiomqtt
import structlog

from madang.base.errors import MadangError
from madang.base.limits import INGEST_BATCH_MAX_MESSAGES, INGEST_QUEUE_MAX_MESSAGES
from madang.ingest.mqtt.decode import Decoder
from madang.model.operations import Operation

log = structlog.get_logger()
Letter = tuple[str, str, bytes]
WriteMany = Callable[[list[Operation]], Awaitable[list[object]]]
KeepLetters = Callable[[list[Letter]], Awaitable[None]]
RETRY_S = 0.3


def counting_queue(link: MqttLink) -> type[asyncio.Queue[aiomqtt.Message]]:
    """The client library drops what its queue cannot hold; this one counts each, so that no loss is silent."""

    class CountingQueue(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            if self.full():
                link.lost += 1
            super().put_nowait(item)

    return CountingQueue


class MqttLink:
    """One MQTT broker feeding one city. `write` answers each operation's outcome or MadangError. On the topic `interrogate`
    each connection asks the devices for their present state, as a general interrogation of IEC 60870-5-104 does: what they
    said while nobody listened is lost, and some speak only when something changes."""

    def __init__(self, url: str, decoder: Decoder, write: WriteMany, keep: KeepLetters, interrogate: str = "") -> None:
        self._url, self._decoder, self._write, self._keep = url, decoder, write, keep
        self._interrogate = interrogate
        self._queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(INGEST_QUEUE_MAX_MESSAGES)
        self.messages = 0
        self.observations = 0
        self.dead_letters = 0
        self.lost = 0
        self.connected = False

    async def run(self) -> None:
        """For ever, reconnecting."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen_for_ever())
            group.create_task(self._write_for_ever())

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except (aiomqtt.MqttError, OSError) as error:
                log.warning("mqtt connection lost", error=repr(error))
            self.connected = False
            await asyncio.sleep(RETRY_S)

    async def _listen(self) -> None:
        parts = urlsplit(self._url)
        async with aiomqtt.Client(
            parts.hostname or "127.0.0.1",
            parts.port or 1883,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            max_queued_incoming_messages=INGEST_QUEUE_MAX_MESSAGES,
            queue_type=counting_queue(self),
            tls_params=aiomqtt.TLSParameters() if parts.scheme == "mqtts" else None,
        ) as client:
            await client.subscribe([(one, 0) for one in self._decoder.filters()])
            if self._interrogate:
                await client.publish(self._interrogate, b"{}", qos=0)
            self.connected = True
            async for message in client.messages:
                payload = message.payload if isinstance(message.payload, bytes) else str(message.payload or "").encode()
                self.messages += 1
                # Waiting here fills the client's own bounded queue, whose overflow is counted as `lost` and shown.
                await self._queue.put((str(message.topic), payload))

    async def _write_for_ever(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < INGEST_BATCH_MAX_MESSAGES and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self.handle(batch)

    async def handle(self, batch: list[tuple[str, bytes]]) -> None:
        """Decodes and writes a batch; what cannot be read or written becomes a dead letter, what may be tried again is."""
        letters: list[Letter] = []
        todo: list[tuple[str, bytes, Operation]] = []
        for topic, payload in batch:
            try:
                todo += [(topic, payload, operation) for operation in self._decoder.decode(topic, payload)]
            except MadangError as error:
                letters.append((f"mqtt:{topic}", error.detail, payload))
        while todo:
            outcomes = await self._write([operation for _, _, operation in todo])
            again = []
            for item, outcome in zip(todo, outcomes, strict=True):
                if not isinstance(outcome, MadangError):
                    self.observations += 1
                elif outcome.status in (503, 507):
                    again.append(item)
                else:
                    letters.append((f"mqtt:{item[0]}", outcome.detail, item[1]))
            todo = again
            if todo:
                await asyncio.sleep(RETRY_S)
        await self._bury(letters)

    async def _bury(self, letters: list[Letter]) -> None:
        while letters:
            try:
                await self._keep(letters)
                self.dead_letters += len(letters)
                return
            except OSError as error:
                log.warning("dead letters wait for the database", error=repr(error))
                await asyncio.sleep(RETRY_S)


class Rate:
    """Events a second over the last `window_s` seconds of a growing counter."""

    def __init__(self, window_s: float = 5.0) -> None:
        self._window_s = window_s
        self._points: list[tuple[float, int]] = []

    def __call__(self, total: int) -> float:
        now = time.monotonic()
        self._points = [point for point in self._points if now - point[0] <= self._window_s] + [(now, total)]
        began, first = self._points[0]
        return (total - first) / (now - began) if now > began else 0.0
