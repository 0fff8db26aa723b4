"""What is told of a file at its arrival: how its columns are, and what is wrong with it. Without pyarrow: the gateway does not load it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Severity = Literal["stop", "warn", "note"]
"""`stop`: the file waits in quarantine until a person has looked."""
Box = tuple[float, float, float, float]
ARRIVED, JOB, TABLE, REPORT = "arrived", "job.json", "table.parquet", "report.json"
"""Names in the folder of an arrival."""


class Finding(msgspec.Struct, frozen=True):
    """`code` has words in people/portal/strings; `told` is the evidence, `rows` how many it is about."""

    code: str
    severity: Severity
    column: str = ""
    rows: int = 0
    told: dict[str, Any] = {}


class Profile(msgspec.Struct, frozen=True):
    """One column. `type`: integer, number, text, boolean, date, time, geometry or other. `least`, `most` as text; `top`: the most
    frequent values with their counts; `bins`: how many values lie in each of equal parts between least and most."""

    name: str
    type: str
    nulls: int = 0
    distinct: int = 0
    least: str = ""
    most: str = ""
    mean: float | None = None
    top: list[tuple[str, int]] = []
    bins: list[int] = []


class Report(msgspec.Struct, frozen=True):
    """`crs`: the reference system that the file's coordinates had; what is kept is WGS 84 (longitude, latitude). `sample`: first rows
    by column, as JSON values; `points`: some places (longitude, latitude) for a small map."""

    format: str
    rows: int
    columns: list[Profile]
    findings: list[Finding] = []
    encoding: str = ""
    crs: str = ""
    shape: str = ""
    bbox: Box | None = None
    duplicates: int = 0
    sample: list[list[Any]] = []
    points: list[tuple[float, float]] = []

    @property
    def stops(self) -> list[Finding]:
        return [one for one in self.findings if one.severity == "stop"]


class Known(msgspec.Struct, frozen=True):
    """A column that the data set has already, or that its contract promises."""

    name: str
    type: str
    required: bool = False


class Hints(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the sender, or who released it, says of a file. `accepted`: codes of findings that somebody has looked at; `longitude` and
    `latitude` (or easting and northing): the columns of places; `crs`: `EPSG:5186`."""

    encoding: str = ""
    crs: str = ""
    longitude: str = ""
    latitude: str = ""
    sheet: str = ""
    accepted: list[str] = []


class Reading(msgspec.Struct, frozen=True):
    """One file to read. `bbox`: the city's; `known`: the columns there are already, `promised` those of the contract."""

    name: str
    hints: Hints = Hints()
    bbox: Box | None = None
    known: list[Known] = []
    promised: list[Known] = []
