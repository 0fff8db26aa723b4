"""What a stranger's words can cause goes to public addresses, and to private ones only where the city allows it."""

from __future__ import annotations

import socket
from typing import Any

import aiohttp
import pytest

from madang.base.errors import BadRequest
from madang.engine.outward import allowed_networks, may_reach, open_session
from tests.listening import Listener


@pytest.mark.parametrize(
    ("address", "reached"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.3.4", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:0a00:0001::1", False),
        ("64:ff9b::a00:1", False),
    ],
)
def test_only_public_addresses_are_reached(address: str, reached: bool) -> None:
    assert may_reach(address, ()) is reached


def test_an_allowed_network_is_reached_and_no_other() -> None:
    allowed = allowed_networks(" 10.1.0.0/16, ::1 ")
    shown = [may_reach(one, allowed) for one in ("10.1.2.3", "::ffff:10.1.2.3", "::1", "10.2.0.1", "127.0.0.1")]
    assert shown == [True, True, True, False, False]
    assert may_reach("127.0.0.1", allowed_networks("*"))
    with pytest.raises(BadRequest):
        allowed_networks("10.1.0.0/8")


async def test_a_literal_address_is_judged_too(listener: Listener) -> None:
    async with open_session(()) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.post(listener.url, json={})


async def test_a_name_that_leads_to_a_private_address_is_refused_whatever_it_led_to_before(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    asked: list[str] = []

    def rebinding(host: Any, *rest: Any, **more: Any) -> Any:
        asked.append(str(host))
        return real("127.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    url = listener.url.replace("127.0.0.1", "public.example")
    async with open_session(()) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.post(url, json={})
    async with open_session(allowed_networks("127.0.0.0/8")) as session:
        assert (await session.post(url, json={"data": []})).status == 204
    assert asked == ["public.example"] * 2
