"""SMS and KakaoTalk by a provider's adapter: one documented request over HTTP, signed as Standard Webhooks 1.0 has it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

import aiohttp
import msgspec

from madang.base.city import ProviderSettings
from madang.base.clock import Clock, SystemClock
from madang.base.errors import BadRequest
from madang.base.limits import NOTICE_TIMEOUT_S
from madang.operations.notifying.channel import NotSent
from madang.operations.notifying.message import Message
from madang.operations.notifying.nouns import ChannelName

_AGAIN = frozenset({408, 425, 429})
_TAKEN_BEFORE = 409


def body_of(channel: ChannelName, message: Message) -> bytes:
    """What is posted (docs/operations-centre.md). Pure."""
    told = {
        "id": message.key,
        "channel": channel,
        "to": message.to,
        "language": message.language,
        "template": f"incident.{message.step}",
        "text": message.text,
        "link": message.link,
    }
    return msgspec.json.encode(told)


def signature(secret: bytes, key: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over `id.timestamp.body`, version 1."""
    signed = hmac.digest(secret, f"{key}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


def key_of(secret: str) -> bytes:
    """Of the form `whsec_BASE64`, 24 to 64 bytes. Raises BadRequest."""
    try:
        found = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        found = b""
    if not secret.startswith("whsec_") or not 24 <= len(found) <= 64:
        raise BadRequest("the secret of a provider is whsec_ and 24 to 64 bytes in base64")
    return found


class Provider:
    """`settings.url` takes each message once, by its id. Raises BadRequest for a secret of another form."""

    def __init__(
        self, channel: ChannelName, settings: ProviderSettings, secret: str, clock: Clock | None = None
    ) -> None:
        self._channel, self._url, self._key = channel, settings.url, key_of(secret)
        self._clock, self.simulated = clock or SystemClock(), settings.simulated

    async def send(self, message: Message) -> None:
        """Raises NotSent."""
        body, at = body_of(self._channel, message), int(self._clock.now().timestamp())
        headers = {
            "content-type": "application/json",
            "webhook-id": message.key,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(self._key, message.key, at, body),
        }
        try:
            status = await self._post(body, headers)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotSent(f"the provider: {error or type(error).__name__}") from error
        if not 200 <= status < 300 and status != _TAKEN_BEFORE:
            raise NotSent(f"HTTP {status}", status < 500 and status not in _AGAIN)

    async def _post(self, body: bytes, headers: dict[str, str]) -> int:
        timeout = aiohttp.ClientTimeout(total=NOTICE_TIMEOUT_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status
