"""Small pictures of data as SVG, which need no script: how values are spread, what is frequent, where things lie. Pure.

Each stands beside a table with the same figures, so a picture is never the only way to them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from madang.lake.files.report import Box, Profile

WIDTH, HEIGHT, EDGE = 320, 120, 8


@dataclass(frozen=True)
class Bar:
    """In a picture of WIDTH by HEIGHT; `told` is what it stands for."""

    x: float
    y: float
    width: float
    height: float
    told: str


@dataclass(frozen=True)
class Dots:
    """Places in a picture as wide as WIDTH and as high as their ground is; `ways` are the points of polylines."""

    height: int
    dots: list[tuple[float, float]]
    grid: list[tuple[float, str]]
    ways: list[str]


def spread(profile: Profile) -> list[Bar]:
    """Bars of a column of numbers; none without bins."""
    if not profile.bins or not profile.least:
        return []
    least, most, highest = float(profile.least), float(profile.most), max(profile.bins) or 1
    step, wide = (most - least) / len(profile.bins), WIDTH / len(profile.bins)
    return [
        Bar(
            round(place * wide + 0.5, 1), round(HEIGHT * (1 - count / highest), 1), round(wide - 1, 1),
            round(HEIGHT * count / highest, 1), f"{least + place * step:.4g} – {least + (place + 1) * step:.4g}: {count}",
        )
        for place, count in enumerate(profile.bins)
    ]  # fmt: skip


def frequent(profile: Profile) -> list[Bar]:
    """Bars of the most frequent values of a column, one below the other."""
    highest = max((count for _, count in profile.top), default=1)
    high = HEIGHT / max(1, len(profile.top))
    return [
        Bar(0, round(place * high + 1, 1), round(WIDTH * count / highest, 1), round(high - 2, 1), f"{value}: {count}")
        for place, (value, count) in enumerate(profile.top)
    ]


def places(
    points: Sequence[tuple[float, float]], bbox: Box | None, streets: Sequence[Sequence[tuple[float, float]]] = ()
) -> Dots | None:
    """Points of longitude and latitude, with streets under them, on a plane that is true at the middle latitude (equirectangular
    projection)."""
    if not points or bbox is None:
        return None
    west, south, east, north = bbox
    shrink = math.cos(math.radians((south + north) / 2))
    across = max((east - west) * shrink, 1e-6)
    upward = max(north - south, 1e-6)
    height = max(80, min(480, round(WIDTH * upward / across)))
    scale = min((WIDTH - 2 * EDGE) / across, (height - 2 * EDGE) / upward)

    def at(point: tuple[float, float]) -> tuple[float, float]:
        x, y = point
        return round(EDGE + (x - west) * shrink * scale, 1), round(height - EDGE - (y - south) * scale, 1)

    parts = (0.25, 0.5, 0.75)
    grid = [(round(height - EDGE - part * upward * scale, 1), f"{south + part * upward:.4f}°") for part in parts]
    ways = [" ".join(f"{x},{y}" for x, y in map(at, street)) for street in streets]
    return Dots(height, [at(point) for point in points], grid, ways)


def trend(points: Sequence[tuple[int, float]]) -> str:
    """A line over years as the points of an SVG polyline; empty with fewer than two."""
    if len(points) < 2:
        return ""
    years, values = [year for year, _ in points], [value for _, value in points]
    wide, high = max(years) - min(years), (max(values) - min(values)) or 1.0
    placed = (
        (
            EDGE + (year - min(years)) / wide * (WIDTH - 2 * EDGE),
            HEIGHT - EDGE - (value - min(values)) / high * (HEIGHT - 2 * EDGE),
        )
        for year, value in points
    )
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
