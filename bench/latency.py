"""From a device's MQTT message to a WebSocket client, with ingest, database, courier, bus and gateway between.

    python -m bench.latency HTTP_URL MQTT_URL MESSAGES_PER_S SECONDS

Prints `{"p50_ms", "p95_ms", "sent", "seen"}`. A page folds changes of one entity, so `seen` may be less than `sent`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from urllib.parse import unquote, urlsplit

import aiomqtt
import msgspec
import uvloop
import websockets

DEVICES = 500
WARM_UP_S = 2.0


async def watch(url: str, delays: list[float], ready: asyncio.Event, since: float) -> None:
    async with websockets.connect(url.replace("http", "ws", 1) + "ws", compression=None, proxy=None) as socket:
        await socket.send('{"op":"subscribe","id":"b","types":["Device"],"format":"simplified"}')
        async for text in socket:
            now, frame = time.time() * 1000, msgspec.json.decode(text)
            ready.set()
            if frame["op"] == "changes" and time.monotonic() > since:
                delays += [now - entity["value"] for entity in frame["entities"] if "value" in entity]


async def send(mqtt: str, per_s: float, seconds: float) -> int:
    where, sent, began = urlsplit(mqtt), 0, time.monotonic()
    async with aiomqtt.Client(
        where.hostname or "",
        where.port or 0,
        username=unquote(where.username or ""),
        password=unquote(where.password or ""),
    ) as client:
        while (passed := time.monotonic() - began) < seconds:
            while sent < passed * per_s:
                payload = b'{"n":%.3f}' % (time.time() * 1000)
                await client.publish(f"city/yard/device/{sent % DEVICES}", payload)
                sent += 1
            await asyncio.sleep(0.002)
    return sent


async def main(url: str, mqtt: str, per_s: float, seconds: float) -> None:
    delays: list[float] = []
    ready = asyncio.Event()
    watcher = asyncio.create_task(watch(url, delays, ready, time.monotonic() + WARM_UP_S))
    await ready.wait()
    sent = await send(mqtt, per_s, WARM_UP_S + seconds)
    await asyncio.sleep(1)
    watcher.cancel()
    ordered = sorted(delays)
    shares = {f"p{share}_ms": round(ordered[len(ordered) * share // 100], 1) for share in (50, 95)}
    print(json.dumps({**shares, "sent": sent, "seen": len(ordered)}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
