"""A city of a million sensors for the bench of `type` + `q` + an area: made anew by everybody alike, and asked of by chance."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from madang.model.context import CORE
from madang.model.entity import Entity, parse_entity

ENTITIES = 1_000_000
CENTER, EXTENT_DEG = (127.0, 37.55), (0.34, 0.27)  # of 30 km each way in Seoul
# Type, the number it observes, its unit, and what it goes up to. All as often as each other.
KINDS = (
    ("Streetlight", "illuminanceLevel", "LUX", 60),
    ("ParkingSpot", "occupiedShare", "P1", 100),
    ("WasteContainer", "fillingLevel", "P1", 100),
    ("TrafficFlowObserved", "averageVehicleSpeed", "KMH", 90),
    ("AirQualityObserved", "pm25", "GQ", 80),
    ("NoiseLevelObserved", "LAeq", "2N", 100),
    ("WeatherObserved", "temperature", "CEL", 40),
    ("WaterConsumptionObserved", "flowRate", "MQH", 30),
    ("Building", "height", "MTR", 120),
    ("RoadSegment", "maximumAllowedSpeed", "KMH", 110),
)


def place(chance: random.Random) -> tuple[float, float]:
    """Longitude and latitude of somewhere in the city."""
    x, y = (center + (chance.random() - 0.5) * extent for center, extent in zip(CENTER, EXTENT_DEG, strict=True))
    return round(x, 6), round(y, 6)


def geometry(kind: str, x: float, y: float) -> dict[str, Any]:
    """Buildings are polygons of 20 m, roads lines of 200 m, all else is a point."""
    if kind == "Building":
        ring = [[x, y], [x + 2e-4, y], [x + 2e-4, y + 2e-4], [x, y + 2e-4], [x, y]]
        return {"type": "Polygon", "coordinates": [ring]}
    if kind == "RoadSegment":
        return {"type": "LineString", "coordinates": [[x, y], [x + 1e-3, y + 1e-3], [x + 2e-3, y + 1e-3]]}
    return {"type": "Point", "coordinates": [x, y]}


def sensor(number: int, chance: random.Random) -> dict[str, Any]:
    """One entity in concise form, of the kinds in turn; those that are near each other are nowhere near in the database."""
    kind, measure, unit, most = KINDS[number % len(KINDS)]
    observed = f"2026-11-22T{number % 24:02}:{number % 60:02}:00Z"
    x, y = place(chance)
    return {
        "id": f"urn:ngsi-ld:{kind}:seoul:{number:07}",
        "type": kind,
        "name": f"{kind} {number}",
        measure: {"value": round(chance.random() * most, 1), "unitCode": unit, "observedAt": observed},
        "batteryLevel": {"value": round(chance.random(), 2), "observedAt": observed},
        "status": {"value": chance.choice(("working", "outOfService", "withIncidence")), "observedAt": observed},
        "owner": ["urn:ngsi-ld:Organization:seoul"],
        "refDevice": {"object": f"urn:ngsi-ld:Device:seoul:{number:07}"},
        "location": geometry(kind, x, y),
    }


def sensors(count: int, seed: int = 1) -> Iterator[Entity]:
    chance = random.Random(seed)
    return (parse_entity(sensor(number, chance), CORE) for number in range(count))


def near(chance: random.Random) -> str:
    """The parameters of one question: which of one kind observe more than this, within 1 km of somewhere."""
    kind, measure, _, most = chance.choice(KINDS)
    x, y = place(chance)
    more_than = round(chance.uniform(0.1, 0.9) * most, 1)
    at = f"geometry=Point&coordinates=%5B{x},{y}%5D&georel=near;maxDistance==1000"
    return f"type={kind}&q={measure}%3E{more_than}&{at}&limit=20"
