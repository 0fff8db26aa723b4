"""Every door has strict headers and limits, whoever knocks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import AsyncMock, Mock

import httpx
import pytest
from tests.callers import GATE, OPERATOR, READER

from madang.base.city import DefenceSettings
from madang.base.limits import BODY_MAX_BYTES
from madang.people.gateway import Gateway
from madang.people.http import Request, Response
from madang.people.manage import Management
from madang.people.ngsi.routes import NgsiLd
from madang.people.ngsi.snapshot_door import Keeping
from madang.people.openapi.document import MANAGEMENT_PREFIX, NGSI_PREFIX, path_of
from madang.people.policies import PolicyDoor
from madang.trust.defence.access import Access
from madang.trust.defence.guard import Guard

NOTHING: Any = Mock()
STRANGER = ("203.0.113.7", 4711)
MANAGE = Management(
    {}, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, PolicyDoor(GATE, NOTHING, NOTHING)
)
NGSI = NgsiLd(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, Keeping(NOTHING, NOTHING, NOTHING))
ROUTES = sorted(
    [(path_of(NGSI_PREFIX, shape), method) for shape, method in NGSI.routes]
    + [(path_of(MANAGEMENT_PREFIX, shape), method) for shape, method in MANAGE.routes]
    + [
        (path, "GET")
        for path in ("/", "/assets/x.js", "/tiles/x", "/version", "/openapi.json", "/metrics", "/madang/v2")
    ]
)


class Plain:
    async def handle(self, request: Request) -> Response:
        return Response(200, b"x")


async def plain(request: Request) -> Response:
    return Response(200, b"x")


def open_client(guard: Guard) -> httpx.AsyncClient:
    app = Gateway(NGSI, MANAGE, Plain(), Plain(), plain, NOTHING, NOTHING, READER, guard=guard)
    transport = httpx.ASGITransport(app=app, client=STRANGER)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://city.example")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(Guard(DefenceSettings())) as client:
        yield client


@pytest.mark.parametrize(("path", "method"), ROUTES)
async def test_every_answer_has_strict_headers(client: httpx.AsyncClient, path: str, method: str) -> None:
    answer = await client.request(method, path)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    kept = [answer.headers[name] for name in ("x-content-type-options", "referrer-policy")]
    assert (kept, "server" in answer.headers) == (["nosniff", "no-referrer"], False)


BODIES = [(path, method) for path, method in ROUTES if method in ("POST", "PUT", "PATCH")]


@pytest.mark.parametrize(("path", "method"), BODIES)
async def test_no_door_reads_a_body_that_says_it_is_too_long(path: str, method: str) -> None:
    receive, send = AsyncMock(), AsyncMock()
    headers = [(b"content-length", str(BODY_MAX_BYTES + 1).encode()), (b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": headers,
        "client": STRANGER,
    }
    gateway = Gateway(NGSI, MANAGE, Plain(), Plain(), plain, NOTHING, NOTHING, OPERATOR)
    await gateway(scope, receive, send)
    assert (receive.await_count, send.await_args_list[0].args[0]["status"] >= 400) == (0, True)


async def test_who_asks_too_much_is_told_when_to_come_again() -> None:
    guard = Guard(DefenceSettings(address_per_s=0.1, address_burst=2))
    async with open_client(guard) as client:
        answers = [await client.get("/version") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "10"


async def test_each_request_leaves_a_record_without_what_was_said() -> None:
    guard = Guard(DefenceSettings())
    async with open_client(guard) as client:
        await client.get("/version?secret=1&type=Vehicle")
        await client.get("/nowhere", headers={"authorization": "Basic abc"})
    (first, second) = guard.stream.drain()
    assert first == Access(first.at_s, "anonymous", "203.0.113.7", "GET", "/version", 200, 0, first.size, "Vehicle")
    assert (second.path, second.status) == ("/nowhere", 401)
