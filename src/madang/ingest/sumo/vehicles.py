"""Vehicles that tell where they are: buses and trams first, then cars and bicycles by turns, within the budget."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

KINDS = {"tram": "tram", "rail_urban": "tram", "bus": "bus", "coach": "bus", "bicycle": "bicycle"}
TRANSIT_EVERY_S = 2
TIMETABLE_MPS = 5.0  # commercial speed that a timetable allows, stops included (18 km/h)


@dataclass
class Fleet:
    """Who is on the road. Order of turns is by departure, so it repeats with the seed."""

    kind: dict[str, str] = field(default_factory=dict)
    transit: list[str] = field(default_factory=list)
    turns: deque[str] = field(default_factory=deque)

    def arrive(self, sumo: Any) -> list[str]:
        """Take in who departed and left since the last step; gives those to delete."""
        for vehicle in sumo.simulation.getDepartedIDList():
            self.join(sumo, vehicle)
        return [vehicle for vehicle in sumo.simulation.getArrivedIDList() if self.leave(vehicle)]

    def join(self, sumo: Any, vehicle: str) -> None:
        kind = KINDS.get(sumo.vehicle.getVehicleClass(vehicle), "car")
        self.kind[vehicle] = kind
        (self.transit if kind in ("bus", "tram") else self.turns).append(vehicle)

    def leave(self, vehicle: str) -> bool:
        """Forget a vehicle; whether it was here. Every leaver is told: one may have been heard before a restart."""
        return self.kind.pop(vehicle, None) is not None

    def next(self, now_s: int, spare: int) -> list[str]:
        """Who speaks now: every bus and tram each `TRANSIT_EVERY_S`, others by turns while there is budget."""
        self.transit = [vehicle for vehicle in self.transit if vehicle in self.kind]
        chosen = [v for i, v in enumerate(self.transit) if (now_s + i) % TRANSIT_EVERY_S == 0][:spare]
        for _ in range(min(spare - len(chosen), len(self.turns))):
            vehicle = self.turns.popleft()
            if vehicle in self.kind:
                self.turns.append(vehicle)
                chosen.append(vehicle)
        return chosen


def vehicle_payload(sumo: Any, vehicle: str, kind: str, time: str, now_s: float) -> dict[str, Any] | None:
    """Position of one vehicle, or None when it is nowhere (teleporting)."""
    x, y = sumo.vehicle.getPosition(vehicle)
    if x < -1e6:
        return None
    lon, lat = sumo.simulation.convertGeo(x, y)
    body = {
        "time": time,
        "type": kind,
        "lon": round(lon, 6),
        "lat": round(lat, 6),
        "heading": round(sumo.vehicle.getAngle(vehicle)),
        "speed_kmh": round(sumo.vehicle.getSpeed(vehicle) * 3.6, 1),
    }
    if kind in ("bus", "tram"):
        body["line"] = sumo.vehicle.getLine(vehicle)
        body["delay_s"] = delay_s(
            now_s,
            sumo.vehicle.getDeparture(vehicle),
            sumo.vehicle.getDepartDelay(vehicle),
            sumo.vehicle.getDistance(vehicle),
        )
    return body


def delay_s(now_s: float, departed_s: float, waited_s: float, distance_m: float) -> int:
    """Seconds behind a timetable that runs at commercial speed from the planned departure."""
    return round(now_s - (departed_s - waited_s) - max(0.0, distance_m) / TIMETABLE_MPS)
