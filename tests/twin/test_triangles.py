"""Surfaces to triangles: areas and volumes stay, and what is broken is repaired and told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon

from madang.ingest.citymodel.shape import GROUND, OTHER, ROOF, WALL, LeftOut, Surface
from madang.twin.scene.blocks import block_of, box_mesh
from madang.twin.shape.mesh import Mesh, decode, encode, turned, volume_m3
from madang.twin.shape.triangles import cleaned, footprints, prism, solid, weld

CUBE = np.array([[x, y, z] for z in (0, 4) for y in (0, 10) for x in (0, 10)], float)
SIDES = [
    (GROUND, [0, 2, 3, 1]),
    (ROOF, [4, 5, 7, 6]),
    (WALL, [0, 1, 5, 4]),
    (WALL, [1, 3, 7, 5]),
    (WALL, [3, 2, 6, 7]),
    (WALL, [2, 0, 4, 6]),
]
SURFACES = [Surface(kind, [ring]) for kind, ring in SIDES]


def made(points: np.ndarray, surfaces: list[Surface]) -> tuple[Mesh, dict[str, int]]:
    left_out = LeftOut()
    mesh = solid(points, surfaces, "b", left_out)
    assert mesh is not None
    return mesh, left_out.counts


def area_m2(mesh: Mesh, kind: int) -> float:
    a, b, c = np.moveaxis(mesh.corners()[mesh.kinds == kind], 1, 0)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def test_a_cube_keeps_its_volume_and_points() -> None:
    mesh, told = made(CUBE, SURFACES)
    assert (len(mesh.positions), len(mesh.triangles), round(volume_m3(mesh), 3), told) == (8, 12, 400.0, {})


@pytest.mark.parametrize(
    ("surfaces", "told"),
    [
        ([Surface(k, [r[::-1]]) for k, (r,) in SURFACES], {"repaired: building that was inside out": 1}),
        ([Surface(ROOF, [[6, 7, 5, 4]]), *SURFACES[:1], *SURFACES[2:]], {"repaired: roof or ground that faced the wrong way": 1}),
        ([*SURFACES, Surface(WALL, [[0, 0, 1, 1]]), Surface(WALL, [[]])], {"surface that encloses nothing": 2}),
    ],
)  # fmt: skip
def test_what_is_repaired_is_told(surfaces: list[Surface], told: dict[str, int]) -> None:
    mesh, found = made(CUBE, surfaces)
    assert (round(volume_m3(mesh), 3), found) == (400.0, told)


def test_points_that_are_one_are_welded_and_rings_cleaned() -> None:
    points, index = weld(np.array([[0, 0, 0], [1, 0, 0], [1.0003, 0, 0], [1, 1, 0], [0, 0.0004, 0]]))
    assert (len(points), index, cleaned([index[at] for at in range(5)])) == (3, [0, 1, 1, 2, 0], [0, 1, 2])


def test_a_surface_that_crosses_itself_keeps_what_it_encloses() -> None:
    bow = np.array([[0, 0, 3], [10, 10, 8], [10, 0, 8], [0, 10, 3]], float)
    mesh, told = made(bow, [Surface(WALL, [[0, 1, 2, 3]])])
    assert told == {"repaired: surface that crossed itself": 1}
    assert area_m2(mesh, WALL) == pytest.approx(50 * np.hypot(1, 0.5), rel=1e-6)  # two triangles on a slope of one half


def test_a_hole_stays_a_hole() -> None:
    outer = [[0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]]
    inner = [[2, 2, 0], [2, 4, 0], [4, 4, 0], [4, 2, 0]]
    mesh, _ = made(np.array(outer + inner, float), [Surface(WALL, [[0, 1, 2, 3], [4, 5, 6, 7]])])
    assert area_m2(mesh, WALL) == pytest.approx(96)


RADII = st.lists(st.floats(1, 50), min_size=3, max_size=24)


def star(radii: list[float]) -> np.ndarray:
    angles = np.arange(len(radii)) / len(radii) * 2 * np.pi
    return np.column_stack((np.cos(angles) * radii, np.sin(angles) * radii, np.zeros(len(radii))))


def standing(radii: list[float], height_m: float) -> Mesh | None:
    return prism([Polygon(star(radii)[:, :2])], height_m)


@given(RADII, st.floats(1, 300), st.booleans())
def test_a_prism_has_the_area_and_the_walls_of_its_footprint(
    radii: list[float], height_m: float, clockwise: bool
) -> None:
    points = star(radii)
    ring = list(range(len(radii)))[:: -1 if clockwise else 1]
    mesh = prism(footprints(points, [Surface(GROUND, [ring])], "b", LeftOut()), height_m)
    assert mesh is not None
    footprint = Polygon(points[:, :2])
    assert area_m2(mesh, ROOF) == pytest.approx(footprint.area, rel=1e-4)
    assert area_m2(mesh, WALL) == pytest.approx(footprint.length * height_m, rel=1e-4)
    a, b, c = np.moveaxis(mesh.corners()[mesh.kinds == ROOF], 1, 0)
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()


@given(RADII, st.floats(1, 300))
def test_a_box_holds_its_building(radii: list[float], height_m: float) -> None:
    mesh = standing(radii, height_m)
    assert mesh is not None
    box = box_mesh(block_of(mesh), mesh.height_m)
    around = Polygon(box.positions[:4, :2]).buffer(0.01)
    assert around.covers(Polygon(mesh.positions[: len(radii), :2]))
    assert volume_m3(box) > 0


@given(RADII)
def test_the_same_mesh_comes_back_from_its_bytes(radii: list[float]) -> None:
    mesh = standing(radii, 9.0)
    assert mesh is not None
    back = decode(encode(mesh))
    assert encode(back) == encode(mesh)
    assert (back.triangles == mesh.triangles).all() and (back.kinds == mesh.kinds).all()


def test_turning_twice_is_nothing() -> None:
    mesh, _ = made(CUBE, SURFACES)
    every = np.ones(len(mesh.triangles), bool)
    assert encode(turned(turned(mesh, every), every)) == encode(mesh)


def test_surfaces_of_which_nothing_is_told_are_what_they_look_like() -> None:
    mesh, _ = made(CUBE, [Surface(OTHER, rings) for _, rings in SURFACES])
    assert [int((mesh.kinds == kind).sum()) for kind in (GROUND, ROOF, WALL, OTHER)] == [2, 2, 8, 0]
