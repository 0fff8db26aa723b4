"""The ground under footprints that do not tell it, out of a terrain model (GeoTIFF)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.errors import RasterioError

from madang.base.errors import BadRequest
from madang.ingest.citymodel.shape import LeftOut, Shape
from madang.twin.shape.frame import Projection

Array = NDArray[np.float64]


class Terrain:
    """Heights of one raster, cell by cell; GDAL holds the blocks it needs, not the file."""

    def __init__(self, raster: rasterio.DatasetReader) -> None:
        self._raster = raster
        self._to_raster = Transformer.from_crs("EPSG:4326", raster.crs, always_xy=True)

    def heights(self, places: Array) -> Array:
        """(n, 2) longitude, latitude -> (n,) metres; not a number where the raster says nothing."""
        x, y = self._to_raster.transform(places[:, 0], places[:, 1])
        read = self._raster.sample(np.column_stack((x, y)), indexes=1, masked=True)
        return np.array([np.nan if np.ma.getmaskarray(one)[0] else float(one[0]) for one in read])


@contextmanager
def open_terrain(path: Path) -> Iterator[Terrain]:
    """Raises BadRequest for what is no raster with a reference system."""
    try:
        raster = rasterio.open(path)
    except RasterioError as error:
        raise BadRequest(f"{path.name}: {error}") from None
    with raster:
        if raster.crs is None:
            raise BadRequest(f"{path.name} names no reference system")
        yield Terrain(raster)


def grounded(shapes: Iterator[Shape], terrain: Terrain, projection: Projection, left_out: LeftOut) -> Iterator[Shape]:
    """Footprints at height 0 are put on the lowest ground under their corners; what tells its own height keeps it."""
    for shape in shapes:
        if shape.height_m is not None and not shape.points[:, 2].any():
            heights = terrain.heights(projection.geographic(shape.points)[:, :2])
            if np.isfinite(heights).any():
                shape.points[:, 2] = np.nanmin(heights)
            else:
                left_out.add("footprint outside of the terrain, kept at 0 m", shape.id)
        yield shape
