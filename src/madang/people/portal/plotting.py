"""An answer to a question as a picture: lines over time, bars of categories, or places. Pure.

Each stands beside the table it was made of, so a picture is never the only way to the figures."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from madang.lake.files.report import Box
from madang.people.portal.charts import HEIGHT, WIDTH, Bar

SERIES_MAX, BARS_MAX, POINTS_MAX = 4, 24, 1_500
_LONGITUDES = frozenset({"lon", "lng", "longitude", "x", "경도"})
_LATITUDES = frozenset({"lat", "latitude", "y", "위도"})
_GROUND = 0.001
"""Degrees, some 100 m."""
_DECIMAL = re.compile(r"-?\d+\.\d+")
Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Lines:
    """Series as points of SVG polylines, in a picture of WIDTH by HEIGHT; the ends of both axes as text."""

    lines: list[tuple[str, str]]
    first: str
    last: str
    least: str
    most: str


def plot(names: Sequence[str], rows: Rows) -> Lines | list[Bar] | None:
    """The first column over which the numbers stand: a time or a number makes lines, anything else bars. None without numbers."""
    numbers = [place for place in range(1, len(names)) if rows and all(_is_plain(row[place]) for row in rows)]
    if not numbers:
        return None
    at = [_position(row[0]) for row in rows]
    if len(rows) > 1 and all(one is not None for one in at):
        return _lines(names, rows, [one or 0.0 for one in at], numbers[:SERIES_MAX])
    return _bars(rows[:BARS_MAX], numbers[0])


def points_of(names: Sequence[str], rows: Rows) -> list[tuple[float, float]]:
    """Longitude and latitude of the rows, by columns of that name or by GeoJSON in any."""
    return [point for row in rows[:POINTS_MAX] if (point := _point(names, row)) is not None]


def around(points: Sequence[tuple[float, float]]) -> Box | None:
    """What they cover, with some ground about them; None of none."""
    if not points:
        return None
    longitudes, latitudes = zip(*points, strict=True)
    return min(longitudes) - _GROUND, min(latitudes) - _GROUND, max(longitudes) + _GROUND, max(latitudes) + _GROUND


def _lines(names: Sequence[str], rows: Rows, at: list[float], numbers: list[int]) -> Lines:
    order = sorted(range(len(rows)), key=at.__getitem__)
    values = [value for row in rows for place in numbers if (value := _number(row[place])) is not None]
    least, most = min(values, default=0.0), max(values, default=0.0)
    start, wide, high = min(at), (max(at) - min(at)) or 1.0, (most - least) or 1.0

    def line(place: int) -> str:
        told = (
            f"{(at[row] - start) / wide * WIDTH:.1f},{HEIGHT - (value - least) / high * HEIGHT:.1f}"
            for row in order
            if (value := _number(rows[row][place])) is not None
        )
        return " ".join(told)

    ends = str(rows[order[0]][0]), str(rows[order[-1]][0])
    return Lines([(names[place], line(place)) for place in numbers], *ends, f"{least:.4g}", f"{most:.4g}")


def _bars(rows: Rows, place: int) -> list[Bar]:
    """Those below zero have no length."""
    values = [_number(row[place]) or 0.0 for row in rows]
    highest = max(values, default=1.0) or 1.0
    high = HEIGHT / max(1, len(rows))
    return [
        Bar(
            0,
            round(number * high + 1, 1),
            round(max(0.0, WIDTH * values[number] / highest), 1),
            round(max(1.0, high - 2), 1),
            f"{row[0]}: {row[place]}",
        )
        for number, row in enumerate(rows)
    ]


def _is_plain(value: Any) -> bool:
    return value is None or _number(value) is not None


def _number(value: Any) -> float | None:
    """Also of a decimal, which JSON has as text with its point."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return float(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _position(value: Any) -> float | None:
    """Of a number, or of a time in seconds."""
    if (number := _number(value)) is not None:
        return number
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _point(names: Sequence[str], row: Sequence[Any]) -> tuple[float, float] | None:
    told = {name.lower(): value for name, value in zip(names, row, strict=True)}
    longitude = next((_number(told[name]) for name in told if name in _LONGITUDES), None)
    latitude = next((_number(told[name]) for name in told if name in _LATITUDES), None)
    if longitude is not None and latitude is not None:
        return longitude, latitude
    return next((point for value in row if (point := _of_geojson(value)) is not None), None)


def _of_geojson(value: Any) -> tuple[float, float] | None:
    """Its first corner."""
    if not isinstance(value, str) or '"coordinates"' not in value:
        return None
    try:
        corner = json.loads(value)["coordinates"]
        while isinstance(corner[0], list):
            corner = corner[0]
        return float(corner[0]), float(corner[1])
    except (ValueError, TypeError, KeyError, IndexError):
        return None
