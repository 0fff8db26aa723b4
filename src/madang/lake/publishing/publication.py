"""A version of a data set on its way to everybody: asked for, checked, approved by somebody else, published, withdrawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import asyncpg
import msgspec

from madang.base.clock import Clock
from madang.base.errors import BadRequest, Conflict, NotFound
from madang.lake.datasets.dataset import Dataset
from madang.lake.files.report import Finding, Report
from madang.lake.publishing.spec import Figures

State = Literal["checking", "refused", "waiting", "declined", "published", "withdrawn"]
_COLUMNS = "dataset, version, state, columns, of_places, figures, checks, rows, files, asked_by, asked_at, decided_by, why, decided_at"


class File(msgspec.Struct, frozen=True):
    """One form of what is published."""

    size_bytes: int
    sha256: str


class Publication(msgspec.Struct, frozen=True):
    """`of_places`: columns whose names and addresses whoever asked says are no person's; `checks`: what the gate found; `files` by form:
    parquet, csv, json or geojson; `figures`: what is published instead of rows."""

    dataset: str
    version: int
    state: State
    columns: list[str]
    of_places: list[str]
    figures: Figures | None
    checks: list[Finding]
    rows: int
    files: dict[str, File]
    asked_by: str
    asked_at: datetime
    decided_by: str
    why: str
    decided_at: datetime | None


class Publications:
    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def ask(
        self, dataset: Dataset, columns: Sequence[str], by: str, of_places: Sequence[str] = (), figures: Figures | None = None
    ) -> int:  # fmt: skip
        """Its version. Without `columns` all but those that name people; with `figures` those. Raises BadRequest, Conflict while another
        one is open."""
        hidden = set(dataset.told.persons.hidden) if dataset.told.persons else set()
        wanted = list(columns) or [one.name for one in dataset.columns if one.name not in hidden]
        named = {figures.person, figures.by, figures.value} - {""} if figures else set(wanted)
        unknown = named - {one.name for one in dataset.columns}
        wanted = figures.names if figures else wanted
        if unknown or not wanted or not dataset.told.licence:
            told = f"no columns {sorted(unknown)}" if unknown else "a licence, and rows, please"
            raise BadRequest(told, reason="publication_form")
        try:
            version = await self._pool.fetchval(
                "INSERT INTO dataset_publication (dataset, version, state, columns, of_places, figures, asked_by, asked_at)"
                " SELECT $1, 1 + coalesce(max(version), 0), 'checking', $2, $5, $6, $3, $4 FROM dataset_publication WHERE dataset = $1"
                " RETURNING version",
                dataset.id, wanted, by, self._clock.now(), list(of_places), _json(figures) if figures else None,
            )  # fmt: skip
        except asyncpg.UniqueViolationError:
            raise Conflict("another version of it waits", reason="publication_open") from None
        return int(version)

    async def of(self, dataset: str) -> list[Publication]:
        """The latest first."""
        sql = f"SELECT {_COLUMNS} FROM dataset_publication WHERE dataset = $1 ORDER BY version DESC"
        return [_publication(row) for row in await self._pool.fetch(sql, dataset)]

    async def get(self, dataset: str, version: int) -> Publication:
        """Raises NotFound."""
        sql = f"SELECT {_COLUMNS} FROM dataset_publication WHERE dataset = $1 AND version = $2"
        row = await self._pool.fetchrow(sql, dataset, version)
        if row is None:
            raise NotFound("there is no such version", reason="publication_none")
        return _publication(row)

    async def in_state(self, state: State, limit: int) -> list[Publication]:
        """Those that were asked for first."""
        sql = f"SELECT {_COLUMNS} FROM dataset_publication WHERE state = $1 ORDER BY asked_at LIMIT $2"
        return [_publication(row) for row in await self._pool.fetch(sql, state, limit)]

    async def checked(
        self, one: Publication, checks: Sequence[Finding], files: Mapping[str, File], shown: Report
    ) -> State:
        """To be approved by a person, where nothing stops it."""
        state: State = "refused" if any(found.severity == "stop" for found in checks) else "waiting"
        await self._pool.execute(
            "UPDATE dataset_publication SET state = $3, checks = $4, rows = $5, files = $6, shown = $7 WHERE dataset = $1 AND version = $2",
            one.dataset, one.version, state, _json(checks), shown.rows, _json(files), _json(shown),
        )  # fmt: skip
        return state

    async def approve(self, dataset: str, version: int, by: str, why: str) -> None:
        """Published from now on. Raises Conflict by whoever asked for it, and for what does not wait."""
        if (await self.get(dataset, version)).asked_by == by:
            raise Conflict("somebody else approves what you asked for", reason="approve_own")
        async with self._pool.acquire() as connection, connection.transaction():
            await self._decide(connection, dataset, version, "published", by, why)
            await connection.execute(
                "UPDATE dataset SET state = 'published', version = $2, issued_at = coalesce(issued_at, $3), changed_at = $3,"
                " shown = (SELECT shown FROM dataset_publication WHERE dataset = $1 AND version = $2) WHERE id = $1",
                dataset, version, self._clock.now(),
            )  # fmt: skip

    async def decline(self, dataset: str, version: int, by: str, why: str) -> None:
        """Raises Conflict."""
        async with self._pool.acquire() as connection:
            await self._decide(connection, dataset, version, "declined", by, why)

    async def withdraw(self, dataset: str, by: str, why: str) -> None:
        """All of its versions: whoever asks for one is told why. Raises Conflict for what is not published."""
        async with self._pool.acquire() as connection, connection.transaction():
            gone = await connection.fetchval(
                "UPDATE dataset SET state = 'withdrawn', changed_at = $2 WHERE id = $1 AND state = 'published' RETURNING id",
                dataset, self._clock.now(),
            )  # fmt: skip
            if gone is None:
                raise Conflict("this data set is not published", reason="publication_state")
            await connection.execute(
                "UPDATE dataset_publication SET state = 'withdrawn', decided_by = $2, why = $3, decided_at = $4"
                " WHERE dataset = $1 AND state = 'published'",
                dataset, by, why, self._clock.now(),
            )  # fmt: skip

    async def _decide(self, connection: Any, dataset: str, version: int, state: State, by: str, why: str) -> None:
        done = await connection.fetchval(
            "UPDATE dataset_publication SET state = $3, decided_by = $4, why = $5, decided_at = $6"
            " WHERE dataset = $1 AND version = $2 AND state = 'waiting' RETURNING version",
            dataset, version, state, by, why, self._clock.now(),
        )  # fmt: skip
        if done is None:
            raise Conflict("this version does not wait for anybody", reason="publication_state")


def _publication(row: Mapping[str, Any]) -> Publication:
    return msgspec.convert(dict(row), Publication)


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)
