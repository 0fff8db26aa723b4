"""What a simulated day was for those who travelled: SUMO's tripinfo, also of who never arrived or never entered.

Delay is timeLoss + departDelay, as RESCO counts it (Ault and Sharon 2021). Emissions are SUMO's model of each vehicle's class.
"""

from __future__ import annotations

import statistics
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

FUEL_MJ_PER_KG = 43.0  # lower heating value of petrol and diesel, rounded: IPCC 2006, vol. 2, table 1.2
WORST_SHARE = 0.05


@dataclass(frozen=True)
class Trip:
    """One vehicle's, times in s. `wanted_s`: when it wanted to leave, second of the day."""

    wanted_s: float
    delay_s: float
    waiting_s: float
    stops: int
    co2_g: float
    energy_mj: float
    is_done: bool


@dataclass(frozen=True)
class Travel:
    """Means over trips; `worst_delay_s` that of the five per cent who lost most. `unfinished` and `trips` are counts."""

    trips: int
    unfinished: int
    delay_s: float
    worst_delay_s: float
    waiting_s: float
    stops: float
    co2_g: float
    energy_mj: float


def read_trips(path: Path, begin_s: float, end_s: float) -> Iterator[Trip]:
    """The trips of who wanted to leave in [begin_s, end_s). Raises OSError, ParseError."""
    for _, item in ET.iterparse(path):  # noqa: S314 - SUMO wrote it a moment ago
        if item.tag != "tripinfo":
            continue
        trip = _trip(item, end_s)
        if begin_s <= trip.wanted_s < end_s:
            yield trip
        item.clear()


def _trip(item: ET.Element, end_s: float) -> Trip:
    told, air = item.attrib, item.find("emissions")
    depart, waited = float(told["depart"]), float(told["departDelay"])
    emitted = air.attrib if air is not None else {}
    fuel_kg, electricity_wh = float(emitted.get("fuel_abs", 0)) / 1e6, float(emitted.get("electricity_abs", 0))
    return Trip(
        wanted_s=(depart if depart >= 0 else end_s) - waited,
        delay_s=max(0.0, float(told["timeLoss"])) + waited,
        waiting_s=max(0.0, float(told["waitingTime"])) + waited,
        stops=int(float(told["waitingCount"])),
        co2_g=float(emitted.get("CO2_abs", 0)) / 1e3,
        energy_mj=fuel_kg * FUEL_MJ_PER_KG + electricity_wh * 0.0036,
        is_done=float(told["arrival"]) >= 0,
    )


def sum_up(trips: Sequence[Trip]) -> Travel:
    """Raises StatisticsError when nobody travelled."""
    delays = sorted((trip.delay_s for trip in trips), reverse=True)
    return Travel(
        trips=len(trips),
        unfinished=sum(not trip.is_done for trip in trips),
        delay_s=statistics.fmean(delays),
        worst_delay_s=statistics.fmean(delays[: max(1, round(len(delays) * WORST_SHARE))]),
        waiting_s=statistics.fmean(trip.waiting_s for trip in trips),
        stops=statistics.fmean(trip.stops for trip in trips),
        co2_g=statistics.fmean(trip.co2_g for trip in trips),
        energy_mj=statistics.fmean(trip.energy_mj for trip in trips),
    )
