"""The sun against published values, and rays against shapes whose answer is known."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from madang.twin.shape.frame import degrees_per_metre
from madang.twin.shape.triangles import prism
from madang.twin.sun.around import Around
from madang.twin.sun.position import RISE_DEGREES, directions, moments_of, positions
from madang.twin.sun.questions import sight_line, skyline, sun_path, sunlight
from madang.twin.sun.rays import first_hits

SEOUL, KST = (126.9780, 37.5665), ZoneInfo("Asia/Seoul")


def test_the_example_of_the_solar_position_algorithm() -> None:
    """I. Reda, A. Andreas, NREL/TP-560-34302, table A5.1: zenith 50.11162, azimuth 194.34024 degrees."""
    moment = datetime(2003, 10, 17, 12, 30, 30, tzinfo=timezone(timedelta(hours=-7)))
    found = positions([moment], -105.1786, 39.742476)
    assert found.azimuth[0] == pytest.approx(194.34024, abs=0.02)
    assert 90 - found.elevation[0] == pytest.approx(50.11162, abs=0.02)


@pytest.mark.parametrize(
    ("day", "rise", "set_"),
    [(date(2024, 6, 21), "05:11", "19:57"), (date(2024, 12, 21), "07:43", "17:17")],
)
def test_sunrise_and_sunset_of_seoul(day: date, rise: str, set_: str) -> None:
    """Solstices of 2024 as Korea's Astronomy and Space Science Institute announced them, to the minute."""
    moments = moments_of(day, KST, 1)
    up = positions(moments, *SEOUL).geometric > RISE_DEGREES
    edges = [moments[at + 1] for at in np.flatnonzero(np.diff(up.astype(int)))]
    told = [datetime.combine(day, datetime.strptime(one, "%H:%M").time(), KST) for one in (rise, set_)]
    assert [abs((found - wanted).total_seconds()) <= 90 for found, wanted in zip(edges, told, strict=True)] == [
        True,
        True,
    ]


@given(st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1)), st.floats(-180, 180), st.floats(-80, 80))
def test_the_sun_is_one_direction(moment: datetime, longitude: float, latitude: float) -> None:
    found = positions([moment.replace(tzinfo=KST)], longitude, latitude)
    assert np.linalg.norm(directions(found)[0]) == pytest.approx(1)
    assert 0 <= found.azimuth[0] < 360 and found.elevation[0] >= found.geometric[0] - 1e-9


def test_a_day_is_as_long_as_its_clocks_say() -> None:
    helsinki = ZoneInfo("Europe/Helsinki")
    hours = [
        len(moments_of(day, helsinki, 60)) - 1 for day in (date(2026, 3, 29), date(2026, 6, 1), date(2026, 10, 25))
    ]
    assert hours == [23, 24, 25]
    path = sun_path(24.94, 60.17, date(2026, 6, 21), helsinki)
    assert (len(path), path[0]["at"]) == (145, "2026-06-20T21:00:00.000Z")


def tower(west: float, south: float, east: float, north: float, height_m: float) -> Around:
    mesh = prism([box(west, south, east, north)], height_m)
    assert mesh is not None
    return Around(["urn:tower"], mesh.corners(), np.zeros(len(mesh.triangles), np.int64))


OPEN = Around([], np.zeros((0, 3, 3)), np.zeros(0, np.int64))


@given(st.floats(-60, 60), st.floats(0, 40))
def test_a_wall_is_hit_where_it_stands(east: float, up: float) -> None:
    """A wall from -50 to 50 east, 30 m to the north and 25 m high."""
    wall = tower(-50, 30, 50, 40, 25)
    to = np.array([east, 30.0, up])
    distances, hits = first_hits(np.zeros(3), to[None] / np.linalg.norm(to), wall.triangles)
    inside = abs(east) < 50 and up < 25
    beside = (
        abs(abs(east) - 50) > 0.01 and abs(up - 25) > 0.01 and (inside or abs(east) > 50 * 4 / 3 or up > 25 * 4 / 3)
    )
    assert not beside or (hits[0] >= 0) == inside
    assert not (beside and inside) or distances[0] == pytest.approx(np.linalg.norm(to))


def test_sunlight_where_nothing_stands_is_all_of_the_day() -> None:
    found = sunlight(OPEN, 1.5, SEOUL, date(2026, 6, 21), KST)
    assert (found["hours"], found["possible"], found["shadedBy"], len(found["spans"])) == (14.75, 14.75, {}, 1)


def test_a_tower_in_the_south_takes_the_noon() -> None:
    found = sunlight(tower(-15, -40, 15, -20, 200), 1.5, SEOUL, date(2026, 12, 21), KST)
    assert found["hours"] + found["shadedBy"]["urn:tower"] == pytest.approx(found["possible"], abs=0.02)
    assert len(found["spans"]) == 2 and 3 < found["hours"] < 8


def test_a_tower_in_the_north_takes_nothing_in_winter() -> None:
    found = sunlight(tower(-15, 20, 15, 40, 200), 1.5, SEOUL, date(2026, 12, 21), KST)
    assert (found["hours"], found["shadedBy"]) == (found["possible"], {})


@pytest.mark.parametrize(
    ("height", "answer"),
    [
        (10.0, {"clear": False, "distance": 100.0, "hiddenBy": "urn:tower", "hiddenAt": 40.0}),
        (30.0, {"clear": True, "distance": 100.0}),
    ],
)
def test_whether_one_place_is_seen_from_another(height: float, answer: dict[str, Any]) -> None:
    north = SEOUL[1] + 100 * degrees_per_metre(SEOUL[1])[1]
    assert sight_line(tower(-5, 40, 5, 50, 25), height, (SEOUL[0], north, height), SEOUL) == answer


def test_the_horizon_is_as_high_as_what_stands_there() -> None:
    found = {one["azimuth"]: one["elevation"] for one in skyline(tower(-10, 20, 10, 30, 21.5), 1.5)}
    assert (found[0], found[90], found[180]) == (45.0, 0.0, 0.0)
    assert found[20] == pytest.approx(np.degrees(np.arctan(20 / (20 / np.cos(np.radians(20))))), abs=0.01)
