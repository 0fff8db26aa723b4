"""Where points are: published values, and the way there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import BadRequest
from madang.twin.shape.frame import Projection, axes_at, degrees_per_metre, frame_at, geocentric

LONGITUDE, LATITUDE = st.floats(-180, 180), st.floats(-85, 85)


def test_geocentric_as_the_geodesy_committee_publishes_it() -> None:
    """IOGP guidance note 7-2, method 9602: 53 48 33.82 N, 2 07 46.38 E, 73 m."""
    place = np.array([[2 + 7 / 60 + 46.38 / 3600, 53 + 48 / 60 + 33.82 / 3600, 73.0]])
    np.testing.assert_allclose(geocentric(place)[0], [3771793.968, 140253.342, 5124304.349], atol=0.001)


@given(LONGITUDE, LATITUDE)
def test_axes_are_at_right_angles_and_up_is_outward(longitude: float, latitude: float) -> None:
    axes = axes_at(longitude, latitude)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    low, high = geocentric(np.array([[longitude, latitude, 0.0], [longitude, latitude, 100.0]]))
    np.testing.assert_allclose(axes[2] * 100, high - low, atol=1e-6)


@given(LONGITUDE, LATITUDE, st.floats(-100, 3_000), st.floats(-200, 200), st.floats(-200, 200))
def test_degrees_of_a_metre_hold_over_a_building(
    longitude: float, latitude: float, height_m: float, east: float, north: float
) -> None:
    scale = np.array(degrees_per_metre(latitude, height_m))
    there = geocentric(np.array([[longitude + east * scale[0], latitude + north * scale[1], height_m]]))[0]
    told = np.linalg.inv(frame_at(longitude, latitude, height_m)) @ [*there, 1]
    np.testing.assert_allclose(told[:2], [east, north], atol=0.1)


@pytest.mark.parametrize(
    ("name", "point", "place"),
    [
        ("EPSG:5186", (203_363.8, 544_161.7, 5.0), (127.03804, 37.49691, 5.0)),
        ("EPSG:5186", (544_161.7, 203_363.8, 5.0), (127.03804, 37.49691, 5.0)),  # north first, as its authority has it
        ("https://www.opengis.net/def/crs/EPSG/0/7415", (84_616.468, 447_422.999, 5.0), (4.36201, 52.01070, 5.0)),
        ("urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783", (500_000.0, 5_500_000.0, 1.0), (9.0, 49.65254, 1.0)),
        ("EPSG:4326", (24.94, 60.17, 0.0), (24.94, 60.17, 0.0)),
    ],
)
def test_systems_of_real_files(name: str, point: tuple[float, ...], place: tuple[float, ...]) -> None:
    np.testing.assert_allclose(Projection(name).geographic(np.array([point]))[0], place, atol=1e-5)


def test_what_has_no_place_is_not_finite() -> None:
    assert not np.isfinite(Projection("EPSG:5186").geographic(np.array([[1e12, 1e12, 0.0]]))).all()


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(BadRequest, match="--crs"):
        Projection("EPSG:999999")
