"""Out of the city only to where the manifest says, counted, in nobody else's name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from madang.base.clock import SystemClock
from madang.engine.temporary import scratch
from madang.runtime.apps import Apps
from madang.runtime.doorman import Doorman
from madang.runtime.egress import Egress, read_connect
from madang.runtime.meter import Meter
from madang.runtime.records import Records
from madang.sdk.door import DoorError
from madang.sdk.http import Answer
from madang.sdk.outward import Outward
from tests.runtime.packages import MANIFEST, app_folder

pytestmark = pytest.mark.engine
ID = "org.example.quiet"
EVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass
class Way:
    """A way out, an echo at its end, and what is known of it."""

    apps: Apps
    doorman: Doorman
    meter: Meter
    port: int
    asked: list[str]
    path: Path
    token: str

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(one.kind, one.detail) for one in self.doorman.events]


ANSWER = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nheard"


async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"hello")
    writer.write(ANSWER)
    await writer.drain()
    writer.close()


@pytest.fixture
async def way(pool: asyncpg.Pool, tmp_path: Path) -> AsyncIterator[Way]:
    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    port, asked, orders = server.sockets[0].getsockname()[1], list[str](), list[dict[str, Any]]()

    async def ask(request: dict[str, Any]) -> None:
        orders.append(request)

    async def resolve(host: str, port: int) -> str:
        asked.append(f"{host}:{port}")
        if host == "inside.example.org":
            raise OSError("private addresses are not asked")
        return "127.0.0.1"

    folder = scratch("madang-egress-")
    path = folder.path / "egress.sock"
    apps, records = Apps(pool, ask, folder.path / "app.sock", tmp_path / "apps"), Records(pool)
    doorman, meter = Doorman(records.every), Meter(pool, tmp_path / "meter", SystemClock())
    head, _, rest = MANIFEST.partition("[[scopes]]")
    named = f'egress = ["api.example.org:{port}", "inside.example.org:443"]'
    await apps.install(app_folder(tmp_path / "quiet", f"{head}{named}\n[[scopes]]{rest}"))
    await apps.enable(ID)
    running = asyncio.create_task(Egress(apps, doorman, meter, resolve).run(path))
    while not path.exists():
        await asyncio.sleep(0)
    yield Way(apps, doorman, meter, port, asked, path, str(orders[0]["order"]["env"]["MADANG_APP_TOKEN"]))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    server.close()
    folder.remove()


async def said(way: Way, host: str, port: int) -> Answer:
    return await Outward(str(way.path), way.token).fetch("POST", f"http://{host}:{port}/a", b"hello", {})


async def test_it_reaches_what_its_manifest_names_and_that_is_counted(way: Way) -> None:
    assert await said(way, "api.example.org", way.port) == Answer(201, b"heard")
    await way.meter.sweep()
    sent = (
        f"POST /a HTTP/1.1\r\nhost: api.example.org:{way.port}\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"
    )
    assert await way.meter.usage(ID, *EVER) == {("", "egress_bytes"): Decimal(len(sent) + len(ANSWER))}
    assert way.told == []


async def test_no_other_place_is_even_looked_up(way: Way) -> None:
    for host, port in (("evil.example.org", way.port), ("api.example.org", 22)):
        with pytest.raises(DoorError) as refused:
            await said(way, host, port)
        assert refused.value.status == 403
    assert (way.asked, way.told) == (
        [], [("egress_refused", f"evil.example.org:{way.port}"), ("egress_refused", "api.example.org:22")],
    )  # fmt: skip


async def test_a_name_of_the_inside_leads_nowhere(way: Way) -> None:
    with pytest.raises(DoorError) as refused:
        await said(way, "inside.example.org", 443)
    assert (refused.value.status, way.asked) == (502, ["inside.example.org:443"])


async def test_a_token_that_ended_opens_nothing(way: Way) -> None:
    await way.apps.disable(ID)
    with pytest.raises(DoorError) as refused:
        await said(way, "api.example.org", way.port)
    assert (refused.value.status, way.asked) == (401, [])


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nproxy-authorization: Bearer x\r\n\r\n",
        b"CONNECT a.example.org:443 HTTP/1.1\r\n\r\n",
        b"CONNECT a.example.org:443\r\n\r\n",
        b"CONNECT a.example.org:443 HTTP/1.1\r\nproxy-authorization: Basic x\r\n\r\n",
        b"\xff\xfe\r\n\r\n",
    ],
)
def test_anything_but_connect_is_refused(head: bytes) -> None:
    with pytest.raises(ValueError):
        read_connect(head)


def test_a_request_names_place_and_token() -> None:
    head = b"CONNECT API.example.org:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: bearer abc\r\n\r\n"
    assert read_connect(head) == ("api.example.org:443", "abc")
