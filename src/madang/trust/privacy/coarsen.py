"""Places and times told less exactly: the middle of a square of a metric grid, the beginning of a step of the local day. Pure."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from pyproj import CRS, Transformer

from madang.base.errors import BadRequest

DAY_S = 86_400
EQUAL_AREA = 6_933  # EPSG: the cylindrical equal-area grid of the world; squares of its own, oblong on the ground away from 30 degrees


def utm_of(lon: float, lat: float) -> int:
    """The EPSG code of the UTM zone of WGS 84 around a place, such as a city's middle."""
    zone = min(60, int((lon + 180) // 6) + 1)
    return (32_600 if lat >= 0 else 32_700) + zone


def coarsen_place(lon: float, lat: float, cell_m: float, epsg: int) -> tuple[float, float]:
    """The middle of its square, in degrees: the same for all places in it, however often it is asked, so asking again tells no more.
    `epsg` is a coordinate reference system in metres, one for the whole city. Raises BadRequest."""
    if not 1 <= cell_m <= 100_000:
        raise BadRequest("cell_m: 1 to 100000 metres")
    out, back = _transformers(epsg)
    x, y = out.transform(lon, lat)
    if not (math.isfinite(x) and math.isfinite(y)):
        raise BadRequest("the place is outside of the grid")
    middle = back.transform(*((math.floor(one / cell_m) + 0.5) * cell_m for one in (x, y)))
    return round(middle[0], 7), round(middle[1], 7)


def coarsen_time(at: datetime, step_s: int, zone: ZoneInfo) -> datetime:
    """The beginning of its step; steps begin at local midnight and divide the day. Raises BadRequest."""
    if step_s < 1 or DAY_S % step_s:
        raise BadRequest("step_s: seconds that divide a day")
    local = at.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    since_s = local.hour * 3600 + local.minute * 60 + local.second
    return midnight + timedelta(seconds=since_s - since_s % step_s)  # of the wall clock: a day has 24 hours on it


@lru_cache(maxsize=16)
def _transformers(epsg: int) -> tuple[Transformer, Transformer]:
    crs = CRS.from_epsg(epsg)
    if crs.axis_info[0].unit_name != "metre":
        raise BadRequest(f"EPSG:{epsg} is not in metres")
    return (
        Transformer.from_crs(4326, crs, always_xy=True),
        Transformer.from_crs(crs, 4326, always_xy=True),
    )
