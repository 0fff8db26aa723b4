"""A mail server and a provider of SMS, over real sockets."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import Any

from aiohttp import web

from madang.operations.notifying.provider import key_of, signature
from tests.operations.test_notifying import SECRET


class Mailbox:
    """Takes mails, or answers with `refusal`."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.refusal = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refusal:
            return self.refusal
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


class Operator:
    """A provider's adapter; answers with the next of `answers`, then 202."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, Any], bool]] = []
        self.answers: list[int] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        body, head = await request.read(), request.headers
        wanted = signature(key_of(SECRET), head["webhook-id"], int(head["webhook-timestamp"]), body)
        self.taken.append((await request.json(), wanted == head["webhook-signature"]))
        return web.Response(status=self.answers.pop(0) if self.answers else 202)
