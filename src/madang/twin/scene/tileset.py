"""3D Tiles 1.1 (OGC 22-025r4): the tiles that there are -> `tileset.json`. The root tells two levels, each tile of the second points to a
tileset of its own, so that a viewer of a large city loads what it comes near. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from madang.twin.scene.cells import ERROR_M, LEVELS, ROOT_ERROR_M, ancestor, middle
from madang.twin.shape.frame import frame_at

SPLIT = LEVELS[1]
"""Tiles of this level have their finer ones in tilesets of their own."""
Json = dict[str, Any]


class Tile(NamedTuple):
    """`region`: west, south, east, north in degrees, low, high in metres."""

    level: int
    cell: int
    region: tuple[float, ...]


def whole(tiles: Sequence[Tile]) -> Json:
    """The city's tileset out of its tiles of the levels down to SPLIT; of a city without any, one that is empty."""
    tops = [tile for tile in tiles if tile.level == LEVELS[0]]
    region = _around([tile.region for tile in tops]) if tops else (0.0,) * 6
    root = {
        "boundingVolume": _volume(region),
        "geometricError": ROOT_ERROR_M,
        "refine": "REPLACE",
        "children": [_tile(tile, tiles, None, "tiles/") for tile in tops],
    }
    return _tileset(ROOT_ERROR_M, root)


def part(top: Tile, tiles: Sequence[Tile]) -> Json:
    """The tileset below a tile of the level SPLIT."""
    below = [tile for tile in tiles if tile.level == LEVELS[2]]
    root = {
        "boundingVolume": _volume(top.region),
        "geometricError": ERROR_M[SPLIT],
        "refine": "REPLACE",
        "children": [_tile(tile, tiles, top, "../") for tile in below],
    }
    return _tileset(ERROR_M[SPLIT], root)


def _tileset(error_m: float, root: Json) -> Json:
    return {"asset": {"version": "1.1"}, "geometricError": error_m, "root": root}


def _tile(tile: Tile, tiles: Sequence[Tile], parent: Tile | None, to: str) -> Json:
    """A tile with its children; `to`: where its files lie from the document's own address."""
    told: Json = {
        "boundingVolume": _volume(tile.region),
        "geometricError": ERROR_M[tile.level],
        "refine": "REPLACE",
        "transform": _transform(tile, parent),
        "content": {"uri": f"{to}{tile.level}/{tile.cell}.glb"},
    }
    if tile.level == SPLIT:
        further = {"boundingVolume": _volume(tile.region), "geometricError": ERROR_M[SPLIT] / 2}
        return told | {"children": [further | {"content": {"uri": f"{to}{tile.level}/{tile.cell}.json"}}]}
    children = [
        one
        for one in tiles
        if _next(tile.level) == one.level and ancestor(one.cell, one.level, tile.level) == tile.cell
    ]
    return told | {"children": [_tile(one, tiles, tile, to) for one in children]} if children else told


def _next(level: int) -> int | None:
    return next((one for one in LEVELS if one > level), None)


def frame_of(level: int, cell: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(4, 4): the frame in which the content of a tile is told, on the ellipsoid in the middle of its cell."""
    return frame_at(*middle(cell, level), 0.0)


def _transform(tile: Tile, parent: Tile | None) -> list[float]:
    """Column by column, from the tile's frame to its parent's, of a top one to the geocentric one."""
    own = frame_of(tile.level, tile.cell)
    matrix = own if parent is None else np.linalg.inv(frame_of(parent.level, parent.cell)) @ own
    return [float(value) for value in matrix.T.ravel()]


def _around(regions: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    told = np.array(regions)
    low, high = told.min(axis=0), told.max(axis=0)
    return (low[0], low[1], high[2], high[3], low[4], high[5])


def _volume(region: tuple[float, ...]) -> Json:
    return {"region": [*np.radians(region[:4]).tolist(), float(region[4]), float(region[5])]}
