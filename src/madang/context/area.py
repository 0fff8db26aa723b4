"""Which entities may touch a box: the grid that the indexes `entity_area` and `entity_area_types` keep (decision 0021).

A place lies in a band, a strip of latitude, by its south-western corner, and along the band by its longitude. What is larger
lies in higher bands, so a box of the grid is a few bands of each tier, widened by how large a place of that tier may be.
"""

from __future__ import annotations

from math import floor

from madang.context.sql import Parameters
from madang.model.geometry import Box

# How large a place of the tier may be, and how high its bands are, in degrees. Other values need every row written anew.
TIERS = ((0.0, 0.0025), (0.005, 0.005), (0.1, 0.1))
_POINT_HEIGHT = TIERS[0][1]
TIER = 1_000_000
LARGEST = TIER * len(TIERS)
_ROUNDING = 1e-9


def band_of(place: Box) -> int:
    """The band in which a place lies."""
    west, south, east, north = place
    if west == east and south == north:
        return floor(south / _POINT_HEIGHT)
    size = max(east - west, north - south)
    for tier, (largest, height) in enumerate(TIERS):
        if size <= largest:
            return tier * TIER + floor(south / height)
    return LARGEST


def bands(area: Box) -> tuple[list[int], list[int], list[float], list[float]]:
    """Lowest and highest bands, least and greatest longitudes of the south-western corners, by tier."""
    west, south, east, north = area
    lows, highs, wests = [LARGEST], [LARGEST], [-1e9]
    for tier, (size, height) in enumerate(TIERS):
        lows.append(tier * TIER + floor((south - size - _ROUNDING) / height))
        highs.append(tier * TIER + floor(north / height))
        wests.append(west - size - _ROUNDING)
    return lows, highs, wests, [east] * len(lows)


ORDER = "type, band, west, id"
"""The order of the index, and of areas of which no other is asked."""
Spot = tuple[str, int, float, str]
"""Type, band, west, id: where an entity stands in that order."""


def parts(area: Box, types: tuple[str, ...], parameters: Parameters) -> list[str]:
    """Conditions, of which each is a part of an index in its order: what may touch the box and may be of one of the types, if
    any are given, meets exactly one of them."""
    names = f"{parameters.add(list(types))}::text[]" if types else None
    kinds = (
        [f"type = ANY({names})", f"cardinality(types) > 1 AND type <> ALL({names})"] if names else ["band IS NOT NULL"]
    )
    return [f"{kind} AND {_inside(values, parameters)}" for values in zip(*bands(area), strict=True) for kind in kinds]


def _inside(values: tuple[int, int, float, float], parameters: Parameters) -> str:
    low, high, west, east = (parameters.add(value) for value in values)
    return f"band BETWEEN {low}::int AND {high}::int AND west BETWEEN {west}::float8 AND {east}::float8"


def beyond(spot: Spot, parameters: Parameters) -> str:
    """What comes after a spot."""
    values = (
        f"{parameters.add(value)}::{kind}" for value, kind in zip(spot, ("text", "int", "float8", "text"), strict=True)
    )
    return f"({ORDER}) > ({', '.join(values)})"
