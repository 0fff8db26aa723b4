"""Each formula over entities and observations as a city has them, worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg
import duckdb
import pytest

from madang.base.clock import ManualClock
from madang.context.writer import Writer
from madang.lake.indicators.computing import compute
from madang.lake.indicators.definition import get
from madang.lake.indicators.macros import add_macros
from madang.lake.indicators.values import Values
from madang.lake.roller import roll
from madang.model.context import CORE
from madang.model.entity import parse_entity
from madang.model.operations import Append

LON, LAT = 127.0, 37.5
KM = 1 / 111.32
"""A kilometre northward, in degrees."""


def entity(kind: str, name: str, /, **attributes: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:{kind}:yard:{name}", "type": kind} | attributes


def at(km_north: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [LON, LAT + km_north * KM]}


def line(*km_north: float) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": [at(one)["coordinates"] for one in km_north]}


def house(km_north: float) -> dict[str, Any]:
    """A square of a ten-thousandth of a degree."""
    (x, y), d = at(km_north)["coordinates"], 1e-4
    return {"type": "Polygon", "coordinates": [[[x, y], [x + d, y], [x + d, y + d], [x, y + d], [x, y]]]}


STOPS = [entity("PublicTransportStop", name, location=at(km)) for name, km in (("a", 0.0), ("b", 10.0), ("c", 20.0))]
HOMES = [
    entity("Building", "near", category=["residential"], floorsAboveGround=3, location=house(0.4)),
    entity("Building", "far", category=["apartments"], floorsAboveGround=1, location=house(1.0)),
    entity("Building", "shop", category=["retail"], floorsAboveGround=9, location=house(1.0)),
]
IN_TWO_LANGUAGES = {"languageMap": {"@none": "세종대로", "en": "Sejong-daero"}}
LIVE = {"type": "Property", "value": 3, "observedAt": "2026-11-22T09:00:00Z"}
WORLD = [
    *STOPS,
    *HOMES,
    entity("ArrivalEstimation", "a1", hasStop={"type": "Relationship", "object": STOPS[0]["id"]}),
    entity("RoadSegment", "r1", name="Mannerheimintie", roadClass="primary", location=line(0, 3)),
    entity("RoadSegment", "r2", name=IN_TWO_LANGUAGES, roadClass="secondary", location=line(0, 1)),
    entity("RoadSegment", "r3", name="Lane", roadClass="residential", location=line(0, 9)),
    entity("RoadSegment", "r4", roadClass="cycleway", location=line(0, 2)),
    entity("TrafficFlowObserved", "d1", name="세종대로", intensity=4),
    entity("TrafficSignalController", "s1", mode="app"),
    entity("TrafficSignalController", "s2", mode="fixed"),
    entity("PublicTransportRoute", "l1", shortRouteCode="4", location=line(0, 5)),
    entity("PublicTransportRoute", "l2", shortRouteCode="4", location=line(5, 1)),
    entity("PublicTransportRoute", "l3", shortRouteCode="7", location=line(0, 2)),
    entity("Vehicle", "v1", line="7"),
    entity("BikeHireDockingStation", "k1", availableBikeNumber=12),
    entity("BikeHireDockingStation", "k2", totalSlotNumber=9),
    entity("PointOfInterest", "p1", category=["museum"]),
    entity("PointOfInterest", "p2", category=["cafe"]),
    entity("OffStreetParking", "o1", totalSpotNumber=30, availableSpotNumber=LIVE),
    entity("OffStreetParking", "o2", totalSpotNumber=10),
    entity("EmergencyIncident", "e1", reportedAt="2026-11-22T09:00:00Z", arrivedAt="2026-11-22T09:06:30Z"),
    entity("EmergencyIncident", "e2", reportedAt="2026-11-22T10:00:00Z", arrivedAt="2026-11-22T10:03:30Z"),
    entity("EmergencyIncident", "e3", reportedAt="2026-11-22T11:00:00Z"),
    entity("AirQualityObserved", "q1", pm10=30.0, no2=10.0),
    entity("AirQualityObserved", "q2", pm10=50.0),
]  # fmt: skip
VALUES = {
    "EC:ICT:T:1C": (100 / 3, 3),
    "EC:ICT:T:2C": (25.0, 2),
    "EC:ICT:T:3A": (50.0, 2),
    "EC:I:T:1C": (7.0, 2),
    "EC:I:T:2A": (75.0, 2),
    "EC:I:T:3C": (2.0, 1),
    "EC:I:T:6A": (12.0, 1),
    "SC:EH:C:2A": (1.0, 1),
    "SC:SH:SA:5A": (5.0, 2),
    "37120:8.2": (40.0, 2),
    "37120:8.5": (10.0, 1),
    "37122:8.2": (0.02, 2),
    "37122:19.5": (50.0, 2),
    "37122:19.8": (75.0, 2),
    "37120:19.6": (75.0, 2),
    "11.2.1": (75.0, 2),
}


async def test_what_a_city_can_compute_it_computes(
    writer: Writer, pool: asyncpg.Pool, lake: duckdb.DuckDBPyConnection
) -> None:
    for one in WORLD:
        await writer.submit(Append(parse_entity(one, CORE), create=True))
    roll(lake)
    values = Values(pool, ManualClock(datetime(2026, 11, 22, tzinfo=UTC)))
    await values.enter("city:population", 2025, 100_000, "census", "official", "person:one")
    await values.enter("city:area", 2025, 100, "survey", "official", "person:one")
    (year,) = lake.execute("SELECT year(max(changed_at)) FROM lake.observation").fetchone() or (0,)
    add_macros(lake)
    found = {code: compute(lake, get(code), year) for code in VALUES}
    assert {code: (pytest.approx(value, rel=1e-3), rows) for code, (value, rows) in VALUES.items()} == found


def test_travel_takes_longer_at_the_peak(lake: duckdb.DuckDBPyConnection) -> None:
    """Of Seoul: eight in the morning there is 23 h of the day before in UTC."""
    speeds = [("one", 3, 60.0), ("one", 23, 40.0), ("two", 4, 50.0), ("two", 22, 50.0), ("three", 3, 50.0)]
    for name, hour, speed in speeds:
        lake.execute(
            "INSERT INTO lake.observation (seq, changed_at, entity_id, type, op, attribute, value)"
            " VALUES (1, $1, $2, 'TrafficFlowObserved', 'u', 'averageVehicleSpeed', $3)",
            [datetime(2026, 5, 1, hour), name, speed],
        )
    add_macros(lake)
    assert compute(lake, get("EC:I:T:5A"), 2026, "Asia/Seoul") == (pytest.approx((1.5 + 1.0) / 2), 4)
