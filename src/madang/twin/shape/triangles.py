"""Surfaces -> triangles, repaired on the way: points that are one, rings that enclose nothing or cross themselves, sides that face
inward. Pure. A footprint becomes the prism above it.
"""

from __future__ import annotations

import mapbox_earcut
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon

from madang.ingest.citymodel.shape import GROUND, OTHER, ROOF, WALL, LeftOut, Surface
from madang.ingest.osm.geometry import polygons_in
from madang.twin.shape.mesh import Mesh, turned, volume_m3

Array = NDArray[np.float64]
WELD_M = 0.001
_FLAT_M2 = 1e-6
_DEVIATION = 0.01
_UPWARD = 0.35
_PLANES = ((1, 2), (2, 0), (0, 1))
"""Which two axes are kept when the largest one of a normal is dropped, so that orientation stays."""


def solid(points: Array, surfaces: list[Surface], name: str, left_out: LeftOut) -> Mesh | None:
    """The mesh of a building whose surfaces are told; `points` in metres. None when nothing of it encloses an area."""
    welded, index = weld(points)
    triangles: list[NDArray[np.int32]] = []
    kinds: list[int] = []
    for kind, rings in surfaces:
        found = _surface(welded, [cleaned([index[at] for at in ring]) for ring in rings], name, left_out)
        if found is None:
            left_out.add("surface that encloses nothing", name)
            continue
        welded, some = found
        triangles.append(some)
        kinds += [kind] * len(some)
    if not triangles:
        return None
    mesh = Mesh(welded.astype(np.float32), np.concatenate(triangles), np.array(kinds, np.uint8))
    return outward(mesh, name, left_out)


def weld(points: Array) -> tuple[Array, list[int]]:
    """Points closer than a millimetre are one; for each the number of its own."""
    seen: dict[tuple[int, ...], int] = {}
    index = [seen.setdefault(tuple(one), len(seen)) for one in np.rint(points / WELD_M).astype(np.int64).tolist()]
    return points[np.unique(index, return_index=True)[1]], index


def cleaned(ring: list[int]) -> list[int]:
    """Without points that repeat the one before them, the first after the last included."""
    kept = [at for position, at in enumerate(ring) if position == 0 or at != ring[position - 1]]
    while len(kept) > 1 and kept[0] == kept[-1]:
        kept.pop()
    return kept


def _surface(
    points: Array, rings: list[list[int]], name: str, left_out: LeftOut
) -> tuple[Array, NDArray[np.int32]] | None:
    """Its triangles, and the points with those that a repair needed. None when it encloses nothing."""
    outer, holes = rings[0] if rings else [], [ring for ring in rings[1:] if len(ring) > 2]
    normal = newell(points[outer]) if len(outer) > 2 else np.zeros(3)
    if np.linalg.norm(normal) / 2 < _FLAT_M2:
        return _balanced(points, outer, holes, name, left_out)
    if len(outer) == 3 and not holes:
        return points, np.array([outer], np.int32)
    flat = points[:, _PLANES[int(np.argmax(np.abs(normal)))]]
    order = [at for ring in (outer, *holes) for at in ring]
    found = _earcut(flat[order], np.cumsum([len(outer), *map(len, holes)]))
    wanted = _area(flat[outer]) - sum(_area(flat[ring]) for ring in holes)
    if abs(_sum(flat[order], found) - wanted) > _DEVIATION * abs(wanted):
        left_out.add("repaired: surface that crossed itself", name)
        return _uncrossed(points, outer, holes, normal)
    return points, _as_told(np.array(order, np.int32)[found], points, normal)


def _balanced(
    points: Array, outer: list[int], holes: list[list[int]], name: str, left_out: LeftOut
) -> tuple[Array, NDArray[np.int32]] | None:
    """Of a ring whose turns to both sides weigh the same: a figure of eight, or one that encloses nothing."""
    if len(outer) < 4:
        return None
    _, reach, axes = np.linalg.svd(points[outer] - points[outer].mean(axis=0), full_matrices=False)
    if reach[1] < WELD_M:
        return None
    left_out.add("repaired: surface that crossed itself", name)
    return _uncrossed(points, outer, holes, axes[2])


def newell(ring: Array) -> Array:
    """Twice the area along the normal of a ring, also of one that is not quite flat (Newell's method)."""
    normal: Array = np.cross(ring, np.roll(ring, -1, axis=0)).sum(axis=0)
    return normal


def _area(flat: Array) -> float:
    x, y = flat.T
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def _sum(flat: Array, triangles: NDArray[np.int32]) -> float:
    a, b, c = (flat[triangles[:, corner]] for corner in range(3))
    return (
        float(np.abs((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])).sum()) / 2
    )


def _earcut(flat: Array, ends: Array) -> NDArray[np.int32]:
    found = mapbox_earcut.triangulate_float64(np.ascontiguousarray(flat), ends.astype(np.uint32))
    return found.astype(np.int32).reshape(-1, 3)


