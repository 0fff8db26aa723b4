"""What every format becomes: columns, and perhaps a geometry."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from madang.base.errors import TooLarge
from madang.base.limits import LAKE_FILE_COLUMNS_MAX, LAKE_FILE_ROWS_MAX
from madang.lake.files.report import Finding


@dataclass
class Table:
    """`geometry`: the column of WKB (empty: none); `crs`: of it, as the file says it (empty: it does not say). `is_text`: that values
    came as text, so that their types are still to be found."""

    rows: pa.Table
    format: str
    geometry: str = ""
    crs: str = ""
    encoding: str = ""
    is_text: bool = False
    findings: list[Finding] = field(default_factory=list)

    def check(self) -> None:
        """Raises TooLarge."""
        if self.rows.num_rows > LAKE_FILE_ROWS_MAX or self.rows.num_columns > LAKE_FILE_COLUMNS_MAX:
            raise TooLarge(f"a file may have {LAKE_FILE_ROWS_MAX} rows and {LAKE_FILE_COLUMNS_MAX} columns")


def named(names: list[str]) -> tuple[list[str], list[Finding]]:
    """Names as columns can have them: without line breaks, none empty, none twice (whatever the case); and what was changed."""
    out: list[str] = []
    empty, again = 0, 0
    taken: set[str] = set()
    for number, raw in enumerate(names, 1):
        name = " ".join(raw.replace("\x00", "").split())[:200]
        empty += not name
        name = name or f"column_{number}"
        if name.lower() in taken:
            again += 1
            name = next(f"{name}_{more}" for more in range(2, len(names) + 2) if f"{name}_{more}".lower() not in taken)
        taken.add(name.lower())
        out.append(name)
    findings = [Finding("header_empty", "warn", rows=empty)] if empty else []
    return out, findings + ([Finding("header_twice", "warn", rows=again)] if again else [])
