"""Where several apps offer one service: whose commands count at which device, by the city's choice in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from madang.base.errors import MadangError
from madang.context.store import Store
from madang.engine.database import LOST
from madang.model.formula import Area
from madang.model.geometry import Box, bounds
from madang.model.render import geometry_of
from madang.store.choice.choices import Choice

log = structlog.get_logger()
LOOK_S = 1.0
PLACES_MAX = 50_000
Offering = Callable[[], Awaitable[Mapping[str, list[tuple[str, Any]]]]]
"""Apps, id first, by service."""


def area_of(areas: Mapping[str, Area], place: Box) -> str:
    """The first by name that holds the place; empty for none."""
    return next((name for name, area in sorted(areas.items()) if area.holds(place)), "")


class Sharing:
    """Known anew each second. An app of no service, or of one that nobody has chosen about, is served nowhere by another."""

    def __init__(
        self,
        choices: Callable[[], Awaitable[Mapping[str, Choice]]],
        offering: Offering,
        areas: Callable[[], Mapping[str, Area]],
        store: Store,
    ) -> None:
        self._choices, self._offering, self._areas, self._store = choices, offering, areas, store
        self._by_app: dict[str, list[Choice]] = {}
        self._places: dict[str, Box | None] = {}

    async def follow(self) -> None:
        """For ever; while the database is away the last choice counts."""
        while True:
            try:
                await self.look()
            except (MadangError, *LOST) as error:
                log.warning("which app serves where is not known anew", error=repr(error))
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        chosen = await self._choices()
        offered = await self._offering() if chosen else {}
        found: dict[str, list[Choice]] = {}
        for service, choice in chosen.items():
            for app, _ in offered.get(service, []):
                found.setdefault(app, []).append(choice)
        self._by_app = found

    async def instead(self, who: str, target: str) -> str:
        """The app that serves there in place of the one that asks (`app:ID`); empty when it is its own to serve."""
        kind, _, app = who.partition(":")
        for choice in self._by_app.get(app, ()) if kind == "app" else ():
            serving = choice.serves(await self._area_of(target)) if choice.areas else choice.apps[0]
            if serving != app:
                return serving
        return ""

    async def _area_of(self, target: str) -> str:
        place = await self._place_of(target)
        return area_of(self._areas(), place) if place is not None else ""

    async def _place_of(self, target: str) -> Box | None:
        """Devices stand where they stand, so each is looked up once."""
        if target not in self._places:
            rows = await self._store.list_by_id([target])
            if len(self._places) >= PLACES_MAX:
                self._places.clear()
            self._places[target] = bounds(geometry_of(rows[0].entity)) if rows else None
        return self._places[target]
