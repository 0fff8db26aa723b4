"""The gate before publication: a version is written, everything in it is looked at, and what speaks against it stops it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow.parquet as pq

from madang.base.errors import Forbidden, NotFound
from madang.lake.datasets.book import Book
from madang.lake.datasets.dataset import Dataset, Persons
from madang.lake.files.describing import described
from madang.lake.files.report import Finding, Report
from madang.lake.files.table import Table
from madang.lake.publishing.exporting import GEOMETRY, export, folder_of, raw_of, write_rows
from madang.lake.publishing.figures import Noisy, write_figures
from madang.lake.publishing.hiding import measured
from madang.lake.publishing.publication import File, Publication, Publications
from madang.lake.sql.filtering import quoted, quoted_name

_BATCH = 2_000
NOTHING = Report("parquet", 0, [])
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


@dataclass(frozen=True)
class PrivacyTools:
    """The privacy room's: what is personal in columns, which names of columns look like it, and how figures get their noise. `spend`
    takes epsilon of a data set's budget; raises Forbidden, NotFound where there is none (left)."""

    scan: Callable[[Mapping[str, Iterable[object]]], Iterable[Found]]
    looks_personal: Callable[[Iterable[str]], list[str]]
    noisy: Noisy
    spend: Callable[[str, float], Awaitable[float]]


class Checking:
    """`published`: the folder of what everybody may have."""

    def __init__(
        self,
        book: Book,
        publications: Publications,
        connect: Callable[[], duckdb.DuckDBPyConnection],
        published: Path,
        privacy: PrivacyTools,
        told: Told,
    ) -> None:
        self._book, self._publications, self._connect, self._published = book, publications, connect, published
        self._privacy, self._told = privacy, told

    async def once(self) -> bool:
        """Whether there was a version to check. Raises duckdb.Error when the lake is away."""
        waiting = await self._publications.in_state("checking", 1)
        for one in waiting:
            dataset = await self._book.get(one.dataset)
            stops = await self._spent(one)
            shown, files, checks = (NOTHING, {}, stops) if stops else await asyncio.to_thread(self._check, dataset, one)
            state = await self._publications.checked(one, checks, files, shown)
            if state == "refused":
                shutil.rmtree(folder_of(self._published, one.dataset, one.version), ignore_errors=True)
            await self._told(one, state, checks)
        return bool(waiting)

    async def _spent(self, one: Publication) -> list[Finding]:
        """Before a figure is computed; what was spent stays spent, also when nobody approves it."""
        if one.figures is None:
            return []
        try:
            await self._privacy.spend(one.dataset, one.figures.epsilon)
        except (Forbidden, NotFound) as error:
            told = {"epsilon": one.figures.epsilon, "left": error.extra.get("left", 0.0)}
            return [Finding("budget", "stop", one.figures.by, told=told)]
        return []

    def _check(self, dataset: Dataset, one: Publication) -> tuple[Report, dict[str, File], list[Finding]]:
        folder = folder_of(self._published, one.dataset, one.version)
        persons = dataset.told.persons if one.figures is None else None
        with self._connect() as connection:
            files = self._written(connection, one, folder)
            source = f"read_parquet({quoted(str(folder / 'data.parquet'))})"
            found = self._privacy.scan(_values(connection, source, one.columns))
            checks = [_personal(each, one.of_places) for each in found]
            checks += disclosure(connection, source, persons, one.columns) if persons else []
        is_rows = one.figures is None and persons is None
        if is_rows and len(named := self._privacy.looks_personal(one.columns)) > 1:
            checks.append(Finding("looks_personal", "stop", ", ".join(named)))
        shown = described(_table(folder, one.columns))
        return shown, files, checks + [Finding("empty", "stop")] * (not shown.rows)

    def _written(self, connection: duckdb.DuckDBPyConnection, one: Publication, folder: Path) -> dict[str, File]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if one.figures is None:
            write_rows(connection, one.dataset, one.columns, raw_of(folder))
        else:
            write_figures(connection, one.dataset, one.figures, self._privacy.noisy, raw_of(folder))
        return export(connection, one.columns, folder)


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
