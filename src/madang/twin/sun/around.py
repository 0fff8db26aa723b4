"""The buildings around a place, as triangles in a frame of east, north and up that stands on the ground there."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg
import numpy as np
from numpy.typing import NDArray

from madang.base.errors import TooLarge
from madang.base.limits import TWIN_RAY_MAX_BUILDINGS
from madang.twin.scene.cells import cell_at
from madang.twin.shape.frame import degrees_per_metre, frame_at
from madang.twin.shape.mesh import decode

CELL_M = 100.0
"""Cells of the finest level are larger than this everywhere below 80 degrees of latitude."""
_SHAPES = """
SELECT id, longitude, latitude, base_m, mesh FROM twin_shape
WHERE cell = ANY($1) AND longitude BETWEEN $2 AND $3 AND latitude BETWEEN $4 AND $5
ORDER BY id LIMIT $6
"""


@dataclass(slots=True)
class Around:
    """`triangles` (m, 3, 3) in metres; `of` (m,): which of `ids` each belongs to."""

    ids: list[str]
    triangles: NDArray[np.float64]
    of: NDArray[np.int64]


async def around(pool: asyncpg.Pool, longitude: float, latitude: float, reach_m: float) -> Around:
    """Whose anchors lie within a square of `reach_m` to each side. The ground is that of the nearest building. Raises TooLarge."""
    scale = degrees_per_metre(latitude)
    box = [at + side * reach_m * scale[axis] for axis, at in enumerate((longitude, latitude)) for side in (-1, 1)]
    rows = await pool.fetch(_SHAPES, _cells(longitude, latitude, reach_m, scale), *box, TWIN_RAY_MAX_BUILDINGS + 1)
    if len(rows) > TWIN_RAY_MAX_BUILDINGS:
        raise TooLarge(f"more than {TWIN_RAY_MAX_BUILDINGS} buildings stand there: ask of a smaller reach")
    if not rows:
        return Around([], np.zeros((0, 3, 3)), np.zeros(0, np.int64))
    nearest = min(rows, key=lambda row: (row["longitude"] - longitude) ** 2 + (row["latitude"] - latitude) ** 2)
    to_here = np.linalg.inv(frame_at(longitude, latitude, nearest["base_m"]))
    corners = []
    for row in rows:
        own = to_here @ frame_at(row["longitude"], row["latitude"], row["base_m"])
        corners.append(decode(row["mesh"]).corners() @ own[:3, :3].T + own[:3, 3])
    of = np.repeat(np.arange(len(rows)), [len(one) for one in corners])
    return Around([row["id"] for row in rows], np.concatenate(corners), of)


def _cells(longitude: float, latitude: float, reach_m: float, scale: tuple[float, float]) -> list[int]:
    steps = np.arange(-reach_m, reach_m + CELL_M, CELL_M)
    return sorted({cell_at(longitude + x * scale[0], latitude + y * scale[1]) for x in steps for y in steps})
