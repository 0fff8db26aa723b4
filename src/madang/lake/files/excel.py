"""Excel and OpenDocument sheets: one sheet, below its first line that could be a header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from madang.base.errors import BadRequest
from madang.lake.files.json_rows import of_rows
from madang.lake.files.report import Finding, Hints
from madang.lake.files.table import Table, named

_TITLES_MAX = 20


def read(path: Path, hints: Hints) -> Table:
    """The sheet that `hints` name, else the first with rows. Raises BadRequest."""
    try:
        book = CalamineWorkbook.from_path(str(path))
        sheets = {name: book.get_sheet_by_name(name).to_python() for name in _wanted(book, hints)}
    except CalamineError as error:
        raise BadRequest(f"this is no sheet: {error}", reason="unreadable") from None
    filled = {name: rows for name, rows in sheets.items() if len(rows) > 1}
    if not filled:
        raise BadRequest("no sheet of this file has rows", reason="unreadable")
    name, rows = next(iter(filled.items()))
    begin = _header_at(rows)
    keys, findings = named([str(cell) for cell in rows[begin]])
    body = [row for row in rows[begin + 1 :] if any(cell != "" for cell in row)]
    table = of_rows([dict(zip(keys, map(_value, row), strict=False)) for row in body], "excel")
    more = [Finding("sheets", "note", rows=len(filled), told={"taken": name, "others": list(filled)[1:20]})]
    return Table(
        table.rows,
        "excel",
        is_text=table.is_text,
        findings=[*findings, *(more if len(filled) > 1 else []), *table.findings],
    )


def _wanted(book: CalamineWorkbook, hints: Hints) -> list[str]:
    if not hints.sheet:
        return list(book.sheet_names)
    if hints.sheet not in book.sheet_names:
        raise BadRequest(f"there is no sheet {hints.sheet[:100]}", reason="unreadable")
    return [hints.sheet]


def _header_at(rows: list[list[Any]]) -> int:
    """The first line as full as the fullest of the first ones: above it stand titles."""
    filled = [sum(cell != "" for cell in row) for row in rows[:_TITLES_MAX]]
    return next(place for place, count in enumerate(filled) if count >= 0.8 * max(filled))


def _value(cell: Any) -> Any:
    """Excel has no whole numbers and no absent values."""
    if cell == "":
        return None
    return int(cell) if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53 else cell
