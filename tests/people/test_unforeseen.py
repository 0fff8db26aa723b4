"""What nobody foresaw is answered without details, and logged within bounds."""

from __future__ import annotations

import structlog

from madang.base.errors import TRACE_MAX_CHARS
from madang.people.http import Request, Response, guarded


async def fails(request: Request) -> None:
    raise RuntimeError("x" * 1_000_000)


async def nothing(request: Request) -> Response:
    return Response(200)


async def test_an_unforeseen_error_is_logged_briefly() -> None:
    scope = {"method": "GET", "path": "/" + "p" * 100_000, "headers": [], "query_string": b""}
    with structlog.testing.capture_logs() as told:
        answer = await guarded(fails, nothing, Request(scope, None, []))  # type: ignore[arg-type]
    assert (answer.status, b"xxx" in answer.body) == (500, False)
    (event,) = told
    assert len(str(event)) < TRACE_MAX_CHARS + 2_000
    assert "in fails" in event["trace"]
