"""Notifications on the wire: HTTP and MQTT (clauses 5.3.1, 6.3.6, 7.2), with a gate before each host."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
import aiomqtt
import msgspec

from madang.base.clock import to_iso
from madang.base.limits import NOTIFY_HOST_CONNECTIONS, NOTIFY_HOSTS_MAX
from madang.engine.outward import Network, named_tls, networks_of_city, open_session, resolve
from madang.model.context import CORE_URL
from madang.model.endpoint import Endpoint, Pairs
from madang.model.render import Form
from madang.model.subscription import Subscription

FAILED: tuple[type[Exception], ...] = (aiohttp.ClientError, aiomqtt.MqttError, OSError, TimeoutError, ValueError)
BROKEN_AFTER = 5
PAUSES_S = (0.25, 0.5, 1.0, 2.0)
_MQTT_VERSIONS = {"mqtt3.1.1": aiomqtt.ProtocolVersion.V311, "mqtt5.0": aiomqtt.ProtocolVersion.V5}


class Gate:
    """One host: so many at once, and one at a time with growing pauses while it does not answer. So thousands of
    subscriptions to a dead host cost what one costs."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(NOTIFY_HOST_CONNECTIONS)
        self._probe = asyncio.Lock()
        self._failures = 0
        self._not_before = 0.0

    @property
    def is_broken(self) -> bool:
        """Whether the host did not answer for a while."""
        return self._failures >= BROKEN_AFTER

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        async with self._places:
            if not self.is_broken:
                async with self._counted():
                    yield
                return
            async with self._probe:
                await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
                async with self._counted():
                    yield

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        try:
            yield
        except FAILED:
            self._failures += 1
            pause = PAUSES_S[min(max(0, self._failures - BROKEN_AFTER), len(PAUSES_S) - 1)]
            self._not_before = time.monotonic() + pause
            raise
        self._failures = 0


class Delivery:
    """The way out of one process. `headers` go with every notification."""

    def __init__(self, headers: Pairs = ()) -> None:
        self._headers, self._allowed = headers, networks_of_city()
        self._gates: OrderedDict[str, Gate] = OrderedDict()
        self._http: aiohttp.ClientSession | None = None

    async def send(self, subscription: Subscription, data: list[dict[str, Any]]) -> None:
        """One notification of entities. Raises one of FAILED."""
        await self.post(subscription.endpoint, subscription.form, notification(subscription, data))

    async def post(self, endpoint: Endpoint, form: Form, body: dict[str, Any]) -> None:
        """A notification of any kind. Raises one of FAILED; an HTTP status of 400 or more is a failure."""
        async with self._gate(urlsplit(endpoint.uri).netloc).turn(), asyncio.timeout(endpoint.timeout_s):
            if endpoint.is_mqtt:
                await send_mqtt(endpoint, form, body, self._headers, self._allowed)
            else:
                await self._post(endpoint, form, body)

    def is_broken(self, endpoint: Endpoint) -> bool:
        """Whether its host is known not to answer."""
        gate = self._gates.get(urlsplit(endpoint.uri).netloc)
        return gate is not None and gate.is_broken

    def _gate(self, host: str) -> Gate:
        gate = self._gates.setdefault(host, Gate())
        self._gates.move_to_end(host)
        if len(self._gates) > NOTIFY_HOSTS_MAX:
            self._gates.popitem(last=False)
        return gate

    async def _post(self, endpoint: Endpoint, form: Form, body: dict[str, Any]) -> None:
        headers = {"Content-Type": endpoint.accept, **dict(self._headers), **dict(endpoint.receiver)}
        if endpoint.accept == "application/ld+json":
            body = with_context(body, form)
        else:
            headers["Link"] = link(form)
        if self._http is None:  # only inside a running loop
            self._http = open_session(self._allowed)
        posting = self._http.post(endpoint.uri, data=msgspec.json.encode(body), headers=headers, allow_redirects=False)
        async with posting as response:
            response.raise_for_status()

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()


def notification(subscription: Subscription, data: list[dict[str, Any]]) -> dict[str, Any]:
    """The Notification data type of clause 5.3.1."""
    geo = subscription.endpoint.accept == "application/geo+json"
    return {
        "id": f"urn:ngsi-ld:Notification:{uuid.uuid4()}",
        "type": "Notification",
        "subscriptionId": subscription.id,
        "notifiedAt": to_iso(datetime.now(UTC)),
        "data": {"type": "FeatureCollection", "features": data} if geo else data,
    }


def with_context(body: dict[str, Any], form: Form) -> dict[str, Any]:
    """JSON-LD: the notification and each entity in it name their context."""
    context = {"@context": form.context.source or CORE_URL}
    return body | {"data": [one | context for one in body["data"]]} | context


def link(form: Form) -> str:
    """The Link header that names the context of the data."""
    source = form.context.source
    url = source if isinstance(source, str) else CORE_URL
    return f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


async def send_mqtt(
    endpoint: Endpoint, form: Form, body: dict[str, Any], headers: Pairs, allowed: Sequence[Network]
) -> None:
    """Clause 7.2: the payload carries the metadata that HTTP has in headers."""
    parts, told = urlsplit(endpoint.uri), dict(endpoint.notifier)
    metadata = {"Content-Type": endpoint.accept, **dict(headers), **dict(endpoint.receiver)}
    if endpoint.accept == "application/ld+json":
        body = with_context(body, form)
    else:
        metadata["Link"] = link(form)
    name, port = parts.hostname or "", parts.port or (8883 if parts.scheme == "mqtts" else 1883)
    async with aiomqtt.Client(
        await resolve(name, port, allowed),
        port,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls_context=named_tls(name) if parts.scheme == "mqtts" else None,
        protocol=_MQTT_VERSIONS[told.get("MQTT-Version", "mqtt3.1.1")],  # which brokers of either version speak
    ) as client:
        payload = msgspec.json.encode({"metadata": metadata, "body": body})
        await client.publish(parts.path.lstrip("/"), payload, qos=int(told.get("MQTT-QoS", "0")))
