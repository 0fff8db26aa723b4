"""Notebooks: cells of words and of SQL. What is kept is the questions; answers are whoever's who opens it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import asyncpg
import msgspec

from madang.base.clock import Clock
from madang.base.errors import BadRequest, NotFound, TooMany
from madang.base.limits import LAKE_SQL_MAX_CHARS, NOTEBOOK_CELLS_MAX, NOTEBOOKS_MAX

Show = Literal["table", "chart", "map"]


class Cell(msgspec.Struct, frozen=True):
    """`text` is words or SQL, by `kind`; `show`: how an answer looks beside its table."""

    kind: Literal["text", "sql"]
    text: Annotated[str, msgspec.Meta(max_length=LAKE_SQL_MAX_CHARS)] = ""
    show: Show = "table"


class Notebook(msgspec.Struct, frozen=True):
    """`shared_with`: a role whose people may open it; empty: nobody but its owner, who alone changes it."""

    id: int
    title: str
    cells: list[Cell]
    owner: str
    shared_with: str
    made_at: datetime
    changed_at: datetime


class Notebooks:
    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def make(self, title: str, owner: str) -> int:
        """Its id. Raises TooMany."""
        made = await self._pool.fetchval(
            "INSERT INTO notebook (title, cells, owner, made_at, changed_at) SELECT $1, $2, $3, $4, $4"
            " WHERE (SELECT count(*) FROM notebook WHERE owner = $3) < $5 RETURNING id",
            _title(title), _json([Cell("sql")]), owner, self._clock.now(), NOTEBOOKS_MAX,
        )  # fmt: skip
        if made is None:
            raise TooMany(f"one has {NOTEBOOKS_MAX} notebooks at most")
        return int(made)

    async def of(self, owner: str, roles: Collection[str]) -> list[Notebook]:
        """One's own, and those shared with one of the roles; the latest first."""
        rows = await self._pool.fetch(
            "SELECT * FROM notebook WHERE owner = $1 OR shared_with = ANY($2) ORDER BY changed_at DESC LIMIT $3",
            owner, list(set(roles) - {""}), NOTEBOOKS_MAX,
        )  # fmt: skip
        return [_notebook(row) for row in rows]

    async def get(self, identifier: int, who: str, roles: Collection[str]) -> Notebook:
        """Raises NotFound, also for what is not theirs to open."""
        row = await self._pool.fetchrow("SELECT * FROM notebook WHERE id = $1", identifier)
        if row is None or (row["owner"] != who and (not row["shared_with"] or row["shared_with"] not in roles)):
            raise NotFound("there is no such notebook", reason="notebook_none")
        return _notebook(row)

    async def save(self, one: Notebook, title: str, cells: list[Cell], shared_with: str) -> None:
        """Raises BadRequest."""
        if len(cells) > NOTEBOOK_CELLS_MAX:
            raise BadRequest(f"a notebook has {NOTEBOOK_CELLS_MAX} cells at most")
        sql = "UPDATE notebook SET title = $2, cells = $3, shared_with = $4, changed_at = $5 WHERE id = $1"
        await self._pool.execute(sql, one.id, _title(title), _json(cells), shared_with, self._clock.now())

    async def drop(self, one: Notebook) -> None:
        await self._pool.execute("DELETE FROM notebook WHERE id = $1", one.id)


def _title(text: str) -> str:
    """Raises BadRequest."""
    if not text.strip():
        raise BadRequest("a title, please", reason="notebook_title")
    return text.strip()[:200]


def _notebook(row: Mapping[str, Any]) -> Notebook:
    return msgspec.convert(dict(row), Notebook)


def _json(cells: list[Cell]) -> bytes:
    return msgspec.json.encode(cells)
