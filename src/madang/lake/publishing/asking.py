"""Questions of a published table, as SQL. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from madang.base.errors import BadRequest
from madang.lake.files.report import Box
from madang.lake.sql.filtering import quoted, quoted_name

GEOMETRY = "geometry"


def rows_of(table: str, names: Sequence[str], where: str, limit: int, offset: int) -> str:
    """The number of each row, from 1, and its columns."""
    listed = ", ".join(map(quoted_name, names))
    return (
        f"SELECT file_row_number + 1, {listed} FROM {quoted_name(table)} WHERE {where}"
        f" ORDER BY file_row_number LIMIT {limit} OFFSET {offset}"
    )


def count_of(table: str, where: str) -> str:
    return f"SELECT count(*) FROM {quoted_name(table)} WHERE {where}"


def condition(names: Sequence[str], bbox: Box | None, equal: Mapping[str, Any], number: int | None) -> str:
    """Of rows within a box, of equal values, of one number. Raises BadRequest for what the table does not have."""
    terms = []
    if bbox is not None:
        if GEOMETRY not in names:
            raise BadRequest("this data set has no places")
        west, south, east, north = (float(one) for one in bbox)
        terms.append(
            f"bbox.xmin <= {east!r} AND bbox.xmax >= {west!r} AND bbox.ymin <= {north!r} AND bbox.ymax >= {south!r}"
        )
    for name, value in equal.items():
        if name not in names:
            raise BadRequest(f"there is no column {str(name)[:80]}")
        terms.append(f"{quoted_name(name)}::VARCHAR = {quoted(_told(value))}")
    if number is not None:
        terms.append(f"file_row_number = {number - 1}")
    return " AND ".join(terms) or "true"


def _told(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
