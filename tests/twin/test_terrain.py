"""Footprints on a terrain model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from madang.base.errors import BadRequest
from madang.ingest.citymodel.shape import GROUND, LeftOut, Shape, Surface
from madang.twin.shape.building import buildings_of
from madang.twin.shape.frame import Projection
from madang.twin.shape.terrain import grounded, open_terrain

pytestmark = pytest.mark.usefixtures("own_projections")
EAST, NORTH = 200_000, 550_000


@pytest.fixture
def slope(tmp_path: Path) -> Path:
    """100 m by 100 m, a metre higher every metre to the east, in EPSG:5186; nothing is known of its last ten metres."""
    heights = np.tile(np.arange(100, dtype=np.float32), (100, 1))
    heights[:, 90:] = -9_999
    told = {
        "driver": "GTiff",
        "height": 100,
        "width": 100,
        "count": 1,
        "dtype": "float32",
        "nodata": -9_999,
        "compress": "lzw",
    }
    with rasterio.open(
        tmp_path / "slope.tif", "w", crs="EPSG:5186", transform=from_origin(EAST, NORTH + 100, 1, 1), **told
    ) as out:
        out.write(heights, 1)
    return tmp_path / "slope.tif"


def lot(east: float, up: float = 0.0) -> Shape:
    points = np.array([[0, 0, up], [8, 0, up], [8, 8, up], [0, 8, up]]) + np.array([EAST + east + 0.5, NORTH + 50.5, 0])
    return Shape(f"at{east}", points, [Surface(GROUND, [[0, 1, 2, 3]])], {}, "1", 6.0, "height")


def test_a_footprint_stands_on_the_lowest_ground_under_it(slope: Path) -> None:
    left_out, projection = LeftOut(), Projection("EPSG:5186")
    shapes = iter([lot(20), lot(40, 7.0), lot(86), lot(500)])
    with open_terrain(slope) as terrain:
        made = list(buildings_of(list(grounded(shapes, terrain, projection, left_out)), projection, "yard", left_out))
    assert [round(one.base_m, 3) for one in made] == [20.0, 7.0, 86.0, 0.0]
    assert left_out.told() == {"footprint outside of the terrain, kept at 0 m": {"count": 1, "examples": ["at500"]}}


def test_what_is_no_terrain_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tif").write_bytes(b"II*\0 no")
    with pytest.raises(BadRequest, match=r"x\.tif"), open_terrain(tmp_path / "x.tif"):
        pass
