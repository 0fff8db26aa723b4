"""Published data sets by words and facets, by pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from madang.lake.catalogue.words import Tokens
from madang.lake.datasets.book import COLUMNS, dataset_of
from madang.lake.datasets.dataset import Dataset

FACETS = {"theme": "unnest(themes)", "licence": "licence", "owner": "owner", "rhythm": "rhythm"}
_VALUES_MAX = 30
# The report of thousands of files is not read for a list of titles.
_LISTED = COLUMNS.replace(
    "columns, rows, report, shown,", "'[]'::json AS columns, rows, NULL::json AS report, NULL::json AS shown,"
)


@dataclass(frozen=True)
class Wish:
    """`words` as typed; facets by name; `bbox` west, south, east, north of what is to lie there."""

    words: str = ""
    facets: Mapping[str, str] = field(default_factory=dict)
    bbox: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Found:
    """One page, how many there are in all, and how many of them each value of a facet has."""

    datasets: list[Dataset]
    total: int
    facets: dict[str, list[tuple[str, int]]]


class Search:
    """`tokens`: the words of what people type."""

    def __init__(self, pool: asyncpg.Pool, tokens: Tokens) -> None:
        self._pool, self._tokens = pool, tokens

    async def page(
        self, wish: Wish, limit: int, offset: int = 0, are_facets: bool = True, is_whole: bool = False
    ) -> Found:
        """The best first, without words the newest. `is_whole`: with what is shown of each, else by title alone."""
        where, values = await self._where(wish)
        order = (
            "ts_rank_cd(words, to_tsquery('english', $1)) DESC, changed_at DESC, id"
            if values[0]
            else "changed_at DESC, id"
        )
        rows = await self._pool.fetch(
            f"SELECT {COLUMNS if is_whole else _LISTED}, count(*) OVER () AS total FROM dataset WHERE {where}"
            f" ORDER BY {order} LIMIT {limit} OFFSET {offset}",
            *values,
        )
        total = (
            rows[0]["total"]
            if rows
            else await self._pool.fetchval(f"SELECT count(*) FROM dataset WHERE {where}", *values)
        )
        facets = {name: await self._facet(wish, name) for name in FACETS} if are_facets else {}
        return Found([dataset_of(row) for row in rows], total, facets)

    async def _facet(self, wish: Wish, name: str) -> list[tuple[str, int]]:
        """As if none of its values were chosen, so that another one can be."""
        others = {one: value for one, value in wish.facets.items() if one != name}
        where, values = await self._where(replace(wish, facets=others))
        rows = await self._pool.fetch(
            f"SELECT value, count(*) FROM (SELECT {FACETS[name]} AS value FROM dataset WHERE {where}) AS one"
            f" WHERE value <> '' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_VALUES_MAX}",
            *values,
        )
        return [(row[0], row[1]) for row in rows]

    async def _where(self, wish: Wish) -> tuple[str, list[Any]]:
        """A condition and its values, the first of which is the query of words (None: all)."""
        query = query_of(await self._tokens(wish.words)) if wish.words.strip() else None
        terms, values = ["state = 'published'", "($1::text IS NULL OR words @@ to_tsquery('english', $1))"], [query]
        for name, value in wish.facets.items():
            values.append(value)
            terms.append(f"${len(values)} = ANY(themes)" if name == "theme" else f"{FACETS[name]} = ${len(values)}")
        if wish.bbox is not None:
            terms.append(_lies_in(values, wish.bbox))
        return " AND ".join(terms), values


def query_of(words: list[str]) -> str:
    """All of the words; the last may be the beginning of one. As `to_tsquery` takes it. Pure."""
    quoted = ["'" + one.replace("\\", "").replace("'", "''") + "'" for one in words]
    return " & ".join([*quoted[:-1], f"{quoted[-1]}:*"]) if quoted else "''"


def _lies_in(values: list[Any], bbox: tuple[float, float, float, float]) -> str:
    places = []
    for value in bbox:
        values.append(value)
        places.append(f"${len(values)}")
    west, south, east, north = places
    side = "(shown->'bbox'->>{})::float8"
    return f"({side.format(0)} <= {east} AND {side.format(2)} >= {west} AND {side.format(1)} <= {north} AND {side.format(3)} >= {south})"
