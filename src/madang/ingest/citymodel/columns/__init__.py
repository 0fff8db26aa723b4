"""Which column of a footprint file says what: ready mappings by name, or a file of one's own in the same form."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from madang.base.errors import BadRequest


class Columns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Column names by what they say, in the order in which they are tried. `crs`, `encoding`: where the file says nothing."""

    id: list[str] = []
    name: list[str] = []
    category: list[str] = []
    height_m: list[str] = []
    ground_m: list[str] = []
    floors_above: list[str] = []
    floors_below: list[str] = []
    year: list[str] = []
    crs: str = ""
    encoding: str = ""


def load_columns(name: str) -> Columns:
    """`name`: common, korea, or the path of a TOML file. Raises BadRequest."""
    ready = files(__name__).joinpath(f"{name}.toml") if name.isidentifier() else None
    try:
        data = ready.read_bytes() if ready is not None and ready.is_file() else Path(name).read_bytes()
        return msgspec.toml.decode(data, type=Columns)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadRequest(f"columns {name!r}: {error}; there are common and korea, or give a TOML file") from None


def told(row: dict[str, Any], names: list[str]) -> Any:
    """The value of the first of these columns that says something; None when none does."""
    return next((row[name] for name in names if row.get(name) not in (None, "", " ")), None)


def number(value: Any) -> float | None:
    """A positive number, or None."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if 0 < found < float("inf") else None
