"""Shapes -> tiles. Only the tiles that hold a changed building are made anew, with those above them."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import asyncpg
import numpy as np

from madang.base.limits import TWIN_TILE_MAX_BLOCKS
from madang.twin.scene.blocks import box_mesh
from madang.twin.scene.cells import LEAF, LEVELS, ancestor, range_below
from madang.twin.scene.glb import Placed, glb
from madang.twin.scene.tileset import frame_of
from madang.twin.shape.frame import frame_at
from madang.twin.shape.mesh import Mesh, decode

_COLUMNS = "id, longitude, latitude, base_m, height_m, block"
_LEAF = f"SELECT {_COLUMNS}, mesh FROM twin_shape WHERE cell = $1 ORDER BY id"  # noqa: S608 - constants
_ABOVE = f"SELECT {_COLUMNS} FROM twin_shape WHERE cell BETWEEN $1 AND $2 ORDER BY bulk_m3 DESC, id LIMIT $3"  # noqa: S608 - constants
_KEEP = """
INSERT INTO twin_tile (level, cell, buildings, region, tag, glb) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (level, cell) DO UPDATE SET buildings = excluded.buildings, region = excluded.region, tag = excluded.tag, glb = excluded.glb
WHERE twin_tile.tag <> excluded.tag
"""
_DEGREE_M = 111_320.0
Told = Callable[[float], None]


def quiet(share: float) -> None:
    """Progress that nobody hears."""


async def make_tiles(pool: asyncpg.Pool, told: Told = quiet) -> int:
    """Makes what the touched leaf cells are shown by; gives how many tiles changed. `told`: the share that is done, 0 to 1. What a
    death leaves undone is still touched."""
    leaves = [row["cell"] for row in await pool.fetch("SELECT cell FROM twin_touched ORDER BY cell")]
    todo = [(level, cell) for level in LEVELS for cell in sorted({ancestor(one, LEAF, level) for one in leaves})]
    changed = 0
    for number, (level, cell) in enumerate(todo, 1):
        changed += await _make(pool, level, cell)
        told(number / len(todo))
    await pool.execute("DELETE FROM twin_touched WHERE cell = ANY($1)", leaves)
    return changed


async def _make(pool: asyncpg.Pool, level: int, cell: int) -> bool:
    if level == LEAF:
        rows = await pool.fetch(_LEAF, cell)
        meshes = [decode(row["mesh"]) for row in rows]
    else:
        rows = await pool.fetch(_ABOVE, *range_below(cell, level), TWIN_TILE_MAX_BLOCKS)
        meshes = [box_mesh(row["block"], row["height_m"]) for row in rows]
    if not rows:
        return (
            str(await pool.execute("DELETE FROM twin_tile WHERE level = $1 AND cell = $2", level, cell)) != "DELETE 0"
        )
    made = gzip.compress(glb(placed(level, cell, rows, meshes)), 6, mtime=0)
    tag = blake2b(made, digest_size=12).hexdigest()
    return str(await pool.execute(_KEEP, level, cell, len(rows), region_of(rows), tag, made)) != "INSERT 0 0"


def placed(level: int, cell: int, rows: Sequence[Any], meshes: Sequence[Mesh]) -> list[Placed]:
    """The buildings in the frame of their tile."""
    to_tile = np.linalg.inv(frame_of(level, cell))
    out = []
    for row, mesh in zip(rows, meshes, strict=True):
        own = to_tile @ frame_at(row["longitude"], row["latitude"], row["base_m"])
        out.append(Placed(row["id"], mesh.positions @ own[:3, :3].T + own[:3, 3], mesh, row["base_m"]))
    return out


def region_of(rows: Sequence[Any]) -> list[float]:
    """West, south, east, north in degrees, low, high in metres: around the boxes of these buildings."""
    block = np.array([row["block"] for row in rows], float)
    place = np.array([[row["longitude"], row["latitude"]] for row in rows])
    per_m = np.column_stack((1 / (_DEGREE_M * np.cos(np.radians(place[:, 1]))), np.full(len(rows), 1 / _DEGREE_M)))
    centre, reach = place + block[:, :2] * per_m, np.hypot(block[:, 3], block[:, 4])[:, None] / 2 * 1.01 * per_m
    low, high = (centre - reach).min(axis=0), (centre + reach).max(axis=0)
    base, top = min(row["base_m"] for row in rows), max(row["base_m"] + row["height_m"] for row in rows)
    return [*low.tolist(), *high.tolist(), base, top]
