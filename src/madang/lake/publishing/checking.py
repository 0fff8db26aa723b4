"""The gate before publication: a version is written, everything in it is looked at, and what speaks against it stops it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow.parquet as pq

from madang.lake.datasets.book import Book
from madang.lake.datasets.dataset import Dataset, Persons
from madang.lake.files.describing import described
from madang.lake.files.report import Finding, Report
from madang.lake.files.table import Table
from madang.lake.publishing.exporting import GEOMETRY, export, folder_of
from madang.lake.publishing.hiding import measured
from madang.lake.publishing.publication import File, Publication, Publications
from madang.lake.sql.filtering import quoted, quoted_name

_BATCH = 2_000
Told = Callable[[Publication, str, list[Finding]], Awaitable[None]]


class Found(Protocol):
    @property
    def column(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def values(self) -> int: ...
    @property
    def example(self) -> str: ...


Scan = Callable[[Mapping[str, Iterable[object]]], Iterable[Found]]
LooksPersonal = Callable[[Iterable[str]], list[str]]


class Checking:
    """`published`: the folder of what everybody may have; `scan` and `looks_personal`: the privacy room's."""

    def __init__(
        self,
        book: Book,
        publications: Publications,
        connect: Callable[[], duckdb.DuckDBPyConnection],
        published: Path,
        scan: Scan,
        looks_personal: LooksPersonal,
        told: Told,
    ) -> None:
        self._book, self._publications, self._connect, self._published = book, publications, connect, published
        self._scan, self._looks_personal, self._told = scan, looks_personal, told

    async def once(self) -> bool:
        """Whether there was a version to check. Raises duckdb.Error when the lake is away."""
        waiting = await self._publications.in_state("checking", 1)
        for one in waiting:
            dataset = await self._book.get(one.dataset)
            shown, files, checks = await asyncio.to_thread(self._check, dataset, one)
            state = await self._publications.checked(one, checks, files, shown)
            if state == "refused":
                shutil.rmtree(folder_of(self._published, one.dataset, one.version), ignore_errors=True)
            await self._told(one, state, checks)
        return bool(waiting)

    def _check(self, dataset: Dataset, one: Publication) -> tuple[Report, dict[str, File], list[Finding]]:
        folder, persons = folder_of(self._published, one.dataset, one.version), dataset.told.persons
        with self._connect() as connection:
            files = export(connection, one.dataset, one.columns, "false", folder)
            source = f"read_parquet({quoted(str(folder / 'data.parquet'))})"
            found = self._scan(_values(connection, source, one.columns))
            checks = [_personal(each, one.of_places) for each in found]
            checks += disclosure(connection, source, persons, one.columns) if persons else []
        if persons is None and len(named := self._looks_personal(one.columns)) > 1:
            checks.append(Finding("looks_personal", "stop", ", ".join(named)))
        shown = described(_table(folder, one.columns))
        return shown, files, checks + [Finding("empty", "stop")] * (not shown.rows)


def _table(folder: Path, columns: list[str]) -> Table:
    rows = pq.read_table(folder / "data.parquet", columns=columns)
    geometry = GEOMETRY if GEOMETRY in columns else ""
    return Table(rows, "geoparquet" if geometry else "parquet", geometry, "EPSG:4326" if geometry else "")


def _personal(found: Found, of_places: list[str]) -> Finding:
    """Names and addresses may be those of places, which whoever asks says and whoever approves sees; nothing else may."""
    is_place = found.kind in ("name", "address") and found.column in of_places
    told = {"kind": found.kind, "example": found.example}
    return Finding("personal_data", "warn" if is_place else "stop", found.column, found.values, told)


def disclosure(
    connection: duckdb.DuckDBPyConnection, source: str, persons: Persons, columns: list[str]
) -> list[Finding]:
    """What of k and l is not kept, and columns that name people."""
    named = [name for name in persons.hidden if name in columns]
    found = [Finding("names_people", "stop", name) for name in named]
    sensitive = [name for name in persons.sensitive if name in columns]
    shown = Persons(persons.hidden, persons.quasi, sensitive, persons.k, persons.l)
    row = connection.execute(measured(source, shown, columns)).fetchone()
    assert row is not None
    if row[0] is not None and row[0] < persons.k:
        found.append(
            Finding("k_anonymity", "stop", ", ".join(persons.quasi), int(row[1]), {"k": row[0], "wish": persons.k})
        )
    for name, fewest in zip(sensitive, row[2:], strict=True):
        if fewest is not None and fewest < persons.l:
            found.append(Finding("l_diversity", "stop", name, told={"l": fewest, "wish": persons.l}))
    return found


def _values(connection: duckdb.DuckDBPyConnection, source: str, columns: list[str]) -> dict[str, Iterable[object]]:
    """The different values of every column that could hold something personal: texts and whole numbers."""
    kinds = {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    texts = [name for name in columns if kinds[name] in ("VARCHAR", "BIGINT")]
    return {name: _distinct(connection.cursor(), source, name) for name in texts}


def _distinct(cursor: Any, source: str, name: str) -> Iterable[object]:
    column = quoted_name(name)
    cursor.execute(f"SELECT DISTINCT {column} FROM {source} WHERE {column} IS NOT NULL")
    while rows := cursor.fetchmany(_BATCH):
        yield from (row[0] for row in rows)
