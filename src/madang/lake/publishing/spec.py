"""Which figures are to be published instead of rows about people."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Category = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`person` is the column that tells people apart, `by` that of the categories. A `sum` is of the column `value`, each value held
    between `lower` and `upper`. Of each person `rows_per_person` rows count. `epsilon` is what it takes of the data set's budget."""

    person: str
    by: str
    categories: Annotated[list[Category], msgspec.Meta(min_length=1, max_length=1_000)]
    epsilon: float
    measure: Literal["count", "sum"] = "count"
    value: str = ""
    lower: float = 0.0
    upper: float = 0.0
    rows_per_person: int = 1

    @property
    def names(self) -> list[str]:
        """Columns of what is published."""
        return [self.by, self.measure, "error_95"]
