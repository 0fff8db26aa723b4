"""Stripe's side: Checkout Sessions with manual capture (API version 2024-06-20 and later keep these fields). The session is the
reference; amounts are in the smallest unit, without fractions for KRW and JPY, as ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from madang.base.clock import Clock
from madang.base.errors import Conflict, Forbidden
from madang.store.money.payments import Begun, Notice, Payment, State, Wanted
from madang.store.money.signatures import check_header
from madang.store.money.wire import Json, Wire

_STATES: dict[str, State] = {"succeeded": "captured", "canceled": "failed"}


class StripeProvider:
    """`key` is the secret key, `secret` that of the webhook endpoint."""

    name = "stripe"

    def __init__(self, address: str, key: str, secret: str, clock: Clock) -> None:
        self._wire, self._secret, self._clock = Wire(address, {"Authorization": f"Bearer {key}"}), secret, clock

    async def begin(self, wanted: Wanted) -> Begun:
        form = {
            "mode": "payment",
            "client_reference_id": wanted.key,
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": wanted.currency.lower(),
            "line_items[0][price_data][unit_amount]": str(wanted.amount_minor),
            "line_items[0][price_data][product_data][name]": wanted.title,
            "payment_intent_data[capture_method]": "manual",
            "success_url": wanted.return_address,
            "cancel_url": wanted.return_address,
        }
        if wanted.again:
            form |= {"payment_intent_data[setup_future_usage]": "off_session", "customer_creation": "always"}
        found = await self._wire.ask("POST", "/v1/checkout/sessions", wanted.key, form=form)
        return Begun(found["id"], found["url"])

    async def settle(self, reference: str, wanted: Wanted, returned: Mapping[str, str]) -> Payment:
        session = await self._wire.ask("GET", f"/v1/checkout/sessions/{reference}")
        intent = session.get("payment_intent")
        if not intent:
            state: State = "failed" if session.get("status") == "expired" else "waiting"
            return Payment(reference, state, 0, wanted.currency)
        found = await self._wire.ask("GET", f"/v1/payment_intents/{intent}")
        if found["status"] == "requires_capture":
            found = await self._wire.ask(
                "POST", f"/v1/payment_intents/{intent}/capture", f"{wanted.key}:capture", form={}
            )
        return _payment(reference, found)

    async def again(self, mandate: str, wanted: Wanted) -> Payment:
        customer, _, method = mandate.partition(" ")
        form = {
            "amount": str(wanted.amount_minor), "currency": wanted.currency.lower(), "customer": customer,
            "payment_method": method, "off_session": "true", "confirm": "true", "description": wanted.title,
        }  # fmt: skip
        found = await self._wire.ask("POST", "/v1/payment_intents", wanted.key, form=form)
        return _payment(found["id"], found)

    async def refund(self, reference: str, amount_minor: int, currency: str, key: str) -> None:
        intent = reference
        if reference.startswith("cs_"):
            intent = (await self._wire.ask("GET", f"/v1/checkout/sessions/{reference}")).get("payment_intent") or ""
        if not intent:
            raise Conflict("nothing was paid by this session", reason="payment_refused")
        form = {"payment_intent": intent, "amount": str(amount_minor)}
        await self._wire.ask("POST", "/v1/refunds", key, form=form)

    def notice(self, headers: Mapping[bytes, bytes], body: bytes) -> Notice:
        check_header(
            headers.get(b"stripe-signature", b"").decode("latin-1"),
            self._secret,
            body,
            int(self._clock.now().timestamp()),
        )
        try:
            event: Any = msgspec.json.decode(body)
            return Notice(str(event["data"]["object"]["id"]))
        except (msgspec.DecodeError, KeyError, TypeError):
            raise Forbidden("this is no event") from None


def _payment(reference: str, intent: Json) -> Payment:
    mandate = f"{intent['customer']} {intent['payment_method']}" if intent.get("customer") else ""
    state = _STATES.get(intent["status"], "waiting")
    return Payment(reference, state, intent.get("amount_received", 0), intent["currency"].upper(), mandate)
