"""CSV, and what is like it: any delimiter, any encoding (RFC 4180 where the file keeps to it)."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from madang.base.errors import BadRequest
from madang.lake.files.encoding import encoding_of, to_utf8
from madang.lake.files.report import Finding, Hints
from madang.lake.files.table import Table, named

_LINE_MAX_BYTES = 4 * 1024 * 1024
_HEADER_CHARS = 64 * 1024
_QUOTED = re.compile(r'"[^"]*"')


def read(path: Path, hints: Hints) -> Table:
    """Every value as text. Lines that cannot be read are left out and told of. Raises BadRequest."""
    encoding = encoding_of(path, hints.encoding)
    text = to_utf8(path, encoding, path.with_suffix(".utf8"))
    with duckdb.connect(config={"memory_limit": "1GB", "threads": 1}) as connection:
        try:
            rows = connection.execute(
                "SELECT * FROM read_csv($1, delim = $2, quote = '\"', escape = '\"', all_varchar = true, header = true,"
                f" store_rejects = true, sample_size = 20480, parallel = false, max_line_size = {_LINE_MAX_BYTES})",
                [str(text), _delimiter(text)],
            ).to_arrow_table()
        except duckdb.Error as error:
            raise BadRequest(f"this is no CSV: {str(error).splitlines()[0][:300]}", reason="unreadable") from None
        broken = connection.execute("SELECT count(DISTINCT line), min(line) FROM reject_errors").fetchone()
    names, findings = named(_header(rows.column_names))
    if broken is not None and broken[0]:
        findings.append(Finding("broken_lines", "stop", rows=int(broken[0]), told={"first": int(broken[1])}))
    return Table(rows.rename_columns(names), "csv", encoding=encoding, is_text=True, findings=findings)


def _delimiter(text: Path) -> str:
    """The likeliest, by the header: names hold none of them as a rule."""
    with text.open(encoding="utf-8") as file:
        header = _QUOTED.sub("", file.read(_HEADER_CHARS)).partition("\n")[0]
    return max(",\t;|", key=header.count)


def _header(found: list[str]) -> list[str]:
    """DuckDB gives a column without a name one by its number; it is empty all the same."""
    return ["" if name == f"column{number}" else name for number, name in enumerate(found)]
