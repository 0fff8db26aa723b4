"""The past of the double: an hour ago one tram drove here, and nothing else. Not part of the product."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TRAM = "urn:ngsi-ld:Vehicle:helsinki:tram-of-then"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def tram(moment: datetime, number: int) -> dict[str, Any]:
    """Where it was: a little further east each second."""
    observed = {"observedAt": _iso(moment)}
    place = {"type": "Point", "coordinates": [24.9400 + number * 0.0001, 60.1700]}
    return {
        "id": TRAM,
        "type": "Vehicle",
        "vehicleType": {"value": "tram", **observed},
        "line": {"value": "3", **observed},
        "location": {"value": place, **observed},
    }


class DoublePast:
    """`asked`: what was asked for, by path."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.is_down = False
        self.until = datetime.now(UTC)

    async def span(self, request: Request) -> Response:
        return JSONResponse({"since": _iso(self.until - timedelta(hours=3)), "until": _iso(self.until)})

    async def state(self, request: Request) -> Response:
        self.asked.append(("state", dict(request.query_params)))
        if self.is_down:
            problem = {"type": "about:blank", "title": "Unavailable", "status": 503, "detail": "no log is kept here"}
            return JSONResponse(problem, 503, media_type="application/problem+json")
        at = datetime.fromisoformat(request.query_params["at"])
        return JSONResponse({"at": _iso(at), "entities": [tram(at, 0)]})

    async def changes(self, request: Request) -> Response:
        self.asked.append(("changes", dict(request.query_params)))
        since, until = (datetime.fromisoformat(request.query_params[name]) for name in ("since", "until"))
        moments = [since + timedelta(seconds=n) for n in range(1, int((until - since).total_seconds()) + 1)]
        told = [{"seq": n, "op": "u", "at": _iso(at), "entity": tram(at, n)} for n, at in enumerate(moments, 1)]
        return JSONResponse({"since": _iso(since), "until": _iso(until), "changes": told})

    def routes(self) -> list[Route]:
        return [
            Route("/madang/v1/replay/span", self.span),
            Route("/madang/v1/replay/state", self.state),
            Route("/madang/v1/replay", self.changes),
        ]
