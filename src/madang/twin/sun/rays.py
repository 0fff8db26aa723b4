"""Rays against triangles: what stands in the way (T. Moeller, B. Trumbore, Fast, Minimum Storage Ray/Triangle Intersection, 1997). Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_PARALLEL = 1e-12
_NEAR_M = 0.05
"""A point on a facade is not shaded by that facade."""


def first_hits(origin: Array, directions: Array, triangles: Array) -> tuple[Array, NDArray[np.int64]]:
    """Of each ray from `origin` (3,) along `directions` (r, 3), unit vectors: metres to the nearest of `triangles` (m, 3, 3), infinite
    where none is hit, and which it is (-1)."""
    corner, first, second = triangles[:, 0], triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    to = origin - corner
    beside = np.cross(to, first)
    along = np.einsum("ij,ij->i", second, beside)
    distances, hits = np.full(len(directions), np.inf), np.full(len(directions), -1)
    if not len(triangles):
        return distances, hits
    for number, direction in enumerate(directions):
        metres = _distances(direction, first, second, to, beside, along)
        nearest = int(np.argmin(metres))
        if np.isfinite(metres[nearest]):
            distances[number], hits[number] = metres[nearest], nearest
    return distances, hits


def _distances(direction: Array, first: Array, second: Array, to: Array, beside: Array, along: Array) -> Array:
    across = np.cross(direction, second)
    turn = np.einsum("ij,ij->i", first, across)
    with np.errstate(
        divide="ignore", invalid="ignore", over="ignore"
    ):  # of triangles along the ray, which are then no hit
        inverse = 1 / turn
        u = np.einsum("ij,ij->i", to, across) * inverse
        v = (beside @ direction) * inverse
        metres = along * inverse
        hit = (np.abs(turn) > _PARALLEL) & (u >= 0) & (v >= 0) & (u + v <= 1) & (metres > _NEAR_M)
    return np.where(hit, metres, np.inf)
