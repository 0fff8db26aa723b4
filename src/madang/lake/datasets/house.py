"""Everything that doors need of data sets, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import asyncpg

from madang.base.clock import Clock
from madang.lake.catalogue.lineage import Lineage
from madang.lake.catalogue.notebooks import Notebooks
from madang.lake.catalogue.searching import Search
from madang.lake.catalogue.uses import Uses
from madang.lake.catalogue.words import Tokens
from madang.lake.datasets.book import Book
from madang.lake.datasets.dataset import Dataset
from madang.lake.datasets.inbox import inbox_of
from madang.lake.feeds.feeds import Feeds
from madang.lake.indicators.values import Values
from madang.lake.publishing.publication import Publications
from madang.lake.publishing.voices import Voices
from madang.lake.sql.job import Sheet


@dataclass(frozen=True)
class DataHouse:
    """`published`: the folder of what everybody may have, `published/ID/VERSION/data.FORM`."""

    book: Book
    feeds: Feeds
    publications: Publications
    search: Search
    uses: Uses
    lineage: Lineage
    voices: Voices
    values: Values
    notebooks: Notebooks
    pool: asyncpg.Pool
    inbox: Path
    published: Path
    clock: Clock

    def sheet(self, dataset: Dataset) -> Sheet:
        """Its published version."""
        return Sheet([str(self.file(dataset, "parquet"))])

    def file(self, dataset: Dataset, form: str, version: int = 0) -> Path:
        """The latest version without one."""
        return self.published / dataset.id / str(version or dataset.version) / f"data.{form}"


def published_of(run_dir: Path) -> Path:
    """Not within the lake's own folder: DuckLake clears that of what it does not know."""
    return run_dir / "published"


def open_data(pool: asyncpg.Pool, run_dir: Path, city: str, clock: Clock, tokens: Tokens) -> DataHouse:
    """`tokens`: the words of what people look for."""
    return DataHouse(
        Book(pool, clock), Feeds(pool, clock), Publications(pool, clock), Search(pool, tokens), Uses(pool, clock),
        Lineage(pool, city), Voices(pool, clock), Values(pool, clock), Notebooks(pool, clock), pool,
        inbox_of(run_dir), published_of(run_dir), clock,
    )  # fmt: skip