def _as_told(triangles: NDArray[np.int32], points: Array, normal: Array) -> NDArray[np.int32]:
    """Facing where the ring does."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    facing = np.cross(b - a, c - a) @ normal
    triangles[facing < 0] = triangles[facing < 0][:, ::-1]
    return triangles


def _uncrossed(
    points: Array, outer: list[int], holes: list[list[int]], normal: Array
) -> tuple[Array, NDArray[np.int32]] | None:
    """The areas that a crossing ring encloses, in the plane of its points; None when there are none."""
    dropped = int(np.argmax(np.abs(normal)))
    kept, origin = _PLANES[dropped], points[outer].mean(axis=0)
    shape = shapely.make_valid(Polygon(points[outer][:, kept], [points[ring][:, kept] for ring in holes]))
    found: list[NDArray[np.int32]] = []
    for polygon in polygons_in(shape):
        flat, ends = _rings(polygon)
        lifted = np.empty((len(flat), 3))
        lifted[:, kept] = flat
        slope = (flat - origin[list(kept)]) @ normal[list(kept)]
        lifted[:, dropped] = origin[dropped] - slope / normal[dropped]
        triangles = _earcut(flat, ends) + len(points)
        points = np.concatenate((points, lifted))
        found.append(_as_told(triangles, points, normal))
    return (points, np.concatenate(found)) if found else None


def _rings(polygon: Polygon) -> tuple[Array, Array]:
    """All its points without the repeated ones, and where each ring ends."""
    rings = [np.asarray(ring.coords)[:-1, :2] for ring in (polygon.exterior, *polygon.interiors)]
    return np.concatenate(rings), np.cumsum([len(ring) for ring in rings])


def outward(mesh: Mesh, name: str, left_out: LeftOut) -> Mesh:
    """The whole turned when it is inside out, then roofs that look down and grounds that look up."""
    if volume_m3(mesh) < 0:
        left_out.add("repaired: building that was inside out", name)
        mesh = turned(mesh, np.ones(len(mesh.triangles), bool))
    a, b, c = np.moveaxis(mesh.corners(), 1, 0)
    up = np.cross(b - a, c - a)[:, 2]
    wrong = ((mesh.kinds == ROOF) & (up < -WELD_M)) | ((mesh.kinds == GROUND) & (up > WELD_M))
    if wrong.any():
        left_out.add("repaired: roof or ground that faced the wrong way", name)
        mesh = turned(mesh, wrong)
    return named(mesh)


def named(mesh: Mesh) -> Mesh:
    """Surfaces of which the file says nothing are what they look like: what faces the sky is roof, the earth ground, else wall."""
    a, b, c = np.moveaxis(mesh.corners(), 1, 0)
    normal = np.cross(b - a, c - a)
    up = normal[:, 2] / np.maximum(np.linalg.norm(normal, axis=1), 1e-12)
    looks = np.select([up > _UPWARD, up < -_UPWARD], [ROOF, GROUND], WALL)
    return Mesh(mesh.positions, mesh.triangles, np.where(mesh.kinds == OTHER, looks, mesh.kinds).astype(np.uint8))


def prism(polygons: list[Polygon], height_m: float) -> Mesh | None:
    """Roof and walls above footprints in metres. None without any."""
    meshes = [_prism(polygon, height_m) for polygon in polygons]
    if len(meshes) < 2:
        return meshes[0] if meshes else None
    starts = np.cumsum([0, *(len(mesh.positions) for mesh in meshes)])
    triangles = [mesh.triangles + start for mesh, start in zip(meshes, starts, strict=False)]
    return Mesh(
        np.concatenate([mesh.positions for mesh in meshes]),
        np.concatenate(triangles).astype(np.int32),
        np.concatenate([mesh.kinds for mesh in meshes]),
    )


def footprints(points: Array, surfaces: list[Surface], name: str, left_out: LeftOut) -> list[Polygon]:
    """Their valid polygons as seen from above, exterior counterclockwise."""
    found = [_footprint(points, surface, name, left_out) for surface in surfaces]
    return [shapely.orient_polygons(one) for some in found for one in some if one.area > _FLAT_M2]


def _footprint(points: Array, surface: Surface, name: str, left_out: LeftOut) -> list[Polygon]:
    rings = [points[ring][:, :2] for ring in surface.rings if len(ring) > 2]
    polygon = Polygon(rings[0], rings[1:]) if rings else Polygon()
    if polygon.is_valid:
        return polygons_in(polygon)
    left_out.add("repaired: footprint that crossed itself", name)
    return polygons_in(shapely.make_valid(polygon))


def _prism(polygon: Polygon, height_m: float) -> Mesh:
    flat, ends = _rings(polygon)
    n = len(flat)
    roof = _earcut(flat, ends) + n
    a, b, c = (flat[roof[:, corner] - n] for corner in range(3))
    down = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) < (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    roof[down] = roof[down][:, ::-1]
    at = np.arange(n)
    after = at + 1
    after[ends - 1] = np.concatenate(([0], ends[:-1]))
    walls = np.concatenate((np.column_stack((at, after, after + n)), np.column_stack((at, after + n, at + n))))
    positions = np.zeros((2 * n, 3), np.float32)
    positions[:n, :2] = positions[n:, :2] = flat
    positions[n:, 2] = height_m
    kinds = np.repeat(np.array([ROOF, WALL], np.uint8), (len(roof), len(walls)))
    return Mesh(positions, np.concatenate((roof, walls)).astype(np.int32), kinds)
