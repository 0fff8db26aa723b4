"""A complete payment provider whose money is none: `madang store payments` runs it as a server of its own, tests start it too.

It authorises, captures, refunds, charges mandates, tells the shop by signed webhooks until the shop takes them, and does what is asked
with the same `Idempotency-Key` once. What it knows it keeps in memory."""

from __future__ import annotations

import asyncio
import html
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from madang.base.clock import Clock
from madang.store.money.signatures import signed_header

Json = dict[str, Any]
Act = Callable[[web.Request, Json], Awaitable[Json]]
RETRIES_S = (0.2, 1.0, 5.0, 30.0, 120.0)
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sandbox payment</title></head><body><main><h1>Sandbox payment · 시험 결제</h1>
<p>{title}</p><p><strong>{amount} {currency}</strong></p>
<p>No money moves here. 실제로 결제되지 않습니다.</p><form method="post"><button name="answer" value="yes">Pay · 결제</button>
<button name="answer" value="no">Decline · 거절</button></form></main></body></html>"""


class Refused(Exception):
    """What the shop may not do. The words are its answer."""


class Sandbox:
    """`webhook`: the shop's address for events, with `secret` as the key of their signatures; `key`: the shop's credential."""

    def __init__(
        self, key: str, webhook: str, secret: str, clock: Clock, retries_s: tuple[float, ...] = RETRIES_S
    ) -> None:
        self._key, self._webhook, self._secret, self._clock = key, webhook, secret, clock
        self._retries_s = retries_s
        self.payments: dict[str, Json] = {}
        self._mandates: dict[str, str] = {}
        self._answers: dict[str, tuple[str, bytes, Json]] = {}
        self._telling: set[asyncio.Task[None]] = set()
        self.app = web.Application(middlewares=[self._guard])
        self.app.add_routes(
            [
                web.post("/v1/payments", self._once(self._begin)),
                web.get("/v1/payments/{id}", self._look),
                web.post("/v1/payments/{id}/capture", self._once(self._capture)),
                web.post("/v1/payments/{id}/cancel", self._once(self._cancel)),
                web.post("/v1/payments/{id}/refunds", self._once(self._refund)),
                web.post("/v1/mandates/{mandate}/payments", self._once(self._charge)),
                web.get("/pay/{id}", self._page),
                web.post("/pay/{id}", self._answer),
            ]
        )
        self.app.on_cleanup.append(self._close)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.startswith("/v1/") and request.headers.get("Authorization") != f"Bearer {self._key}":
            return web.json_response({"error": {"message": "who are you?"}}, status=401)
        try:
            return await handler(request)  # type: ignore[no-any-return]
        except Refused as error:
            return web.json_response({"error": {"message": str(error)}}, status=409)

    def _once(self, act: Act) -> Any:
        """The answer to a key is given again; the same key with another body is refused."""

        async def handle(request: web.Request) -> web.Response:
            key, body = request.headers.get("Idempotency-Key", ""), await request.read()
            if not key:
                raise Refused("every act needs an Idempotency-Key")
            held = self._answers.get(key)
            if held is None:
                held = self._answers[key] = (request.path, body, await act(request, msgspec.json.decode(body)))
            if held[:2] != (request.path, body):
                raise Refused("this key was used for something else")
            return web.json_response(held[2])

        return handle

    async def _begin(self, request: web.Request, asked: Json) -> Json:
        return self._shown(self._add(asked, "requires_approval", f"{request.scheme}://{request.host}"))

    def _add(self, asked: Json, status: str, host: str = "") -> Json:
        identifier = f"pay_{secrets.token_hex(8)}"
        if not isinstance(asked.get("amount"), int) or asked["amount"] <= 0:
            raise Refused("an amount above 0, in smallest units")
        payment = {
            "id": identifier, "amount": asked["amount"], "currency": asked["currency"], "title": asked["title"],
            "status": status, "captured": 0, "refunded": 0, "mandate": None, "url": f"{host}/pay/{identifier}",
            "return_url": asked.get("return_url", ""), "wants_mandate": bool(asked.get("mandate")),
        }  # fmt: skip
        self.payments[identifier] = payment
        return payment

    async def _look(self, request: web.Request) -> web.Response:
        return web.json_response(self._shown(self._found(request)))

    async def _capture(self, request: web.Request, asked: Json) -> Json:
        payment = self._found(request)
        if payment["status"] != "authorised" or asked.get("amount") != payment["amount"]:
            raise Refused(f"this is {payment['status']}, and its amount {payment['amount']}")
        payment |= {"status": "captured", "captured": payment["amount"]}
        self._tell(payment)
        return self._shown(payment)

    async def _cancel(self, request: web.Request, asked: Json) -> Json:
        payment = self._found(request)
        if payment["status"] not in ("requires_approval", "authorised"):
            raise Refused(f"this is {payment['status']}")
        payment["status"] = "cancelled"
        self._tell(payment)
        return self._shown(payment)

    async def _refund(self, request: web.Request, asked: Json) -> Json:
        payment, amount = self._found(request), asked.get("amount")
        if not isinstance(amount, int) or not 0 < amount <= payment["captured"] - payment["refunded"]:
            raise Refused("there is not so much to give back")
        payment["refunded"] += amount
        payment["status"] = "refunded" if payment["refunded"] == payment["captured"] else "captured"
        self._tell(payment)
        return self._shown(payment)

    async def _charge(self, request: web.Request, asked: Json) -> Json:
        if request.match_info["mandate"] not in self._mandates:
            raise Refused("there is no such mandate")
        payment = self._add(asked, "captured")
        payment["captured"] = payment["amount"]
        self._tell(payment)
        return self._shown(payment)

    async def _page(self, request: web.Request) -> web.Response:
        payment = self._found(request)
        told = {name: html.escape(str(payment[name])) for name in ("title", "amount", "currency")}
        return web.Response(text=_PAGE.format(**told), content_type="text/html")

    async def _answer(self, request: web.Request) -> web.Response:
        """What the customer said on the page."""
        payment, form = self._found(request), await request.post()
        if payment["status"] == "requires_approval":
            payment["status"] = "authorised" if form.get("answer") == "yes" else "declined"
            if payment["status"] == "authorised" and payment["wants_mandate"]:
                payment["mandate"] = f"man_{secrets.token_hex(8)}"
                self._mandates[payment["mandate"]] = payment["id"]
            self._tell(payment)
        raise web.HTTPSeeOther(payment["return_url"])

    def _found(self, request: web.Request) -> Json:
        found = self.payments.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound()
        return found

    def _shown(self, payment: Json) -> Json:
        return {
            name: payment[name]
            for name in ("id", "amount", "currency", "status", "captured", "refunded", "mandate", "url")
        }

    def _tell(self, payment: Json) -> None:
        event = {"id": f"evt_{secrets.token_hex(8)}", "payment": payment["id"], "status": payment["status"]}
        task = asyncio.create_task(self._send(msgspec.json.encode(event)))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _send(self, body: bytes) -> None:
        """Until the shop takes it, or there are no more tries."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10), trust_env=False) as session:
            for wait_s in (*self._retries_s, 0.0):
                signature = signed_header(self._secret, body, int(self._clock.now().timestamp()))
                headers = {"Sandbox-Signature": signature, "Content-Type": "application/json"}
                try:
                    async with session.post(self._webhook, data=body, headers=headers) as answer:
                        if answer.status < 300:
                            return
                except (aiohttp.ClientError, TimeoutError, OSError):
                    pass
                await asyncio.sleep(wait_s)

    async def told(self) -> None:
        """Returns when no event waits to be told."""
        await asyncio.gather(*self._telling)

    async def _close(self, app: web.Application) -> None:
        for task in self._telling:
            task.cancel()
