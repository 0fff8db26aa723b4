"""One question with all that answers it: files, the rows that are not in files yet, what may be seen, and how much of it. Without
DuckDB, which the gateway does not have."""

from __future__ import annotations

from datetime import datetime

import msgspec

from madang.lake.datasets.dataset import Persons


class Limits(msgspec.Struct, frozen=True):
    """Of one question: rows of the answer, memory, seconds."""

    rows: int
    memory_mb: int
    time_s: float


class Sheet(msgspec.Struct, frozen=True):
    """A data set that a question names. `files`: its Parquet (empty: still to be looked up in the lake); `persons`: how people hide in
    it."""

    files: list[str] = []
    persons: Persons | None = None
    columns: list[str] = []


class Job(msgspec.Struct, frozen=True):
    """`fresh`: a Parquet file with what is not rolled yet (empty: nobody asks for observations). `where` and `ids`: see filtering.
    `form`: json, csv or arrow. `sheets`: data sets by the name of their table. `at`: as the lake was then (None: as it is)."""

    sql: str
    where: str
    ids: dict[str, list[str]]
    form: str
    limits: Limits
    files: list[str] = []
    fresh: str = ""
    sheets: dict[str, Sheet] = {}
    at: datetime | None = None


class Head(msgspec.Struct, frozen=True):
    """The first line of an answer; after it come its bytes. `status` 200, or the code of what went wrong with `detail`."""

    status: int
    detail: str = ""
