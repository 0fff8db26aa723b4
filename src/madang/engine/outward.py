"""Requests that somebody else's words can cause (contexts, subscriptions, registrations, witnesses, providers people sign in at):
never into a private network unless the city allows that network. The address that is judged is the one that is connected to, so a
name cannot change its mind in between (DNS rebinding)."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import Sequence
from typing import Any

import aiohttp

from madang.base.errors import BadRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
EVERYWHERE = "*"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def allowed_networks(text: str) -> tuple[Network, ...]:
    """Private networks that may be reached, of a list such as `10.1.0.0/16, ::1`; `*` for all. Raises BadRequest."""
    if text.strip() == EVERYWHERE:
        return (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise BadRequest(f"MADANG_PRIVATE_NETWORKS: {error}") from None


def networks_of_city() -> tuple[Network, ...]:
    """What `MADANG_PRIVATE_NETWORKS` allows; nothing without it. Raises BadRequest."""
    return allowed_networks(os.environ.get("MADANG_PRIVATE_NETWORKS", ""))


def may_reach(address: str, allowed: Sequence[Network]) -> bool:
    """Whether an IP address is public, or in an allowed network. One inside another family counts as what it leads to."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or _translated(found) or found
    return (found.is_global and not found.is_multicast) or any(found in network for network in allowed)


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """What a gateway of NAT64 (RFC 6052) makes of an address."""
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None


def open_session(allowed: Sequence[Network], **settings: Any) -> aiohttp.ClientSession:
    """A session that connects nowhere else (raises ClientConnectorError then), knows no proxy and keeps no cookies. `settings` are
    aiohttp's. Only inside a running loop."""

    def make(info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        if not may_reach(address[0], allowed):
            raise OSError("private addresses are not asked")
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=20, socket_factory=make)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), **settings)


async def resolve(host: str, port: int, allowed: Sequence[Network]) -> str:
    """An address of `host` to connect to, for what is not HTTP. Raises OSError when there is none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, address in found:
        if may_reach(str(address[0]), allowed):
            return str(address[0])
    raise OSError("private addresses are not asked")


class _NamedContext(ssl.SSLContext):
    """Takes the certificate of a name, whatever address was connected to."""

    name = ""

    def wrap_socket(self, *args: Any, **more: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **{**more, "server_hostname": self.name})


def named_tls(name: str) -> ssl.SSLContext:
    """TLS to a host whose address is known already."""
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    context.name = name
    return context


async def read_bounded(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """The body. Raises ValueError beyond `max_bytes`, before more is held."""
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > max_bytes:
            raise ValueError(f"larger than {max_bytes} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
