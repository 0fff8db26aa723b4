"""The sandbox provider's side of the interface; what it asks is answered by `sandbox.py`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from madang.base.clock import Clock
from madang.base.errors import Forbidden
from madang.store.money.payments import Begun, Notice, Payment, State, Wanted
from madang.store.money.signatures import check_header
from madang.store.money.wire import Json, Wire

_STATES: dict[str, State] = {
    "captured": "captured",
    "declined": "failed",
    "cancelled": "failed",
    "refunded": "captured",
}


class SandboxProvider:
    """Money that is none, for trying and for tests: approved or declined on a page of its own."""

    name = "sandbox"

    def __init__(self, address: str, key: str, secret: str, clock: Clock) -> None:
        self._wire, self._secret, self._clock = Wire(address, {"Authorization": f"Bearer {key}"}), secret, clock

    async def begin(self, wanted: Wanted) -> Begun:
        told = {
            "amount": wanted.amount_minor, "currency": wanted.currency, "title": wanted.title,
            "return_url": wanted.return_address, "mandate": wanted.again,
        }  # fmt: skip
        found = await self._wire.ask("POST", "/v1/payments", wanted.key, json=told)
        return Begun(found["id"], found["url"])

    async def settle(self, reference: str, wanted: Wanted, returned: Mapping[str, str]) -> Payment:
        found = await self._wire.ask("GET", f"/v1/payments/{reference}")
        if found["status"] == "authorised":
            key = f"{wanted.key}:capture"
            found = await self._wire.ask(
                "POST", f"/v1/payments/{reference}/capture", key, json={"amount": wanted.amount_minor}
            )
        return _payment(found)

    async def again(self, mandate: str, wanted: Wanted) -> Payment:
        told = {"amount": wanted.amount_minor, "currency": wanted.currency, "title": wanted.title}
        return _payment(await self._wire.ask("POST", f"/v1/mandates/{mandate}/payments", wanted.key, json=told))

    async def refund(self, reference: str, amount_minor: int, currency: str, key: str) -> None:
        await self._wire.ask("POST", f"/v1/payments/{reference}/refunds", key, json={"amount": amount_minor})

    def notice(self, headers: Mapping[bytes, bytes], body: bytes) -> Notice:
        check_header(
            headers.get(b"sandbox-signature", b"").decode("latin-1"),
            self._secret,
            body,
            int(self._clock.now().timestamp()),
        )
        try:
            event = msgspec.json.decode(body)
            return Notice(str(event["payment"]))
        except (msgspec.DecodeError, KeyError, TypeError):
            raise Forbidden("this is no event") from None


def _payment(found: Json) -> Payment:
    state = _STATES.get(found["status"], "waiting")
    return Payment(found["id"], state, found["captured"], found["currency"], found.get("mandate") or "")
