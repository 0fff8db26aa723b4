"""HTTP to payment providers: within a time, without following anybody, with errors that callers know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec

from madang.base.errors import Conflict, Unavailable
from madang.base.limits import PAYMENT_BODY_MAX_BYTES, PAYMENT_TIMEOUT_S

Json = dict[str, Any]


class Wire:
    """One provider's address. `headers` go with each request: who we are."""

    def __init__(self, address: str, headers: Mapping[str, str]) -> None:
        self._address, self._headers = address.rstrip("/"), dict(headers)

    async def ask(
        self, method: str, path: str, key: str = "", json: Json | None = None, form: Mapping[str, str] | None = None
    ) -> Json:
        """The answer's object. `key` goes as `Idempotency-Key`. Raises Unavailable when there is no answer or it is one of 5xx or 429,
        Conflict with the provider's words when it refuses."""
        headers = self._headers | ({"Idempotency-Key": key} if key else {})
        timeout = aiohttp.ClientTimeout(total=PAYMENT_TIMEOUT_S)
        try:
            async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
                sent = session.request(
                    method, f"{self._address}{path}", headers=headers, json=json, data=form, allow_redirects=False
                )
                async with sent as answer:
                    body = await answer.content.read(PAYMENT_BODY_MAX_BYTES)
                    return _read(answer.status, body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"the payment provider does not answer: {type(error).__name__}") from None


def _read(status: int, body: bytes) -> Json:
    if status >= 500 or status == 429:
        raise Unavailable(f"the payment provider answers {status}")
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        raise Unavailable("the payment provider answers what is no object")
    if status >= 400:
        error = found.get("error")
        told = error if isinstance(error, dict) else found
        raise Conflict(
            f"the payment provider refuses: {str(told.get('message', status))[:300]}", reason="payment_refused"
        )
    return found
