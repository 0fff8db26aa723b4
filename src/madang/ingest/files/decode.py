"""Records of JSON, NDJSON and CSV files. Pure: bytes in, records out; what is no record says where and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import msgspec

from madang.base.errors import BadRequest

ENCODINGS = ("utf-8-sig", "cp949")


def decode_text(data: bytes) -> str:
    """UTF-8, or the Korean cp949 that many open data files still use. Raises BadRequest."""
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadRequest("the file is neither UTF-8 nor cp949 text")


def records(name: str, data: bytes, path: str = "") -> Iterator[Any]:
    """The records of a file by its ending; `path` leads to the list inside a JSON document. Raises BadRequest."""
    lower = name.lower()
    if lower.endswith(".csv"):
        yield from _rows(name, decode_text(data))
    elif lower.endswith((".ndjson", ".jsonl")):
        for number, line in enumerate(data.splitlines(), 1):
            if line.strip():
                yield _json(line, f"line {number}")
    else:
        yield from _list_at(_json(data, name), path)


def _rows(name: str, text: str) -> Iterator[Any]:
    reader = csv.DictReader(io.StringIO(text))
    try:
        yield from reader
    except csv.Error as error:
        raise BadRequest(f"{name}: line {reader.line_num + 1} cannot be read: {error}") from None


def _json(data: bytes, where: str) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"{where}: not JSON: {error}") from None


def _list_at(document: Any, path: str) -> list[Any]:
    for step in filter(None, path.split(".")):
        document = document.get(step) if isinstance(document, dict) else None
    if not isinstance(document, list):
        raise BadRequest(f"no list of records at {path or 'the top'!r}")
    return document
