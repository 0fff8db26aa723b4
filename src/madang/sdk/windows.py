"""What happened in a span of time, as rows, as Arrow, as Polars, and as SQL over all its types (DuckDB): joins are joins there.

The libraries are imported when they are asked for: an app that does without them does not carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from madang.base.clock import from_iso
from madang.sdk.plan import Subject
from madang.sdk.values import latest_observed, values_of

if TYPE_CHECKING:
    import polars
    import pyarrow

Row = dict[str, Any]


@dataclass(frozen=True)
class Window:
    """The changes of `begin` to `end` (not among it). `changes`: `{"seq", "op", "at", "entity"}` by time."""

    begin: datetime
    end: datetime
    subject: Subject
    changes: list[dict[str, Any]]

    @property
    def entities(self) -> list[Any]:
        """What changed, one for each change that is no deletion, as `App.on` would show it."""
        return [self.subject.shown(one["entity"]) for one in self.changes if one["op"] != "d"]

    def rows(self, type: str = "") -> list[Row]:
        """Plain values by name, with `id`, `type` and `at` (when it was observed, an aware datetime); of a type, or of all."""
        found = [one for one in self.changes if one["op"] != "d" and (not type or one["entity"].get("type") == type)]
        return [values_of(one["entity"]) | {"at": from_iso(time_of(one))} for one in found]

    def arrow(self, type: str = "") -> pyarrow.Table:
        """The rows as one Arrow table; a column that no row has is not there."""
        import pyarrow as pa

        rows = self.rows(type)
        names = dict.fromkeys(name for row in rows for name in row)
        return pa.table({name: pa.array([_flat(row.get(name)) for row in rows]) for name in names})

    def polars(self, type: str = "") -> polars.DataFrame:
        """The rows as a Polars frame."""
        import polars as pl

        found = pl.from_arrow(self.arrow(type))
        assert isinstance(found, pl.DataFrame)
        return found

    def sql(self, query: str) -> list[Row]:
        """Rows of a SQL query in which each type that happened is a table by its name. Raises duckdb.Error."""
        import duckdb

        with duckdb.connect(":memory:", config={"enable_external_access": "false", "threads": 1}) as connection:
            for name in sorted({str(one["entity"].get("type")) for one in self.changes}):
                connection.register(name, self.arrow(name))
            answer: Any = connection.sql(query)
            found: list[Row] = answer.to_arrow_table().to_pylist()
            return found


def time_of(change: Mapping[str, Any]) -> str:
    """When it was observed, else when the city took it (ISO text)."""
    return latest_observed(change["entity"]) or str(change["at"])


def _flat(value: Any) -> Any:
    """Arrow columns have one type: what is nested becomes JSON text."""
    if isinstance(value, dict | list):
        import json

        return json.dumps(value, ensure_ascii=False)
    return value
