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
TIER = 1_000_000
LARGEST = TIER * len(TIERS)
_ROUNDING = 1e-9


def band_of(place: Box) -> int:
    """The band in which a place lies."""
    west, south, east, north = place
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


def candidates(area: Box, types: tuple[str, ...], after: str | None, parameters: Parameters) -> str:
    """A SELECT of the ids (`near_id`) beyond `after` of what may touch the box and may be of one of the types, if any are
    given. It reads indexes only."""
    given = ", ".join(
        f"{parameters.add(values)}::{kind}[]"
        for values, kind in zip(bands(area), ("int", "int", "float8", "float8"), strict=True)
    )
    grid = f"unnest({given}) AS grid(low, high, west, east)"
    inside = "band BETWEEN low AND high AND entity.west BETWEEN grid.west AND grid.east"
    if after is not None:
        inside += f" AND id > {parameters.add(after)}"
    if not types:
        return f"SELECT id AS near_id FROM {grid}, entity WHERE {inside}"  # noqa: S608 - values only ever as parameters
    names = f"{parameters.add(list(types))}::text[]"
    return (
        f"SELECT id AS near_id FROM {grid}, entity WHERE type = ANY({names}) AND {inside}"  # noqa: S608
        f" UNION ALL SELECT id FROM {grid}, entity WHERE cardinality(types) > 1 AND type <> ALL({names}) AND {inside}"
    )
