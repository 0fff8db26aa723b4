"""Pages of what is observed, read by the database: entities that sense, their places and their series."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from madang.context.sql import Parameters, types_condition
from madang.engine.database import fetch

# An attribute is a series when an instance of the default data set has a plain value and the time it was observed at.
_SERIES = (
    '\'$[*] ? (@.type == "Property" && exists(@.observedAt) && !exists(@.datasetId)'
    ' && (@.value.type() == "number" || @.value.type() == "string" || @.value.type() == "boolean"))\''
)
_PLACE = "'$[0] ? (@.type == \"GeoProperty\")'"
_FROM = {
    "things": "SELECT id, NULL AS name FROM entity WHERE {types}",
    "places": "SELECT id, NULL AS name FROM entity WHERE {types} AND jsonb_path_exists(body->'location', {place})",
    "series": (
        "SELECT id, key AS name FROM entity, jsonb_each(body)"
        " WHERE {types} AND jsonb_path_exists(value, {series}) AND ({name}::text IS NULL OR key = {name})"
    ),
    "names": (
        "SELECT DISTINCT NULL AS id, key AS name FROM entity, jsonb_each(body)"
        " WHERE {types} AND jsonb_path_exists(value, {series})"
    ),
}


@dataclass(frozen=True, slots=True)
class Found:
    """`pairs` of an entity's id (None of a name by itself) and the attribute (None of an entity as a whole); `more` beyond the page."""

    pairs: list[tuple[str | None, str | None]]
    more: bool = False
    total: int | None = None


class Observed:
    """Reads through a pool; in the order of ids and names."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def page(
        self,
        kind: str,
        types: tuple[str, ...],
        limit: int,
        offset: int = 0,
        *,
        count: bool = False,
        name: str | None = None,
    ) -> Found:
        """`kind`: things, places, series (of the attribute `name`, if given) or names. Raises Unavailable."""
        if not types:
            return Found([], False, 0 if count else None)
        parameters = Parameters()
        where = types_condition(types, parameters)
        only = parameters.add(name) if kind == "series" else ""
        found = _FROM[kind].format(types=where, name=only, series=_SERIES, place=_PLACE)
        total = None
        if count:
            counting = f"SELECT count(*) AS n FROM ({found}) AS found"  # noqa: S608 - constant text
            total = (await fetch(self._pool, counting, parameters.values))[0]["n"]
        bounds = f"LIMIT {parameters.add(limit + 1)} OFFSET {parameters.add(offset)}"
        records = await fetch(self._pool, f"{found} ORDER BY id, name {bounds}", parameters.values)
        pairs = [(record["id"], record["name"]) for record in records[:limit]]
        return Found(pairs, len(records) > limit, total)
