"""The plain-HTTP door beside a TLS one: answers an ACME server's http-01 challenges (RFC 8555, 8.3) and sends all else to https."""

from __future__ import annotations

from collections.abc import Mapping

from madang.people.http import Receive, Response, Scope, Send, send_response

PREFIX = "/.well-known/acme-challenge/"


class ChallengeDoor:
    """`answers` are key authorizations by token; `address` is the city's https:// origin, without a slash at the end."""

    def __init__(self, answers: Mapping[str, str], address: str) -> None:
        self._answers, self._address = answers, address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # a server that is not accepted answers 403 by itself
            await send({"type": "websocket.close"})
            return
        target = scope["raw_path"].decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        await send_response(send, self.answer(target, query))

    def answer(self, path: str, query: str = "") -> Response:
        """`path` as it was sent."""
        if path.startswith(PREFIX):
            found = self._answers.get(path.removeprefix(PREFIX))
            return Response(404) if found is None else _octets(found)
        # "*" and the like would become part of the host
        rest = path if path.startswith("/") else "/"
        location = f"{self._address}{rest}{'?' if query else ''}{query}"
        return Response(308, b"", [(b"location", location.encode("latin-1"))])


def _octets(text: str) -> Response:
    return Response(
        200, text.encode(), [(b"content-type", b"application/octet-stream"), (b"cache-control", b"no-store")]
    )
