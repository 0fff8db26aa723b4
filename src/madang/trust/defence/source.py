"""Where a request comes from, as far as that may be believed. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Set as AbstractSet
from functools import lru_cache

APP_DOOR = "app-door"
_LOOPBACK = frozenset({"127.0.0.1", "::1"})


def source_of(peer: str | None, forwarded: str, proxies: AbstractSet[str]) -> str:
    """The address of who asks. `peer` is at the other end of the connection (None: a unix socket), `forwarded` the field
    X-Forwarded-For, of which only what our own `proxies` added counts: anybody can write the rest. Of IPv6 it is the /64."""
    if peer is None:
        return APP_DOOR
    if peer in proxies and forwarded:
        for one in reversed(forwarded.split(",")):
            if one.strip() not in proxies:
                return _grouped(one.strip())
    return peer if ":" not in peer else _grouped(peer)


def is_this_machine(source: str) -> bool:
    """By TCP over loopback; what a proxy sends on from elsewhere is not."""
    return source in _LOOPBACK


@lru_cache(maxsize=4_096)
def _grouped(text: str) -> str:
    """A host gets a whole /64 of IPv6 and would be somebody else with each request."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return (
        "::1" if address.is_loopback else str(ipaddress.ip_network((address, 64), strict=False).network_address) + "/64"
    )
