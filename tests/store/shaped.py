"""Servers that speak as Stripe and Toss document it, as far as the store asks them."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Json = dict[str, Any]


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """Its address."""
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


class Stripe:
    """`sessions` and `intents` by id; `approve` is what the customer does on Stripe's page."""

    def __init__(self) -> None:
        self.sessions: dict[str, Json] = {}
        self.intents: dict[str, Json] = {}
        self.refunds: list[Json] = []
        self.keys: dict[str, Json] = {}
        self.app = web.Application()
        self.app.add_routes(
            [
                web.post("/v1/checkout/sessions", self._once(self._session)),
                web.get("/v1/checkout/sessions/{id}", self._look(self.sessions)),
                web.post("/v1/payment_intents", self._once(self._intent)),
                web.get("/v1/payment_intents/{id}", self._look(self.intents)),
                web.post("/v1/payment_intents/{id}/capture", self._once(self._capture)),
                web.post("/v1/refunds", self._once(self._refund)),
            ]
        )

    def _once(self, act: Any) -> Any:
        async def handle(request: web.Request) -> web.Response:
            if request.headers.get("Authorization") != "Bearer sk_test_1":
                return web.json_response(
                    {"error": {"type": "invalid_request_error", "message": "Invalid API Key"}}, status=401
                )
            key = request.headers["Idempotency-Key"]
            if key not in self.keys:
                answer = await act(request, dict(await request.post()))
                if "error" in answer:
                    return web.json_response(answer, status=402)
                self.keys[key] = answer
            return web.json_response(self.keys[key])

        return handle

    def _look(self, kept: dict[str, Json]) -> Any:
        async def handle(request: web.Request) -> web.Response:
            return web.json_response(kept[request.match_info["id"]])

        return handle

    async def _session(self, request: web.Request, form: Json) -> Json:
        identifier = f"cs_test_{len(self.sessions)}"
        session = {
            "id": identifier, "object": "checkout.session", "status": "open", "payment_status": "unpaid", "payment_intent": None,
            "url": f"https://checkout.stripe.com/c/pay/{identifier}", "client_reference_id": form["client_reference_id"],
            "asked": form,
        }  # fmt: skip
        self.sessions[identifier] = session
        return session

    def approve(self, session: str) -> None:
        form = self.sessions[session]["asked"]
        intent = {
            "id": f"pi_{session}", "object": "payment_intent", "status": "requires_capture", "amount_received": 0,
            "amount": int(form["line_items[0][price_data][unit_amount]"]),
            "currency": form["line_items[0][price_data][currency]"],
            "customer": "cus_1" if "customer_creation" in form else None, "payment_method": "pm_1",
        }  # fmt: skip
        self.intents[intent["id"]] = intent
        self.sessions[session] |= {"status": "complete", "payment_intent": intent["id"]}

    async def _intent(self, request: web.Request, form: Json) -> Json:
        if form["payment_method"] == "pm_empty":
            return {"error": {"type": "card_error", "code": "card_declined", "message": "Your card was declined."}}
        intent = {
            "id": f"pi_{len(self.intents)}", "object": "payment_intent", "status": "succeeded", "currency": form["currency"],
            "amount_received": int(form["amount"]), "customer": form["customer"], "payment_method": form["payment_method"],
        }  # fmt: skip
        self.intents[intent["id"]] = intent
        return intent

    async def _capture(self, request: web.Request, form: Json) -> Json:
        intent = self.intents[request.match_info["id"]]
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        return intent

    async def _refund(self, request: web.Request, form: Json) -> Json:
        refund = {"id": f"re_{len(self.refunds)}", "object": "refund", "status": "succeeded"} | form
        self.refunds.append(refund)
        return refund


class Toss:
    """`payments` by payment key; `approve` is what the customer does in Toss's window."""

    def __init__(self) -> None:
        self.payments: dict[str, Json] = {}
        self.keys: dict[str, Json] = {}
        self.app = web.Application()
        self.app.add_routes(
            [
                web.post("/v1/payments", self._once(self._begin)),
                web.get("/v1/payments/{key}", self._look),
                web.post("/v1/payments/confirm", self._once(self._confirm)),
                web.post("/v1/payments/{key}/cancel", self._once(self._cancel)),
                web.post("/v1/billing/{billing}", self._once(self._bill)),
            ]
        )

    def _once(self, act: Any) -> Any:
        async def handle(request: web.Request) -> web.Response:
            basic = base64.b64encode(b"test_sk_1:").decode()
            if request.headers.get("Authorization") != f"Basic {basic}":
                return web.json_response(
                    {"code": "UNAUTHORIZED_KEY", "message": "인증되지 않은 시크릿 키입니다."}, status=401
                )
            key = request.headers["Idempotency-Key"]
            if key not in self.keys:
                answer = await act(request, await request.json())
                if "code" in answer:
                    return web.json_response(answer, status=403)
                self.keys[key] = answer
            return web.json_response(self.keys[key])

        return handle

    async def _look(self, request: web.Request) -> web.Response:
        return web.json_response(self.payments[request.match_info["key"]])

    def _made(self, asked: Json, status: str) -> Json:
        key = f"tgen_{len(self.payments)}"
        payment = {
            "version": "2022-11-16", "paymentKey": key, "orderId": asked["orderId"], "orderName": asked["orderName"],
            "status": status, "totalAmount": asked["amount"], "balanceAmount": asked["amount"],
            "currency": asked.get("currency", "KRW"), "lastTransactionKey": None, "cancels": None,
            "checkout": {"url": f"https://api.tosspayments.com/v1/payments/{key}/checkout"},
        }  # fmt: skip
        self.payments[key] = payment
        return payment

    async def _begin(self, request: web.Request, asked: Json) -> Json:
        return self._made(asked, "READY")

    def approve(self, key: str) -> None:
        self.payments[key]["status"] = "IN_PROGRESS"

    async def _confirm(self, request: web.Request, asked: Json) -> Json:
        payment = self.payments[asked["paymentKey"]]
        if (payment["orderId"], payment["totalAmount"]) != (asked["orderId"], asked["amount"]):
            return {"code": "FORBIDDEN_REQUEST", "message": "허용되지 않은 요청입니다."}
        payment |= {"status": "DONE", "lastTransactionKey": "t1"}
        return payment

    async def _cancel(self, request: web.Request, asked: Json) -> Json:
        payment = self.payments[request.match_info["key"]]
        if asked["cancelAmount"] > payment["balanceAmount"]:
            return {"code": "NOT_CANCELABLE_AMOUNT", "message": "취소 할 수 없는 금액 입니다."}
        payment["balanceAmount"] -= asked["cancelAmount"]
        payment["cancels"] = [*(payment["cancels"] or []), asked]
        payment["status"] = "PARTIAL_CANCELED" if payment["balanceAmount"] else "CANCELED"
        return payment

    async def _bill(self, request: web.Request, asked: Json) -> Json:
        return self._made(asked, "DONE")
