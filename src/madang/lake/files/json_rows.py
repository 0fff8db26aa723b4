"""JSON: a list of objects, one object a line (NDJSON), or an object that holds such a list, as web services answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from madang.base.errors import BadRequest
from madang.lake.files.encoding import encoding_of
from madang.lake.files.report import Hints
from madang.lake.files.table import Table, named

Json = dict[str, Any]


def read(path: Path, hints: Hints) -> Table:
    """Members of objects become columns `a.b`; lists stay JSON. Raises BadRequest."""
    encoding = encoding_of(path, hints.encoding)
    return of_rows(_rows(path.read_text(encoding=encoding)), "json", encoding)


def of_rows(rows: list[Json], format: str, encoding: str = "") -> Table:
    """Objects as a table: the columns of all of them, in the order of their first appearance."""
    flat = [_flat(row) for row in rows]
    keys = list(dict.fromkeys(key for row in flat for key in row))
    names, findings = named(keys)
    arrays = [_column([row.get(key) for row in flat]) for key in keys]
    is_text = any(pa.types.is_string(one.type) for one in arrays)
    return Table(pa.table(arrays, names=names), format, encoding=encoding, is_text=is_text, findings=findings)


def _rows(text: str) -> list[Json]:
    try:
        told = msgspec.json.decode(text)
    except msgspec.DecodeError:
        told = _lines(text)
    found = _list_in(told)
    if not found:
        raise BadRequest("this JSON holds no list of objects", reason="unreadable")
    return found


def _lines(text: str) -> list[Any]:
    try:
        return [msgspec.json.decode(line) for line in text.splitlines() if line.strip()]
    except msgspec.DecodeError as error:
        raise BadRequest(f"this is no JSON: {error}", reason="unreadable") from None


def _list_in(told: Any) -> list[Json]:
    """The first list of objects, nearest to the root."""
    waiting = [told]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, list) and one and all(isinstance(row, dict) for row in one):
            return one
        waiting += [value for value in one.values() if isinstance(value, list | dict)] if isinstance(one, dict) else []
    return []


def _flat(row: Json, before: str = "") -> Json:
    out: Json = {}
    for key, value in row.items():
        if isinstance(value, dict):
            out |= _flat(value, f"{before}{key}.")
        elif isinstance(value, list):
            out[f"{before}{key}"] = msgspec.json.encode(value).decode()
        else:
            out[f"{before}{key}"] = value
    return out


def _column(values: list[Any]) -> pa.Array:
    """Of one kind; what is of several is text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        values = [None if value is None else float(value) for value in values]
    elif len(kinds) > 1:
        values = [
            value if value is None or isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
            for value in values
        ]
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, OverflowError):  # whole numbers of more than 64 bits
        return pa.array([None if value is None else str(value) for value in values])
