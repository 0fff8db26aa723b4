"""near (clause 4.10): what a box says without building a geometry is what the geometry says."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import shape

from madang.model.geometry import distance_m, parse_geo_query

CENTER = [127.0, 37.5]
degrees = st.floats(-0.05, 0.05).map(lambda value: round(value, 6))
points = st.tuples(degrees, degrees).map(lambda at: [CENTER[0] + at[0], CENTER[1] + at[1]])
lines = st.lists(points, min_size=2, max_size=4).map(lambda path: {"type": "LineString", "coordinates": path})


@given(lines, st.integers(1, 8_000), st.sampled_from([0, 500]))
def test_a_line_is_near_as_far_as_its_nearest_point_is(line: dict[str, Any], most: int, least: int) -> None:
    query = parse_geo_query(f"near;maxDistance=={most};minDistance=={least}", "Point", CENTER)
    metres = distance_m(query.reference, shape(line))
    # On a plane and on the sphere distances differ; where they do the answer may be either.
    unsure = 0.998 < metres / most < 1.002 or 0.998 < metres / max(least, 1) < 1.002
    assert unsure or query.matches(line) == (least <= metres <= most)


@given(lines, st.integers(1, 8_000))
def test_a_line_is_near_without_a_least_distance(line: dict[str, Any], most: int) -> None:
    query = parse_geo_query(f"near;maxDistance=={most}", "Point", CENTER)
    metres = distance_m(query.reference, shape(line))
    assert 0.998 < metres / most < 1.002 or query.matches(line) == (metres <= most)
