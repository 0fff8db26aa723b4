"""Where the sun stands, by the equations of NOAA's solar calculator (J. Meeus, Astronomical Algorithms, 2nd ed., chapters 25 and 28; the
refraction of NOAA's spreadsheet): good to a few hundredths of a degree between 1900 and 2100. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RISE_DEGREES = -0.833
"""Elevation of the sun's middle, without refraction, when its upper edge rises or sets (NOAA)."""
_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_DAY_S = 86_400.0


class Positions(NamedTuple):
    """Degrees: `azimuth` clockwise from north, `elevation` as it is seen (with refraction), `geometric` without."""

    azimuth: Array
    elevation: Array
    geometric: Array


def positions(moments: list[datetime], longitude: float, latitude: float) -> Positions:
    """At moments with a time zone, from a place in degrees."""
    days = np.array([(moment - _J2000).total_seconds() / _DAY_S for moment in moments])
    declination, equation_min = _declination_and_equation(days / 36_525)
    minutes = np.array([_minutes_utc(moment) for moment in moments])
    hour_angle = np.radians((minutes + equation_min + 4 * longitude) / 4 - 180)
    phi = np.radians(latitude)
    up = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour_angle)
    east = -np.cos(declination) * np.sin(hour_angle)
    north = np.cos(phi) * np.sin(declination) - np.sin(phi) * np.cos(declination) * np.cos(hour_angle)
    geometric = np.degrees(np.arcsin(np.clip(up, -1, 1)))
    return Positions(np.degrees(np.arctan2(east, north)) % 360, geometric + _refraction(geometric), geometric)


def _minutes_utc(moment: datetime) -> float:
    told = moment.astimezone(UTC)
    return told.hour * 60 + told.minute + told.second / 60


def _declination_and_equation(century: Array) -> tuple[Array, Array]:
    """Of the sun in radians, and the equation of time in minutes."""
    longitude = np.radians((280.46646 + century * (36000.76983 + century * 0.0003032)) % 360)
    anomaly = np.radians(357.52911 + century * (35999.05029 - 0.0001537 * century))
    eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    centre = (
        np.sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
        + np.sin(2 * anomaly) * (0.019993 - 0.000101 * century)
        + np.sin(3 * anomaly) * 0.000289
    )
    node = np.radians(125.04 - 1934.136 * century)
    apparent = longitude + np.radians(centre - 0.00569 - 0.00478 * np.sin(node))
    mean = 23 + (26 + (21.448 - century * (46.815 + century * (0.00059 - century * 0.001813))) / 60) / 60
    oblique = np.radians(mean + 0.00256 * np.cos(node))
    y = np.tan(oblique / 2) ** 2
    equation = (
        y * np.sin(2 * longitude)
        - 2 * eccentricity * np.sin(anomaly)
        + 4 * eccentricity * y * np.sin(anomaly) * np.cos(2 * longitude)
        - y**2 / 2 * np.sin(4 * longitude)
        - 1.25 * eccentricity**2 * np.sin(2 * anomaly)
    )
    return np.arcsin(np.sin(oblique) * np.sin(apparent)), 4 * np.degrees(equation)


def _refraction(elevation: Array) -> Array:
    """Degrees by which air lifts the sun, by the four ranges of NOAA's spreadsheet."""
    tangent = np.tan(np.radians(np.clip(elevation, -0.9, 89.9)))
    high = 58.1 / tangent - 0.07 / tangent**3 + 0.000086 / tangent**5
    low = 1735 + elevation * (-518.2 + elevation * (103.4 + elevation * (-12.79 + elevation * 0.711)))
    below = -20.772 / np.where(np.abs(tangent) < 1e-6, -1e-6, tangent)
    seconds = np.select([elevation > 85, elevation > 5, elevation > -0.575], [0.0, high, low], below)
    return np.asarray(seconds) / 3600


def moments_of(day: date, zone: ZoneInfo, step_min: int) -> list[datetime]:
    """From local midnight to the next: 23 to 25 hours where clocks are turned."""
    begin = datetime.combine(day, time(), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    return [begin + timedelta(minutes=at) for at in range(0, int((end - begin).total_seconds() // 60) + 1, step_min)]


def directions(found: Positions) -> Array:
    """(n, 3): toward the sun, in a frame of east, north and up."""
    azimuth, elevation = np.radians(found.azimuth), np.radians(found.elevation)
    across = np.cos(elevation)
    return np.column_stack((across * np.sin(azimuth), across * np.cos(azimuth), np.sin(elevation)))
