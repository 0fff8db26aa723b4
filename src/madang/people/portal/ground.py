"""The streets under a small map: of the city's own, those that lie there, the main ones first."""

from __future__ import annotations

import json

import asyncpg

from madang.lake.files.report import Box

STREETS_MAX, REMEMBERED_MAX = 600, 200
Line = list[tuple[float, float]]
_MAIN = ["motorway", "trunk", "primary", "secondary", "tertiary"]
_THERE = """
SELECT body->'location'->'value'->>'coordinates' AS line FROM entity
WHERE type = 'RoadSegment' AND place && box(point($1, $2), point($3, $4)) AND body->'location'->'value'->>'type' = 'LineString'
ORDER BY coalesce(array_position($5::text[], body->'roadClass'->>'value'), 99), id LIMIT $6"""


class Ground:
    """Remembers what it found for as long as the process lives: streets stay where they are."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._known: dict[Box, list[Line]] = {}

    async def streets(self, around: Box | None) -> list[Line]:
        """Within a box (degrees); none in a city without a map."""
        if around is None:
            return []
        if around not in self._known:
            if len(self._known) >= REMEMBERED_MAX:
                self._known.clear()
            rows = await self._pool.fetch(_THERE, *around, _MAIN, STREETS_MAX)
            self._known[around] = [[(one[0], one[1]) for one in json.loads(row["line"])] for row in rows]
        return self._known[around]
