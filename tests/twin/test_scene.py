"""Cells, glTF and tilesets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon
from tests.twin.gltf import faults, ids, positions, unpacked

from madang.twin.scene.cells import LEAF, LEVELS, ancestor, cell_at, middle, range_below
from madang.twin.scene.glb import Placed, glb
from madang.twin.scene.tileset import Tile, frame_of, part, whole
from madang.twin.shape.mesh import Mesh
from madang.twin.shape.triangles import prism

SCHEMA: dict[str, Any] = msgspec.json.decode((Path(__file__).parent / "tileset.schema.json").read_bytes())
PLACES = st.tuples(st.floats(-179.9, 179.9), st.floats(-85, 85))


@given(PLACES)
def test_a_cell_lies_in_those_above_it(place: tuple[float, float]) -> None:
    leaf = cell_at(*place)
    for level in LEVELS:
        cell = cell_at(*place, level)
        assert ancestor(leaf, LEAF, level) == cell
        first, last = range_below(cell, level)
        assert first <= leaf <= last


@given(PLACES)
def test_the_middle_of_a_cell_lies_in_it(place: tuple[float, float]) -> None:
    assert cell_at(*middle(cell_at(*place), LEAF)) == cell_at(*place)


def tower(east: float, height_m: float, corners: int = 4) -> tuple[Mesh, Any]:
    angles = np.arange(corners) / corners * 2 * np.pi
    flat = np.column_stack((np.cos(angles), np.sin(angles))) * 9
    mesh = prism([Polygon(flat)], height_m)
    assert mesh is not None
    return mesh, mesh.positions + np.array([east, 0.0, 4.0])


def placed(*towers: tuple[Mesh, Any]) -> list[Placed]:
    return [Placed(f"urn:ngsi-ld:Building:도시:{n}", at, mesh, 4.0) for n, (mesh, at) in enumerate(towers)]


def test_a_tile_tells_which_building_each_point_belongs_to() -> None:
    buildings = placed(tower(0, 30), tower(200, 12, 7))
    document, data = unpacked(glb(buildings))
    assert ids(document, data) == [one.id for one in buildings]
    told = positions(document, data)
    np.testing.assert_allclose(told, np.concatenate([one.positions for one in buildings]), atol=0.004)
    (mesh,) = document["meshes"]
    assert [one["material"] for one in mesh["primitives"]] == [0, 1]
    triangles = sum(document["accessors"][one["indices"]]["count"] for one in mesh["primitives"]) // 3
    assert triangles == sum(len(one.mesh.triangles) for one in buildings)


@pytest.mark.parametrize("corners", [4, 40_000])
def test_khronos_finds_no_fault(tmp_path: Path, corners: int) -> None:
    """Also of a tile whose points are too many for two bytes."""
    (tmp_path / "tile.glb").write_bytes(glb(placed(tower(0, 30), tower(200, 12, corners))))
    assert faults([tmp_path / "tile.glb"]) == []


def test_the_same_buildings_give_the_same_bytes() -> None:
    assert glb(placed(tower(0, 30))) == glb(placed(tower(0, 30)))


REGION = (4.27, 52.1, 4.28, 52.11, 2.0, 40.0)
LEAVES = [cell_at(4.27, 52.1), cell_at(4.27, 52.1) ^ 1]
TILES = [
    Tile(level, cell, REGION) for level in LEVELS for cell in sorted({ancestor(leaf, LEAF, level) for leaf in LEAVES})
]


def tiles_in(tile: dict[str, Any]) -> list[dict[str, Any]]:
    return [tile, *(below for child in tile.get("children", []) for below in tiles_in(child))]


@pytest.mark.parametrize(
    "document", [whole(TILES), whole([]), part(TILES[1], TILES[2:])], ids=["whole", "empty", "part"]
)
def test_a_tileset_is_one_of_3d_tiles(document: dict[str, Any]) -> None:
    jsonschema.validate(document, SCHEMA)
    for tile in tiles_in(document["root"]):
        errors = [child["geometricError"] for child in tile.get("children", [])]
        assert all(error <= tile["geometricError"] for error in errors)


def test_all_tiles_are_reached_once() -> None:
    root, below = tiles_in(whole(TILES)["root"]), tiles_in(part(TILES[1], TILES[2:])["root"])
    told = [one["content"]["uri"] for one in [*root, *below] if "content" in one]
    expected = [f"{tile.level}/{tile.cell}.glb" for tile in TILES] + [f"{TILES[1].level}/{TILES[1].cell}.json"]
    assert sorted(uri.removeprefix("tiles/").removeprefix("../") for uri in told) == sorted(expected)


def test_transforms_lead_from_each_tile_to_the_earth() -> None:
    document, further = whole(TILES), part(TILES[1], TILES[2:])
    top = document["root"]["children"][0]
    chain = [top, top["children"][0], further["root"]["children"][0], further["root"]["children"][0]["children"][0]]
    matrix = np.eye(4)
    for tile in chain:
        matrix = matrix @ np.array(tile["transform"]).reshape(4, 4).T
    np.testing.assert_allclose(matrix, frame_of(LEAF, TILES[3].cell), atol=1e-6)
