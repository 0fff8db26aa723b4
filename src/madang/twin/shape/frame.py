"""Where points are: from a file's reference system to WGS 84, and from there to a frame of metres that stands on the ground. Pure.

Heights stay as the file's vertical system has them: the grids that tie national heights to the ellipsoid are no part of this house.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from madang.base.errors import BadRequest

Array = NDArray[np.float64]
SEMI_MAJOR_M = 6_378_137.0  # of WGS 84 (NIMA TR8350.2)
FLATTENING = 1 / 298.257223563
ECCENTRICITY_2 = FLATTENING * (2 - FLATTENING)
_MARGIN_DEGREES = 2.0


class Projection:
    """One reference system, as `(east, north, up)` or, where that makes no place within its area of use, with both turned round:
    files of systems whose first axis points north do either. `swapped` tells after the first points which it was."""

    def __init__(self, name: str) -> None:
        """Raises BadRequest."""
        try:
            self.crs = CRS.from_user_input(name)
        except CRSError:
            raise BadRequest(f"the reference system {name[:100]!r} is not known; name it: --crs EPSG:5186") from None
        self._transformer = Transformer.from_crs(self.crs, "EPSG:4979", always_xy=True)
        self.swapped: bool | None = None

    def geographic(self, points: Array) -> Array:
        """(n, 3) of the file -> (n, 3) longitude, latitude in degrees, height in metres. What has no place there is not finite."""
        if self.swapped is None and len(points):
            self.swapped = not self._fits(points[:1]) and self._fits(points[:1, [1, 0, 2]])
        east, north = (1, 0) if self.swapped else (0, 1)
        return np.column_stack(self._transformer.transform(points[:, east], points[:, north], points[:, 2]))

    def _fits(self, points: Array) -> bool:
        longitude, latitude, _ = np.column_stack(self._transformer.transform(*points.T))[0]
        area = self.crs.area_of_use
        west, south, east, north = area.bounds if area is not None else (-180.0, -90.0, 180.0, 90.0)
        return bool(
            west - _MARGIN_DEGREES <= longitude <= east + _MARGIN_DEGREES
            and south - _MARGIN_DEGREES <= latitude <= north + _MARGIN_DEGREES
        )


def geocentric(geographic: Array) -> Array:
    """(n, 3) longitude, latitude, height -> (n, 3) earth-centred, earth-fixed metres (EPSG method 9602)."""
    longitude, latitude, height = np.radians(geographic[:, 0]), np.radians(geographic[:, 1]), geographic[:, 2]
    normal = SEMI_MAJOR_M / np.sqrt(1 - ECCENTRICITY_2 * np.sin(latitude) ** 2)
    across = (normal + height) * np.cos(latitude)
    polar = (normal * (1 - ECCENTRICITY_2) + height) * np.sin(latitude)
    return np.column_stack((across * np.cos(longitude), across * np.sin(longitude), polar))


def axes_at(longitude: float, latitude: float) -> Array:
    """(3, 3): east, north and up there, as rows in the geocentric frame (EPSG method 9837)."""
    sin_lon, cos_lon = np.sin(np.radians(longitude)), np.cos(np.radians(longitude))
    sin_lat, cos_lat = np.sin(np.radians(latitude)), np.cos(np.radians(latitude))
    return np.array([
        [-sin_lon, cos_lon, 0.0],
        [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
        [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
    ])  # fmt: skip


def frame_at(longitude: float, latitude: float, height_m: float) -> Array:
    """(4, 4): takes (east, north, up, 1) in metres around a place to the geocentric frame; columns are its axes and its origin."""
    frame = np.eye(4)
    frame[:3, :3] = axes_at(longitude, latitude).T
    frame[:3, 3] = geocentric(np.array([[longitude, latitude, height_m]]))[0]
    return frame


def degrees_per_metre(latitude: float, height_m: float = 0.0) -> tuple[float, float]:
    """Of longitude eastward and of latitude northward, at a place: exact to a millimetre over the size of a building."""
    sin = np.sin(np.radians(latitude))
    root = np.sqrt(1 - ECCENTRICITY_2 * sin**2)
    across = (SEMI_MAJOR_M / root + height_m) * np.cos(np.radians(latitude))
    along = SEMI_MAJOR_M * (1 - ECCENTRICITY_2) / root**3 + height_m
    return float(np.degrees(1 / across)), float(np.degrees(1 / along))
