"""Other brokers on the wire: one request, bounded in time and size, with `Via` (clauses 4.3.6.4 to 4.3.6.6, 6.3.18)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from yarl import URL

from madang.base.clock import SystemClock, to_iso
from madang.base.limits import PEER_BODY_MAX_BYTES, PEERS_AT_ONCE
from madang.engine.outward import networks_of_city, open_session, read_bounded
from madang.model.registration import Registration

UNREACHABLE = 504
"""The status of a source that did not answer in time, or not at all."""
_CONNECTION = frozenset(
    [
        "host",
        "content-length",
        "connection",
        "transfer-encoding",
        "via",
        "ngsild-tenant",
        "content-type",
        "link",
        "accept",
    ]
)
_FROM_REQUEST = "urn:ngsi-ld:request"


@dataclass(frozen=True)
class Call:
    """What a source is asked. `path` is below `/ngsi-ld/v1/`; `context` the URL that names are in, None for the core;
    `headers` are further ones, in lower case."""

    registration: Registration
    method: str
    path: str
    parameters: tuple[tuple[str, str], ...] = ()
    body: Any = None
    context: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Origin:
    """What of the triggering request goes along: its header fields and the brokers it came through."""

    alias: str
    via: str = ""
    headers: Mapping[bytes, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What came back. `why` says what went wrong on the way; `body` is None when there was none that can be read."""

    status: int
    body: Any = None
    total: int | None = None
    why: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(slots=True)
class Health:
    """How a source answered since this process began (table 5.2.9-2)."""

    sent: int = 0
    failed: int = 0
    last_success: str | None = None
    last_failure: str | None = None
    not_before: float = 0.0

    def describe(self) -> dict[str, Any]:
        if not self.sent:
            return {}
        bad = (self.last_failure or "") > (self.last_success or "")
        out: dict[str, Any] = {"timesSent": self.sent, "timesFailed": self.failed, "status": "failed" if bad else "ok"}
        times = {"lastSuccess": self.last_success, "lastFailure": self.last_failure}
        return out | {name: at for name, at in times.items() if at is not None}


class Peers:
    """The way out to sources. Connections are kept; what fails is told as a Reply and never raised."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._allowed = networks_of_city()
        self._health: dict[str, Health] = {}

    def health(self, identifier: str) -> Health:
        return self._health.setdefault(identifier, Health())

    def forget(self, identifier: str) -> None:
        self._health.pop(identifier, None)

    async def ask_all(self, calls: list[Call], origin: Origin) -> list[Reply]:
        """The replies in the order of the calls; so many at once."""
        places = asyncio.Semaphore(PEERS_AT_ONCE)

        async def one(call: Call) -> Reply:
            async with places:
                return await self.ask(call, origin)

        return list(await asyncio.gather(*map(one, calls)))

    async def ask(self, call: Call, origin: Origin) -> Reply:
        health = self.health(call.registration.id)
        if time.monotonic() < health.not_before:
            return Reply(UNREACHABLE, why="rests after a failure")
        health.sent += 1
        try:
            async with asyncio.timeout(call.registration.timeout_s):
                reply = await self._ask(call, origin)
        except TimeoutError:
            reply = Reply(UNREACHABLE, why=f"no answer within {call.registration.timeout_s:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reply = Reply(UNREACHABLE, why=f"not reached: {type(error).__name__}")
        now = to_iso(SystemClock().now())
        if reply.ok:
            health.last_success = now
        else:
            health.failed, health.last_failure = health.failed + 1, now
            if reply.status == UNREACHABLE:
                health.not_before = time.monotonic() + call.registration.cooldown_s
        return reply

    async def _ask(self, call: Call, origin: Origin) -> Reply:
        data = None if call.body is None else msgspec.json.encode(call.body)
        asking = self._http.request(
            call.method, url_of(call), data=data, headers=headers_of(call, origin), allow_redirects=False
        )
        async with asking as response:
            return _reply(response, await read_bounded(response, PEER_BODY_MAX_BYTES))

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:  # only inside a running loop
            # each source has a time of its own
            self._session = open_session(self._allowed, timeout=aiohttp.ClientTimeout(total=None))
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def aliases(via: str) -> set[str]:
    """The names of the brokers in a Via field (RFC 9110, 7.6.3)."""
    parts = [part.split() for part in via.split(",")]
    return {part[1] for part in parts if len(part) > 1}


def url_of(call: Call) -> URL:
    """Where the source takes the call; the path is encoded already."""
    query = urlencode(call.parameters, quote_via=quote)
    return URL(f"{call.registration.endpoint}/ngsi-ld/v1/{call.path}{'?' if query else ''}{query}", encoded=True)


def headers_of(call: Call, origin: Origin) -> dict[str, str]:
    """The header fields of a call: contextSourceInfo never overrides those of the connection (clause 4.3.6.5)."""
    out = {"accept": "application/json"}
    if call.body is not None:
        out["content-type"] = "application/json"
    if call.context is not None:
        relation = "http://www.w3.org/ns/json-ld#context"
        out["link"] = f'<{call.context}>; rel="{relation}"; type="application/ld+json"'
    for key, value in call.registration.headers:
        name = key.lower()
        if value == _FROM_REQUEST:
            value = origin.headers.get(name.encode(), b"").decode("latin-1")
        if value and name not in _CONNECTION:
            out[name] = value
    out |= dict(call.headers)
    if call.registration.tenant is not None:
        out["ngsild-tenant"] = call.registration.tenant
    out["via"] = ", ".join(filter(None, (origin.via, f"1.1 {origin.alias}")))
    return {name.title(): value for name, value in out.items()}  # some sources read the usual case only


def _reply(response: aiohttp.ClientResponse, data: bytes) -> Reply:
    count = response.headers.get("ngsild-results-count", "")
    body = None
    if data:
        try:
            body = msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError):
            return Reply(response.status, why="the answer is no JSON")
    return Reply(response.status, body, int(count) if count.isdigit() else None)
