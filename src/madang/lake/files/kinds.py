"""Which format a file has, by its first bytes, then by its name."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from madang.base.errors import UnsupportedMedia
from madang.lake.files import delimited, excel, grid, json_rows, parquet, vector
from madang.lake.files.report import Hints
from madang.lake.files.table import Table

Reader = Callable[[Path, Hints], Table]
_SHEETS = (".xlsx", ".xlsm", ".xlsb", ".ods")
_LISTS = (".csv", ".tsv", ".txt", ".tab")
_PEEK_BYTES = 64 * 1024


def reader_of(path: Path, name: str) -> Reader:
    """`name`: the sender's, of which only the end counts. Raises UnsupportedMedia."""
    with path.open("rb") as file:
        head = file.read(_PEEK_BYTES)
    found = _by_bytes(path, head, name.lower())
    if found is None:
        raise UnsupportedMedia(f"{name[-100:]} is of no format that is read here", reason="format")
    return found


def _by_bytes(path: Path, head: bytes, name: str) -> Reader | None:
    if head.startswith(b"PAR1"):
        return parquet.read
    if head.startswith((b"\x89HDF\r\n\x1a\n", b"CDF\x01", b"CDF\x02", b"CDF\x05")):
        return grid.read_netcdf
    if head.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return grid.read_geotiff
    if head.startswith(b"\xd0\xcf\x11\xe0"):  # the old Excel's container
        return excel.read
    if head.startswith(b"SQLite format 3\x00"):
        return vector.read
    if zipfile.is_zipfile(path):
        return excel.read if name.endswith(_SHEETS) else vector.read
    return _by_text(head, name)


def _by_text(head: bytes, name: str) -> Reader | None:
    first = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if first in (b"{", b"[") and not name.endswith(_LISTS):
        is_geo = b'"Feature' in head or b'"FeatureCollection"' in head
        return vector.read if is_geo else json_rows.read
    return delimited.read if name.endswith(_LISTS) else None
