"""Places and times told less exactly tell the same however often they are asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from madang.base.errors import BadRequest
from madang.trust.privacy.coarsen import coarsen_place, coarsen_time, utm_of

SEOUL = ZoneInfo("Asia/Seoul")
KOREA = 5_179  # the unified coordinate system of Korea
lons, lats = st.floats(126.7, 127.3), st.floats(37.4, 37.7)
cells = st.sampled_from([50.0, 100.0, 500.0, 1_000.0])


@given(lons, lats, cells, st.sampled_from([KOREA, utm_of(127.0, 37.5)]))
def test_a_place_moves_within_its_square_and_stays_there(lon: float, lat: float, cell_m: float, epsg: int) -> None:
    told = coarsen_place(lon, lat, cell_m, epsg)
    away_m = Geod(ellps="WGS84").inv(lon, lat, *told)[2]
    assert away_m <= cell_m * 0.7072 * 1.002 + 0.1  # the grid's metres are longer than the ground's by 0.1 % at most
    assert coarsen_place(*told, cell_m, epsg) == told


@given(lons, lats, st.floats(-30, 30), st.floats(-30, 30))
def test_neighbours_in_a_square_are_told_apart_no_more(lon: float, lat: float, east: float, north: float) -> None:
    middle = coarsen_place(lon, lat, 100.0, KOREA)
    other = (middle[0] + east / 90_000, middle[1] + north / 112_000)
    assert coarsen_place(*other, 100.0, KOREA) == middle


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [(126.978, 37.5665, 32_652), (24.94, 60.17, 32_635), (-51.2, -30.03, 32_722), (180, 0, 32_660)],
)
def test_the_zone_around_a_city(lon: float, lat: float, epsg: int) -> None:
    assert utm_of(lon, lat) == epsg


@pytest.mark.parametrize(("cell_m", "epsg", "lon"), [(0.5, KOREA, 127.0), (500.0, 4_326, 127.0), (500.0, KOREA, 4e9)])
def test_nonsense_is_refused(cell_m: float, epsg: int, lon: float) -> None:
    with pytest.raises(BadRequest):
        coarsen_place(lon, 37.5, cell_m, epsg)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.sampled_from([60, 900, 3_600, 21_600, 86_400]))
def test_a_time_is_the_beginning_of_its_step(at: datetime, step_s: int) -> None:
    at = at.replace(tzinfo=UTC)
    told = coarsen_time(at, step_s, SEOUL)
    assert timedelta(0) <= at - told < timedelta(seconds=step_s)
    assert coarsen_time(told, step_s, SEOUL) == told


def test_steps_begin_at_local_midnight() -> None:
    at = datetime(2026, 11, 21, 20, 30, tzinfo=UTC)  # half past five in Seoul, a day later
    assert coarsen_time(at, 86_400, SEOUL).isoformat() == "2026-11-22T00:00:00+09:00"
    with pytest.raises(BadRequest):
        coarsen_time(at, 7 * 3_600, SEOUL)
