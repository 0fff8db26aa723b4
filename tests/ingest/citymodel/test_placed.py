"""glTF models where somebody puts them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from madang.base.errors import BadRequest, MadangError
from madang.ingest.citymodel.placed import CRS, Place, place_of, read_model
from madang.ingest.citymodel.shape import GROUND, ROOF, WALL, LeftOut
from madang.twin.shape.building import buildings_of
from madang.twin.shape.frame import Projection, degrees_per_metre
from madang.twin.shape.mesh import volume_m3

SEOUL = Place(126.978, 37.5665, 0.0, 30.0)
SCALE = degrees_per_metre(SEOUL.latitude, SEOUL.ground_m)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A block 10 m wide, 20 m high and 4 m deep on its origin, and a wing 6 m to its front, moved there by a node of the scene."""
    scene = trimesh.Scene()
    scene.add_geometry(
        trimesh.creation.box((10, 20, 4)), transform=trimesh.transformations.translation_matrix((0, 10, 0))
    )
    scene.add_geometry(trimesh.creation.box((2, 2, 2)), transform=trimesh.transformations.translation_matrix((0, 1, 6)))
    path = tmp_path / "hall.glb"
    path.write_bytes(scene.export(file_type="glb"))
    return path


@pytest.mark.parametrize(("heading", "front"), [(0, (0, -6)), (90, (-6, 0)), (180, (0, 6))])
def test_a_model_stands_where_it_was_put(model: Path, heading: float, front: tuple[float, float]) -> None:
    place = SEOUL._replace(heading=heading)
    shape = read_model(model, "hall", place, SCALE)
    metres = (shape.points - (place.longitude, place.latitude, place.ground_m)) / (*SCALE, 1)
    wing = metres[np.isclose(metres[:, 2], 2)]
    assert (round(metres[:, 2].min(), 6), round(metres[:, 2].max(), 6)) == (0, 20)
    np.testing.assert_allclose(wing[:, :2].mean(axis=0), front, atol=1e-6)


def test_it_becomes_a_building_with_roof_walls_and_ground(model: Path) -> None:
    left_out = LeftOut()
    (made,) = buildings_of([read_model(model, "hall", SEOUL, SCALE)], Projection(CRS), "yard", left_out)
    assert (made.id, round(made.base_m, 6), round(made.mesh.height_m, 3)) == ("urn:ngsi-ld:Building:yard:hall", 30, 20)
    assert (round(volume_m3(made.mesh)), set(made.mesh.kinds.tolist()), left_out.told()) == (
        808,
        {ROOF, WALL, GROUND},
        {},
    )


@pytest.mark.parametrize("data", [b"", b"glTF", b"{}", b"glTF\x02\0\0\0\xff\xff\0\0"])
def test_what_is_no_model_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.glb").write_bytes(data)
    with pytest.raises(MadangError, match=r"x\.glb"):
        read_model(tmp_path / "x.glb", "x", SEOUL, SCALE)


@pytest.mark.parametrize("text", ["", "127", "a,b", "999,0", "127,37,0,0,0", "nan,37"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        place_of(text)
