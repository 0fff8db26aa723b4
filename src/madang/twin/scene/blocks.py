"""What a building looks like from afar: the smallest upright box around it. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from madang.ingest.citymodel.shape import ROOF, WALL
from madang.twin.shape.mesh import Mesh

_CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
_WALLS = [(at, (at + 1) % 4, (at + 1) % 4 + 4) for at in range(4)] + [(at, (at + 1) % 4 + 4, at + 4) for at in range(4)]
_TRIANGLES = np.array([(4, 5, 6), (4, 6, 7), *_WALLS], np.int32)
_KINDS = np.array([ROOF] * 2 + [WALL] * 8, np.uint8)
Block = tuple[float, float, float, float, float]
"""East and north of the middle, direction of the length from the east in radians, length and width in metres."""


def block_of(mesh: Mesh) -> Block:
    """The rectangle of least area around all its points as seen from above."""
    flat = mesh.positions[:, :2].astype(np.float64)
    box = shapely.minimum_rotated_rectangle(shapely.multipoints(flat))
    corners = np.asarray(shapely.get_coordinates(box))
    if len(corners) < 5:  # all points on one line
        east, north = flat.mean(axis=0)
        return float(east), float(north), 0.0, *map(float, np.ptp(flat, axis=0) + 0.01)  # type: ignore[return-value]
    east, north = corners[:4].mean(axis=0)
    along, across = corners[1] - corners[0], corners[2] - corners[1]
    return (
        float(east),
        float(north),
        math.atan2(along[1], along[0]),
        float(np.hypot(*along)),
        float(np.hypot(*across)),
    )


def box_mesh(block: Sequence[float], height_m: float) -> Mesh:
    east, north, angle, length, width = block
    flat: NDArray[np.float64] = _CORNERS * (length, width)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    positions = np.zeros((8, 3), np.float32)
    positions[:4, :2] = positions[4:, :2] = flat @ turn + (east, north)
    positions[4:, 2] = height_m
    return Mesh(positions, _TRIANGLES, _KINDS)
