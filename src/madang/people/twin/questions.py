"""/twin/sun, /twin/sunlight, /twin/view, /twin/skyline: what light and buildings do at a place."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from madang.base.errors import BadRequest, TooMany
from madang.base.limits import TWIN_QUESTIONS_AT_ONCE, TWIN_QUESTIONS_WAITING, TWIN_RAY_REACH_M
from madang.people.http import Request, Response
from madang.twin.sun.around import Around, around
from madang.twin.sun.questions import sight_line, skyline, sun_path, sunlight

Place = tuple[float, float]
_HEIGHT_MAX_M = 3_000.0
_YEARS = (1901, 2099)


class Questions:
    """One is worked on at a time, in a thread of its own."""

    def __init__(self, pool: asyncpg.Pool, zone: ZoneInfo) -> None:
        self._pool, self._zone = pool, zone
        self._turn, self._waiting = asyncio.Semaphore(TWIN_QUESTIONS_AT_ONCE), 0

    async def sun(self, request: Request) -> Response:
        asked = request.query
        return Response.json(sun_path(*place_of(asked), day_of(asked), self._zone))

    async def sunlight(self, request: Request) -> Response:
        asked = request.query
        place, height_m, day = place_of(asked), height_of(asked, "height"), day_of(asked)
        return await self._answer(
            place, TWIN_RAY_REACH_M, lambda here: sunlight(here, height_m, place, day, self._zone)
        )

    async def view(self, request: Request) -> Response:
        asked = request.query
        place, height_m = place_of(asked), height_of(asked, "height")
        there = place_of(asked, "toLongitude", "toLatitude")
        east_m = (there[0] - place[0]) * 111_320 * math.cos(math.radians(place[1]))
        reach_m = max(abs(east_m), abs(there[1] - place[1]) * 111_320)
        if reach_m > 2 * TWIN_RAY_REACH_M:
            raise BadRequest(f"both places lie within {2 * TWIN_RAY_REACH_M:.0f} m of each other")
        target = (*there, height_of(asked, "toHeight"))
        return await self._answer(place, reach_m + 100, partial(_seen, height_m=height_m, there=target, place=place))

    async def skyline(self, request: Request) -> Response:
        asked = request.query
        height_m = height_of(asked, "height")
        return await self._answer(place_of(asked), TWIN_RAY_REACH_M, lambda here: skyline(here, height_m))

    async def _answer(self, place: Place, reach_m: float, answer: Callable[[Around], Any]) -> Response:
        """Raises TooMany, TooLarge."""
        if self._waiting >= TWIN_QUESTIONS_WAITING:
            raise TooMany("many ask of light and sight just now; ask again soon", wait_s=5)
        self._waiting += 1
        try:
            async with self._turn:
                here = await around(self._pool, *place, reach_m)
                return Response.json(await asyncio.to_thread(answer, here))
        finally:
            self._waiting -= 1


def _seen(here: Around, height_m: float, there: tuple[float, float, float], place: Place) -> Any:
    return sight_line(here, height_m, there, place)


def place_of(asked: Mapping[str, str], longitude: str = "longitude", latitude: str = "latitude") -> Place:
    """Degrees. Raises BadRequest."""
    return _number(asked, longitude, -180, 180), _number(asked, latitude, -85, 85)


def height_of(asked: Mapping[str, str], name: str) -> float:
    """Metres above the ground. Raises BadRequest."""
    return _number(asked, name, 0, _HEIGHT_MAX_M)


def _number(asked: Mapping[str, str], name: str, least: float, most: float) -> float:
    try:
        found = float(asked[name])
    except (KeyError, ValueError):
        raise BadRequest(f"{name}: a number from {least:g} to {most:g}") from None
    if not least <= found <= most:
        raise BadRequest(f"{name}: a number from {least:g} to {most:g}")
    return found


def day_of(asked: Mapping[str, str]) -> date:
    """A day of the city's calendar. Raises BadRequest."""
    try:
        day = date.fromisoformat(asked.get("date", ""))
    except ValueError:
        raise BadRequest("date: such as 2026-06-21") from None
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise BadRequest(f"date: from {_YEARS[0]} to {_YEARS[1]}")
    return day
