"""The quadtree of the tiles: cells of the Web Mercator grid, numbered along a Z-order curve so that what lies in a cell is one range.
Pure."""

from __future__ import annotations

import math

LEVELS = (10, 12, 14, 16)
"""Levels that have tiles. The last has the buildings as they are, the others their upright boxes."""
LEAF = LEVELS[-1]
ERROR_M = {10: 400.0, 12: 100.0, 14: 24.0, 16: 0.0}
"""Geometric error of a tile of each level: how far what it shows may be from what is there."""
ROOT_ERROR_M = 2_000.0
MAX_LATITUDE = 85.05112877980659


def cell_at(longitude: float, latitude: float, level: int = LEAF) -> int:
    """The cell a place lies in."""
    size = 1 << level
    sine = math.sin(math.radians(max(-MAX_LATITUDE, min(MAX_LATITUDE, latitude))))
    x = int((longitude + 180) / 360 * size)
    y = int((0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)) * size)
    return _interleaved(min(max(x, 0), size - 1), min(max(y, 0), size - 1), level)


def ancestor(cell: int, level: int, above: int) -> int:
    """The cell of a coarser level around it."""
    return cell >> 2 * (level - above)


def range_below(cell: int, level: int, below: int = LEAF) -> tuple[int, int]:
    """First and last cell of a finer level in it."""
    shift = 2 * (below - level)
    return cell << shift, ((cell + 1) << shift) - 1


def middle(cell: int, level: int) -> tuple[float, float]:
    """Longitude and latitude of its middle in degrees."""
    x, y = _apart(cell, level)
    size = 1 << level
    mercator = math.pi * (1 - 2 * (y + 0.5) / size)
    return (x + 0.5) / size * 360 - 180, math.degrees(math.atan(math.sinh(mercator)))


def _interleaved(x: int, y: int, level: int) -> int:
    return sum(((x >> bit & 1) | (y >> bit & 1) << 1) << 2 * bit for bit in range(level))


def _apart(cell: int, level: int) -> tuple[int, int]:
    return tuple(sum((cell >> 2 * bit + axis & 1) << bit for bit in range(level)) for axis in (0, 1))  # type: ignore[return-value]
