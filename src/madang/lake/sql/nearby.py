"""Files of a lake at an S3 store, near by: whoever answers a question has no network, so what it reads lies on this disk meanwhile.

The files of a lake never change, so a copy is good for as long as it lies here; what nobody asked for longest goes first.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import duckdb

from madang.base.errors import TooLarge
from madang.base.limits import LAKE_NEAR_MAX_BYTES, LAKE_SQL_TIME_S
from madang.lake.sql.filtering import quoted

IN_USE_S = 4 * LAKE_SQL_TIME_S


def near(connection: duckdb.DuckDBPyConnection, files: list[str], folder: Path) -> list[str]:
    """Where they are to be read: remote ones copied into the folder. Raises duckdb.Error, TooLarge for more than may lie there."""
    return [_copied(connection, one, folder) if one.startswith("s3://") else one for one in files]


def _copied(connection: duckdb.DuckDBPyConnection, address: str, folder: Path) -> str:
    path = folder / f"near-{hashlib.sha256(address.encode()).hexdigest()[:32]}.parquet"
    if not path.exists():
        part = path.with_suffix(".part")
        connection.execute(f"COPY (FROM read_parquet({quoted(address)})) TO {quoted(str(part))} (FORMAT parquet)")
        part.rename(path)
        make_room(folder, LAKE_NEAR_MAX_BYTES)
    path.touch()
    return str(path)


def make_room(folder: Path, most_bytes: int) -> None:
    """Raises TooLarge when what is in use does not fit."""
    copies = sorted(
        ((one.stat().st_mtime, one.stat().st_size, one) for one in folder.glob("near-*.parquet")), reverse=True
    )
    total = 0
    for used_at, size, path in copies:
        total += size
        if total > most_bytes and time.time() - used_at > IN_USE_S:
            path.unlink(missing_ok=True)
            total -= size
    if total > most_bytes:
        raise TooLarge(
            f"the question needs more than {most_bytes} bytes of the store on this machine: `madang lake run` does not"
        )
