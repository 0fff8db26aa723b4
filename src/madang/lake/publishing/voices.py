"""What people say of published data: comments, faults, what they made of it, and data they miss. Shown once somebody of the city looked."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

import asyncpg
import msgspec

from madang.base.clock import Clock
from madang.base.errors import BadRequest, NotFound, TooMany
from madang.base.limits import PORTAL_TEXT_MAX_CHARS, PORTAL_VOICES_OPEN_MAX

Kind = Literal["comment", "fault", "reuse", "request"]
State = Literal["open", "shown", "hidden"]


class Voice(msgspec.Struct, frozen=True):
    """`dataset` is empty for a request; `address` is that of a reuse."""

    id: int
    kind: Kind
    dataset: str
    title: str
    text: str
    address: str
    written_at: datetime
    answer: str
    state: State


_ALL = (
    "SELECT id, kind, dataset, '' AS title, text, address, written_at, answer, state FROM dataset_feedback"
    " UNION ALL SELECT id, 'request', '', title, text, '', written_at, answer, state FROM dataset_request"
)


class Voices:
    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def write(self, dataset: str, kind: Kind, text: str, address: str, by: str) -> None:
        """Raises BadRequest, NotFound, TooMany while too much waits to be looked at."""
        await self._check(text, by)
        if kind not in ("comment", "fault", "reuse") or (kind == "reuse") != bool(address) or not _is_address(address):
            raise BadRequest("a reuse has an address (https), nothing else has", reason="voice_form")
        try:
            await self._pool.execute(
                "INSERT INTO dataset_feedback (dataset, kind, text, address, written_by, written_at) VALUES ($1, $2, $3, $4, $5, $6)",
                dataset, kind, text, address, by, self._clock.now(),
            )  # fmt: skip
        except asyncpg.ForeignKeyViolationError:
            raise NotFound("there is no such data set", reason="dataset_none") from None

    async def request(self, title: str, text: str, by: str) -> None:
        """Data that somebody misses. Raises BadRequest, TooMany."""
        await self._check(text, by)
        if not 1 <= len(title.strip()) <= 200:
            raise BadRequest("what is it about?", reason="voice_form")
        await self._pool.execute(
            "INSERT INTO dataset_request (title, text, written_by, written_at) VALUES ($1, $2, $3, $4)",
            title.strip(), text, by, self._clock.now(),
        )  # fmt: skip

    async def shown(self, kind: Kind | None, dataset: str = "", limit: int = 50) -> list[Voice]:
        """The latest first; of one kind, of one data set, where they are named."""
        return await self._list("shown", kind, dataset, limit)

    async def open(self, limit: int = 50) -> list[Voice]:
        return await self._list("open", None, "", limit)

    async def answer(self, kind: Kind, identifier: int, state: State, text: str) -> None:
        """Raises NotFound."""
        table = "dataset_request" if kind == "request" else "dataset_feedback"
        sql = f"UPDATE {table} SET state = $2, answer = $3 WHERE id = $1 RETURNING id"
        if await self._pool.fetchval(sql, identifier, state, text[:PORTAL_TEXT_MAX_CHARS]) is None:
            raise NotFound("there is no such text", reason="voice_none")

    async def _list(self, state: State, kind: Kind | None, dataset: str, limit: int) -> list[Voice]:
        rows = await self._pool.fetch(
            f"SELECT * FROM ({_ALL}) AS every WHERE state = $1 AND ($2::text IS NULL OR kind = $2) AND ($3 = '' OR dataset = $3)"
            " ORDER BY written_at DESC LIMIT $4",
            state, kind, dataset, limit,
        )  # fmt: skip
        return [msgspec.convert(dict(row), Voice) for row in rows]

    async def _check(self, text: str, by: str) -> None:
        if not 1 <= len(text.strip()) <= PORTAL_TEXT_MAX_CHARS:
            raise BadRequest(f"a text of 1 to {PORTAL_TEXT_MAX_CHARS} characters", reason="voice_form")
        waiting = await self._pool.fetchval(
            "SELECT count(*) FROM (SELECT written_by FROM dataset_feedback WHERE state = 'open' UNION ALL"
            " SELECT written_by FROM dataset_request WHERE state = 'open') AS every WHERE written_by = $1",
            by,
        )
        if waiting >= PORTAL_VOICES_OPEN_MAX:
            raise TooMany("what you wrote before waits to be looked at", wait_s=3_600)


def _is_address(text: str) -> bool:
    return not text or (urlsplit(text).scheme in ("http", "https") and text.isprintable() and len(text) <= 500)
