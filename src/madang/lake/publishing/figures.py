"""Rows about people published as noisy figures: a count or a sum for each of the categories somebody named without looking at the data.

Which categories there are is part of the question, not of the answer: a category that nobody is in has its noisy figure, too. So the table
tells nothing that the noise does not cover (differential privacy: Dwork, McSherry, Nissim and Smith 2006).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from madang.base.limits import PRIVACY_ROWS_MAX
from madang.lake.datasets.loading import table_of
from madang.lake.publishing.spec import Figures
from madang.lake.sql.filtering import quoted_name

Noisy = Callable[[Figures, Sequence[Any], Sequence[Any], Sequence[Any]], dict[str, tuple[float, float]]]
"""The figure of each category, and by how much 95 of 100 are off at most, of columns of people, categories and values."""


def write_figures(
    connection: duckdb.DuckDBPyConnection, dataset: str, figures: Figures, noisy: Noisy, file: Path
) -> None:
    """The table as Parquet. Raises duckdb.Error, BadRequest."""
    columns = [figures.person, figures.by, figures.value or figures.person]
    told = ", ".join(f"{quoted_name(name)} AS c{place}" for place, name in enumerate(columns))
    rows = connection.execute(f"SELECT {told} FROM {table_of(dataset)} LIMIT {PRIVACY_ROWS_MAX + 1}").to_arrow_table()
    found = noisy(figures, *(rows.column(place).to_pylist() for place in range(3)))
    by, measure, error = figures.names
    values = [found[one] for one in figures.categories]
    table = {by: figures.categories, measure: [one[0] for one in values], error: [one[1] for one in values]}
    pq.write_table(pa.table(table), file, compression="zstd")
