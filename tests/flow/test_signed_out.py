"""Who is signed out is out of a real house within a second: at its doors, and on the sockets that are open."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest
import websockets

from madang.base.clock import SystemClock
from madang.engine.database import connect_pool
from madang.trust.identity.people import People
from madang.trust.identity.sessions import Sessions
from tests.flow.conftest import House

pytestmark = pytest.mark.engine


async def test_a_session_that_ends_is_forgotten_and_its_socket_closed_within_a_second(house: House) -> None:
    port = house.instance.settings.http_port
    async with await connect_pool(house.instance.settings.database, 1, 2) as pool:
        people, sessions = People(pool, SystemClock()), Sessions(pool, SystemClock())
        person = await people.add("mina", "Mina", None, {"operator"})
        cookie = f"madang-session-{port}={await sessions.begin(person.id, ('hwk', 'user', 'mfa'), '', '')}"
        async with (
            httpx.AsyncClient(
                base_url=f"http://localhost:{port}/", trust_env=False, headers={"cookie": cookie}
            ) as http,
            websockets.connect(f"ws://localhost:{port}/ws", additional_headers={"cookie": cookie}) as socket,
        ):
            await socket.send('{"op":"ping"}')
            await asyncio.wait_for(socket.recv(), 5)
            assert (await http.get("account", follow_redirects=False)).status_code == 200
            await sessions.end_all(person.id)
            ended = time.monotonic()
            await asyncio.wait_for(socket.wait_closed(), 5)
            took_s = time.monotonic() - ended
            assert (await http.get("account", follow_redirects=False)).status_code == 303
        assert (socket.close_code, took_s < 1.5) == (4401, True)
