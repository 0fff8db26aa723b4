"""What a run was worth, from SUMO's own record of every trip."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

WORST_SHARE = 0.05
MG_PER_KG = 1e6


@dataclass(frozen=True)
class Trip:
    """Seconds; `delay_s` is timeLoss + departDelay, as RESCO counts. `done` False: under way or never departed."""

    name: str
    delay_s: float
    wait_s: float
    trip_s: float
    stops: int
    co2_kg: float
    done: bool


@dataclass(frozen=True)
class Worth:
    """Means over every vehicle that wanted to leave, in s; `worst_s` is the delay of the worst twentieth."""

    delay_s: float
    wait_s: float
    trip_s: float
    stops: float
    worst_s: float
    co2_kg: float
    unfinished: int
    vehicles: int


def read_trips(path: Path) -> list[Trip]:
    """Every trip of a tripinfo file, written with unfinished and undeparted ones. Raises OSError, ParseError."""
    found = []
    for _, element in ET.iterparse(path):
        if element.tag == "tripinfo":
            found.append(_trip(element))
            element.clear()
    return found


def _trip(element: ET.Element) -> Trip:
    told = element.attrib
    departed, emissions = float(told["depart"]) >= 0, element.find("emissions")
    return Trip(
        name=told["id"],
        delay_s=float(told["departDelay"]) + (float(told["timeLoss"]) if departed else 0.0),
        wait_s=float(told["waitingTime"]) if departed else 0.0,
        trip_s=float(told["duration"]) if departed else 0.0,
        stops=int(told["waitingCount"]) if departed else 0,
        co2_kg=float(emissions.attrib["CO2_abs"]) / MG_PER_KG if emissions is not None and departed else 0.0,
        done=float(told["arrival"]) >= 0,
    )


def worth(trips: list[Trip]) -> Worth:
    """Means of trips; needs one trip at least."""
    delays = sorted((trip.delay_s for trip in trips), reverse=True)
    return Worth(
        delay_s=mean(delays),
        wait_s=mean(trip.wait_s for trip in trips),
        trip_s=mean(trip.trip_s for trip in trips),
        stops=mean(trip.stops for trip in trips),
        worst_s=mean(delays[: max(1, int(len(delays) * WORST_SHARE))]),
        co2_kg=sum(trip.co2_kg for trip in trips),
        unfinished=sum(not trip.done for trip in trips),
        vehicles=len(trips),
    )
