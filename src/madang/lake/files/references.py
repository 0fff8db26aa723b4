"""In which reference system the numbers of a Korean file are, and what speaks for it. Pure but for pyproj.

Old files of Korean offices hold eastings and northings without saying of what. EPSG:5181 and 5186 differ by 100 km of northing, 5179 by
its origin, so where the points would fall tells them apart. EPSG:5174 (the old datum, Bessel) and 5181 have one origin and differ by
some 300 m only: no file tells that by its numbers alone, and a person says which it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from madang.base.errors import BadRequest
from madang.lake.files.report import Box

Floats = NDArray[np.float64]
WGS84 = "EPSG:4326"
METRIC = ("EPSG:5179", "EPSG:5186", "EPSG:5181", "EPSG:5174")
KOREA: Box = (124.0, 33.0, 132.0, 39.0)
TWINS = {"EPSG:5181": "EPSG:5174", "EPSG:5174": "EPSG:5181"}
ENOUGH = 0.9
_NEAR = 0.5
"""Degrees around the city's box in which its data may lie."""


@dataclass(frozen=True)
class Guess:
    """`share` of the points that lie near the city, or in Korea where no box is known. `is_swapped`: the columns, too."""

    crs: str
    share: float
    is_swapped: bool = False


def transformed(x: Floats, y: Floats, crs: str) -> tuple[Floats, Floats]:
    """Longitudes and latitudes (WGS 84). Raises BadRequest for a system nobody knows."""
    return (x, y) if crs in (WGS84, "OGC:CRS84") else _to_wgs84(crs).transform(x, y)


def transformer(crs: str) -> Transformer | None:
    """None where nothing is to be done. Raises BadRequest."""
    return (
        None if crs in (WGS84, "OGC:CRS84") or CRS(crs).equals(CRS(WGS84), ignore_axis_order=True) else _to_wgs84(crs)
    )


@cache
def _to_wgs84(crs: str) -> Transformer:
    try:
        return Transformer.from_crs(crs, WGS84, always_xy=True)
    except CRSError:
        raise BadRequest(f"{crs[:80]}: no reference system", reason="crs") from None


def area_of(bbox: Box | None) -> Box:
    """Where data of the city may lie."""
    if bbox is None:
        return KOREA
    west, south, east, north = bbox
    return west - _NEAR, south - _NEAR, east + _NEAR, north + _NEAR


def share_in(x: Floats, y: Floats, box: Box) -> float:
    """Of points, those in the box; 0 of none."""
    west, south, east, north = box
    inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    return float(inside.mean()) if len(x) else 0.0


def guesses(x: Floats, y: Floats, bbox: Box | None) -> list[Guess]:
    """What the numbers can be, the likeliest first; as they stand before swapped. Numbers of degrees are degrees."""
    area = area_of(bbox)
    are_degrees = len(x) > 0 and float(np.abs(np.concatenate([x, y])).max()) <= 360.0
    systems = (WGS84,) if are_degrees else METRIC
    found = [Guess(crs, share_in(*transformed(x, y, crs), area)) for crs in systems]
    found += [Guess(crs, share_in(*transformed(y, x, crs), area), is_swapped=True) for crs in systems]
    return sorted(found, key=lambda one: (-round(one.share, 2), one.is_swapped, systems.index(one.crs)))
