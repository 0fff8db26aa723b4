"""Who a connection to the embedded broker is: NATS asks by its auth callout, and gets a user that may touch its own topics only.

What ends is disconnected: the server is told which connections are a device's, and each is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import msgspec
import nats.errors
import structlog
from nats.aio.client import Client

from madang.base.clock import Clock
from madang.base.limits import DEVICES_MAX
from madang.engine.database import LOST
from madang.engine.nkeys import account_nkey, read_jwt, sign_jwt
from madang.trust.identity.devices import Device, Devices
from madang.trust.identity.secrets import new_id

log = structlog.get_logger()
ASK = "$SYS.REQ.USER.AUTH"
ACCOUNT = "CITY"
Claims = dict[str, Any]
May = Callable[[Device], bool]


def permissions_of(device: Device, city: str) -> Claims:
    """What a device may publish and subscribe: its topics and what is below them; commands it hears and never gives."""
    own = [f"city.{city}.{topic.replace('/', '.')}" for topic in device.topics]
    told = [subject for topic in own for subject in (topic, f"{topic}.>")]
    commands = [
        subject for topic in own for subject in (f"{topic}.command", f"{topic}.*.command", f"{topic}.command.>")
    ]
    heard = [*told, f"city.{city}.interrogation"]
    # An empty list would mean everything.
    pub: Claims = {"allow": told, "deny": commands} if told else {"deny": [">"]}
    return {"pub": pub, "sub": {"allow": heard}}


def is_own_client_id(client_id: str, device_id: str) -> bool:
    """Whether an MQTT client identifier is a device's: its id, or that with a colon and more. Who connects with another's takes
    over its session (MQTT 3.1.1, 3.1.4), so nobody else may."""
    return client_id == device_id or client_id.startswith(f"{device_id}:")


class Callout:
    """Answers for one city. `ask` is connected as the callout's own user, `system` as that of the system account; `may` tells
    whether a device is let in to speak by MQTT."""

    def __init__(
        self, ask: Client, system: Client, seed: bytes, city: str, devices: Devices, clock: Clock, may: May
    ) -> None:
        self._ask, self._system, self._seed, self._city = ask, system, seed, city
        self._devices, self._clock, self._may = devices, clock, may
        self._admitted: dict[str, Device] = {}
        self._issuer = account_nkey(seed)
        self._ended: asyncio.Queue[str] = asyncio.Queue()

    def hear(self, tag: str) -> None:
        """Of something that ended, or changed."""
        kind, _, device_id = tag.partition(":")
        if kind == "device":
            self._ended.put_nowait(device_id)

    def judge_again(self) -> None:
        """After policies changed, or somebody was put in quarantine: whoever may not speak any more is hung up on."""
        for device in [one for one in self._admitted.values() if not self._may(one)]:
            del self._admitted[device.id]
            self._ended.put_nowait(device.id)

    async def run(self) -> None:
        """For ever: answers the server, and closes what ended."""
        await self._ask.subscribe(ASK, queue="gateways", cb=self._asked)
        while True:
            device_id = await self._ended.get()
            try:
                await self.disconnect(device_id)
            except (nats.errors.Error, TimeoutError, msgspec.DecodeError) as error:
                log.warning("a device may still be connected", device=device_id, error=repr(error))
                await asyncio.sleep(1.0)
                self._ended.put_nowait(device_id)

    async def _asked(self, message: Any) -> None:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            request = read_jwt(message.data.decode())["nats"]
            await message.respond(sign_jwt(self._seed, await self.answer(request)).encode())

    async def answer(self, request: Claims) -> Claims:
        """The claims of the response to one request (ADR-26 of NATS)."""
        shown, client = request["connect_opts"], request["client_info"]
        told: Claims = {"type": "authorization_response", "version": 2}
        try:
            found = await self._devices.authenticate(shown.get("user", ""), shown.get("pass", ""))
        except LOST:
            found = None
        if found is None or not _fits(client, found[0]) or not self._may(found[0]):
            told["error"] = "no device of this city"
        else:
            ends = None if found[1] is None else int(found[1].timestamp())
            if len(self._admitted) < DEVICES_MAX:
                self._admitted[found[0].id] = found[0]
            told["jwt"] = sign_jwt(self._seed, self._user(request["user_nkey"], found[0], ends))
        return self._claims(request["user_nkey"], request["server_id"]["id"], told)

    def _user(self, nkey: str, device: Device, ends_s: int | None) -> Claims:
        rights = {
            "type": "user",
            "version": 2,
            "subs": -1,
            "data": -1,
            "payload": -1,
            **permissions_of(device, self._city),
        }
        claims = self._claims(nkey, ACCOUNT, rights) | {"name": device.id}
        return claims if ends_s is None else claims | {"exp": ends_s}

    def _claims(self, subject: str, audience: str, body: Claims) -> Claims:
        now_s = int(self._clock.now().timestamp())
        return {"iss": self._issuer, "sub": subject, "aud": audience, "iat": now_s, "jti": new_id(), "nats": body}

    async def disconnect(self, device_id: str) -> None:
        """Closes every connection of a device; it may come again with what it holds. Raises of nats.errors."""
        asked = msgspec.json.encode({"auth": True, "user": device_id, "limit": 1_024})
        answer = await self._system.request("$SYS.REQ.SERVER.PING.CONNZ", asked, timeout=2)
        told = msgspec.json.decode(answer.data)
        for connection in told["data"]["connections"] or ():
            if connection.get("account") == ACCOUNT:
                closing = msgspec.json.encode({"cid": connection["cid"]})
                await self._system.request(f"$SYS.REQ.SERVER.{told['server']['id']}.KICK", closing, timeout=2)


def _fits(client: Claims, device: Device) -> bool:
    """By MQTT with its own client identifier; other protocols have none."""
    return client.get("type") != "mqtt" or is_own_client_id(str(client.get("mqtt_id", "")), device.id)
