"""What a planning board asks of a place: how long the sun shines on it, whether one place is seen from another, what the horizon is.
Pure: the buildings are given."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from madang.base.clock import to_iso
from madang.twin.shape.frame import frame_at, geocentric
from madang.twin.sun.around import Around
from madang.twin.sun.position import directions, moments_of, positions
from madang.twin.sun.rays import first_hits

PATH_STEP_MIN, LIGHT_STEP_MIN, SKYLINE_STEP_DEGREES = 10, 5, 2
Array = NDArray[np.float64]
Json = dict[str, Any]


def sun_path(longitude: float, latitude: float, day: date, zone: ZoneInfo) -> list[Json]:
    """Where the sun stands every ten minutes of a local day."""
    moments = moments_of(day, zone, PATH_STEP_MIN)
    found = positions(moments, longitude, latitude)
    return [
        {"at": to_iso(at), "azimuth": round(float(azimuth), 3), "elevation": round(float(elevation), 3)}
        for at, azimuth, elevation in zip(moments, found.azimuth, found.elevation, strict=True)
    ]


def sunlight(here: Around, height_m: float, place: tuple[float, float], day: date, zone: ZoneInfo) -> Json:
    """Hours of direct sunlight on a point so high above the ground, looked at every five minutes; the spans of it, and for how many
    hours each building takes it away. Clouds are not asked."""
    moments = moments_of(day, zone, LIGHT_STEP_MIN)[:-1]
    found = positions(moments, *place)
    risen = found.elevation > 0
    _, hits = first_hits(np.array([0.0, 0.0, height_m]), directions(found)[risen], here.triangles)
    lit = np.zeros(len(moments), bool)
    lit[risen] = hits < 0
    step_h = LIGHT_STEP_MIN / 60
    shaded = np.bincount(here.of[hits[hits >= 0]], minlength=len(here.ids)) if len(here.ids) else np.zeros(0)
    by = {
        here.ids[number]: round(float(shaded[number]) * step_h, 2) for number in np.argsort(-shaded) if shaded[number]
    }
    return {
        "hours": round(float(lit.sum()) * step_h, 2),
        "possible": round(float(risen.sum()) * step_h, 2),
        "spans": _spans(moments, lit),
        "shadedBy": by,
    }


def _spans(moments: list[datetime], lit: NDArray[np.bool_]) -> list[list[str]]:
    """From when to when, each at the first moment that is so."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], lit, [False])).astype(int)))
    step = moments[1] - moments[0]
    ends = [*moments, moments[-1] + step]
    return [[to_iso(ends[begin]), to_iso(ends[end])] for begin, end in edges.reshape(-1, 2)]


def sight_line(here: Around, height_m: float, there: tuple[float, float, float], place: tuple[float, float]) -> Json:
    """Whether a point (longitude, latitude, metres above the same ground) is seen from one above `place`, and what hides it."""
    target = geocentric(np.array([there]))[0]
    east, north, up, _ = np.linalg.inv(frame_at(*place, 0.0)) @ [*target, 1.0]
    way = np.array([east, north, up - height_m])
    length_m = float(np.linalg.norm(way))
    distances, hits = first_hits(np.array([0.0, 0.0, height_m]), way[None] / max(length_m, 1e-9), here.triangles)
    if hits[0] < 0 or distances[0] >= length_m - 0.05:
        return {"clear": True, "distance": round(length_m, 2)}
    return {
        "clear": False, "distance": round(length_m, 2), "hiddenBy": here.ids[int(here.of[hits[0]])],
        "hiddenAt": round(float(distances[0]), 2),
    }  # fmt: skip


def skyline(here: Around, height_m: float) -> list[Json]:
    """The horizon around a point: in each direction the highest elevation that a building reaches, 0 where the sky begins at the ground.
    What a building shows of itself in one direction is highest where an edge crosses the upright plane through it."""
    corners = here.triangles - (0.0, 0.0, height_m)
    begin, end = corners.reshape(-1, 3), np.roll(corners, -1, axis=1).reshape(-1, 3)
    return [
        {"azimuth": azimuth, "elevation": round(_highest(begin, end, np.radians(azimuth)), 2)}
        for azimuth in range(0, 360, SKYLINE_STEP_DEGREES)
    ]


def _highest(begin: Array, end: Array, azimuth: float) -> float:
    along, across = np.array([np.sin(azimuth), np.cos(azimuth)]), np.array([np.cos(azimuth), -np.sin(azimuth)])
    left, right = begin[:, :2] @ across, end[:, :2] @ across
    crossing = (left <= 0) != (right <= 0)
    share = (left[crossing] / (left[crossing] - right[crossing]))[:, None]
    points = begin[crossing] + share * (end[crossing] - begin[crossing])
    distance = points[:, :2] @ along
    ahead = distance > 0
    angles = np.degrees(np.arctan2(points[ahead, 2], distance[ahead]))
    return max(0.0, float(angles.max(initial=0.0)))
