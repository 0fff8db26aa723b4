"""Broken, huge, deep, wrong: every door answers clearly, and the gateway's memory stays bounded."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import psutil
import pytest
import websockets

from tests.flow.conftest import House
from tests.waiting import until

HUGE = 64 << 20
GROWTH_MAX = 160 << 20
JSON = {"content-type": "application/json"}
DEEP = b'{"id":"urn:x:1","type":"T","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BODIES: list[tuple[str, bytes, dict[str, str], set[int]]] = [
    ("broken", b'{"id":', JSON, {400}),
    ("empty", b"", JSON, {400}),
    ("deep", DEEP, JSON, {400}),
    ("unclosed", b"[" * 1_000_000, JSON, {400}),
    ("charset", '{"id":"urn:x:1","type":"한글"}'.encode("utf-16"), JSON, {400}),
    ("cp949", '{"id":"urn:x:1","type":"한글"}'.encode("cp949"), JSON, {400}),
    ("surrogate", b'{"id":"urn:x:1","type":"T","a":"\\ud800"}', JSON, {400}),
    ("number", b"17", JSON, {400}),
    ("type", b'{"id":"urn:x:1","type":"T"}', {"content-type": "text/plain"}, {415}),
    ("none", b"x", {}, {415}),
]
DOORS = [
    ("POST", "ngsi-ld/v1/entities"),
    ("POST", "ngsi-ld/v1/entityOperations/upsert"),
    ("PATCH", "ngsi-ld/v1/entities/urn:x:1"),
    ("POST", "ngsi-ld/v1/subscriptions"),
    ("POST", "madang/v1/commands"),
    ("POST", "madang/v1/apps"),
]


def gateway_rss(house: House) -> int:
    return int(psutil.Process(house.member("gateway").state.pid).memory_info().rss)


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_http_answers_every_broken_body(house: House, method: str, path: str) -> None:
    async with httpx.AsyncClient(base_url=house.url, trust_env=False, timeout=20) as client:
        for name, body, headers, expected in BODIES:
            answer = await client.request(method, path, content=body, headers=headers)
            assert answer.status_code in expected, (name, answer.status_code, answer.text[:300])
            assert set(answer.json()) >= {"type", "title", "status", "detail"}


@pytest.mark.parametrize("path", ["", "assets/index.js", "madang/v1/city", "ngsi-ld/v1/subscriptions", "nothing"])
async def test_head_tells_what_get_would(house: House, path: str) -> None:
    async with httpx.AsyncClient(base_url=house.url, trust_env=False, timeout=20) as client:
        got, head = await client.get(path), await client.head(path)
    names = ("content-type", "content-length", "etag")
    told = [(answer.status_code, *(answer.headers.get(name) for name in names)) for answer in (got, head)]
    assert told[0] == told[1] and (head.content, told[1][2]) == (b"", str(len(got.content)))


async def huge(house: House, path: str) -> int:
    """64 MB in chunks without a declared length."""

    async def chunks() -> Any:
        for _ in range(HUGE >> 20):
            yield b" " * (1 << 20)

    async with httpx.AsyncClient(base_url=house.url, trust_env=False, timeout=60) as client:
        return (await client.post(path, content=chunks(), headers=JSON)).status_code


async def test_huge_bodies_are_refused_and_leave_no_trace(house: House) -> None:
    before = gateway_rss(house)
    async with httpx.AsyncClient(base_url=house.url, trust_env=False, timeout=60) as client:
        declared = await client.post("ngsi-ld/v1/entities", content=bytes(HUGE), headers=JSON)
    found = await asyncio.gather(*(huge(house, path) for method, path in DOORS if method == "POST"))
    assert declared.status_code == 413 and set(found) <= {411, 413}  # NGSI-LD wants a length (clause 6.3.4)
    assert gateway_rss(house) - before < GROWTH_MAX


async def test_the_socket_hangs_up_on_a_huge_frame_and_takes_the_next_client(house: House) -> None:
    before, url = gateway_rss(house), house.url.replace("http", "ws", 1) + "ws"
    async with websockets.connect(url, proxy=None, max_size=None) as socket:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.send("x" * HUGE)
            while True:
                await socket.recv()
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009
    async with websockets.connect(url, proxy=None) as socket:
        await socket.send('{"op":"ping"}')
        seen: set[str] = set()
        while "pong" not in seen:
            seen.add(json.loads(await asyncio.wait_for(socket.recv(), 10))["op"])
    assert gateway_rss(house) - before < GROWTH_MAX


async def test_the_city_still_works(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.url, trust_env=False, timeout=20) as client:
        made = await client.post("ngsi-ld/v1/entityOperations/upsert", json=[{"id": "urn:x:9", "type": "T"}])
        assert made.status_code in (201, 204)

        async def healthy() -> bool:
            parts = (await client.get("madang/v1/status")).json()["components"]
            return {parts[name]["state"] for name in ("gateway", "ingest", "courier", "postgres", "nats")} == {
                "running"
            }

        await until(healthy, "every part runs")
