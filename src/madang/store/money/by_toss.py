"""Toss Payments' side (core API, version 2022-11-16): the customer approves in Toss's window, and confirming takes the money. Its webhooks
are not signed: each is only taken as a reason to ask."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from madang.base.errors import Conflict, Forbidden
from madang.store.money.amounts import DIGITS
from madang.store.money.payments import Begun, Notice, Payment, State, Wanted
from madang.store.money.wire import Json, Wire

_STATES: dict[str, State] = {
    "DONE": "captured", "PARTIAL_CANCELED": "captured", "CANCELED": "captured", "ABORTED": "failed", "EXPIRED": "failed",
}  # fmt: skip


class TossProvider:
    """`key` is the secret key. The reference is the payment key."""

    name = "toss"

    def __init__(self, address: str, key: str) -> None:
        basic = base64.b64encode(f"{key}:".encode()).decode()
        self._wire = Wire(address, {"Authorization": f"Basic {basic}"})

    async def begin(self, wanted: Wanted) -> Begun:
        told = {
            "method": "CARD", "amount": amount_of(wanted.amount_minor, wanted.currency), "currency": wanted.currency,
            "orderId": wanted.key, "orderName": wanted.title[:100], "successUrl": wanted.return_address,
            "failUrl": wanted.return_address,
        }  # fmt: skip
        found = await self._wire.ask("POST", "/v1/payments", wanted.key, json=told)
        return Begun(found["paymentKey"], found["checkout"]["url"])

    async def settle(self, reference: str, wanted: Wanted, returned: Mapping[str, str]) -> Payment:
        """What the customer came back with is not believed: key and amount that are confirmed are ours."""
        found = await self._wire.ask("GET", f"/v1/payments/{reference}")
        if found["status"] == "IN_PROGRESS":
            told = {
                "paymentKey": reference,
                "orderId": wanted.key,
                "amount": amount_of(wanted.amount_minor, wanted.currency),
            }
            found = await self._wire.ask("POST", "/v1/payments/confirm", f"{wanted.key}:confirm", json=told)
        return _payment(found)

    async def again(self, mandate: str, wanted: Wanted) -> Payment:
        customer, _, billing = mandate.partition(" ")
        told = {
            "customerKey": customer, "amount": amount_of(wanted.amount_minor, wanted.currency), "orderId": wanted.key,
            "orderName": wanted.title[:100],
        }  # fmt: skip
        return _payment(await self._wire.ask("POST", f"/v1/billing/{billing}", wanted.key, json=told))

    async def refund(self, reference: str, amount_minor: int, currency: str, key: str) -> None:
        told = {"cancelReason": "refund", "cancelAmount": amount_of(amount_minor, currency)}
        await self._wire.ask("POST", f"/v1/payments/{reference}/cancel", key, json=told)

    def notice(self, headers: Mapping[bytes, bytes], body: bytes) -> Notice:
        try:
            event: Any = msgspec.json.decode(body)
            return Notice(str(event["data"]["paymentKey"]))
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
            raise Forbidden("this is no event") from None


def amount_of(minor: int, currency: str) -> int | float:
    """As Toss counts: in whole units, with a fraction where the currency has one."""
    return minor if DIGITS[currency] == 0 else minor / 10 ** DIGITS[currency]


def _payment(found: Json) -> Payment:
    currency = found["currency"]
    state = _STATES.get(found["status"], "waiting")
    if state == "captured" and "totalAmount" not in found:
        raise Conflict("a payment without an amount", reason="payment_refused")
    amount = round(found.get("totalAmount", 0) * 10 ** DIGITS.get(currency, 0)) if state == "captured" else 0
    return Payment(found["paymentKey"], state, amount, currency)
